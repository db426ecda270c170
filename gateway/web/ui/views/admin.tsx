export function Admin(_props: { id?: string; page?: string }) { return null; }
