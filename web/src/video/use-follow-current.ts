import { type RefObject, useEffect } from "react";

/** Scrolls the list's own box (never the page) so that its entry `current` is in view. */
export function useFollowCurrent(list: RefObject<HTMLElement | null>, current: number, follow: boolean): void {
  useEffect(() => {
    const box = list.current?.closest<HTMLElement>(".findings-body");
    const entry = list.current?.children[current];
    if (!follow || !box || !(entry instanceof HTMLElement)) return;
    const top = entry.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop;
    const bottom = top + entry.offsetHeight;
    if (top >= box.scrollTop && bottom <= box.scrollTop + box.clientHeight) return;
    box.scrollTo({ top: Math.max(0, top - box.clientHeight / 3), behavior: "auto" });
  }, [list, current, follow]);
}
