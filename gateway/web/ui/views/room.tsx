export function RoomSettings(_props: { id?: string; page?: string }) { return null; }
