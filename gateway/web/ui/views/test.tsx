export function Test(_props: { id?: string; page?: string }) { return null; }
