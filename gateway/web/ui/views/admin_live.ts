// How what an admin sees follows what others do meanwhile.
import { useEffect, useRef } from 'preact/hooks';
import { ListWatch } from '../../state/stats.ts';
import { api } from '../env.ts';
import { useWhileSeen } from '../parts/load.ts';

export const REFRESH_MS = 5000;

/** @param refresh as usePages gives it */
export function useLiveList(list: ConstructorParameters<typeof ListWatch>[1], refresh: () => Promise<boolean>): void {
    const latest = useRef(refresh);
    latest.current = refresh;
    const watch = useRef<ListWatch | undefined>(undefined);
    watch.current ??= new ListWatch(api, list, () => latest.current());
    const look = () => void watch.current!.look();
    useEffect(look, []);
    useWhileSeen(look, REFRESH_MS);
}
