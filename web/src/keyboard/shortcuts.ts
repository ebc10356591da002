/** Single-key shortcuts, switched off where somebody types and by a setting. */

import { useEffect, useRef } from "react";
import { settings } from "../settings/settings";

/** By `KeyboardEvent.key`; a handler that returns `false` leaves the key to the browser. */
export type Shortcuts = Record<string, (event: KeyboardEvent) => boolean | undefined | void>;

const TYPING = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";
const PRESSED = "button, a, summary, [role=tab], input[type=checkbox], input[type=radio]";
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

/** Whether the focused element needs this key for itself. */
export function keepsKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest(TYPING)) return true;
  if (key === " " || key === "Enter") return target.closest(PRESSED) !== null;
  return ARROWS.includes(key) && target.closest("input, [role=tab], [role=slider], [role=menu]") !== null;
}

/** Listens while the component is shown and no dialog is open. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (!settings().shortcuts || document.querySelector("dialog[open]")) return;
      const act = latest.current[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!act || keepsKey(event.target, event.key)) return;
      if (act(event) !== false) event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
