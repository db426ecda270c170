export function Profile(_props: { id?: string; page?: string }) { return null; }
