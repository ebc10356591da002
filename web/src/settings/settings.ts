/** What a person chose in this browser, kept in its local storage. */

import { useSyncExternalStore } from "react";
import { FOLDED_AT_FIRST } from "../lanes/groups";
import { LAYERS_AT_FIRST } from "../player/layers";

export type Theme = "system" | "light" | "dark";

export interface Settings {
  theme: Theme;
  /** Pictures of videos that were judged harmful or need review stay blurred until asked for. */
  blurFlagged: boolean;
  /** Single-key shortcuts. */
  shortcuts: boolean;
  /** Objects of which the model is less sure than this are not shown, 0 to 1. */
  objectsFrom: number;
  /** Player volume, 0 to 1. */
  volume: number;
  muted: boolean;
  /** Groups of lanes that are folded. */
  foldedGroups: readonly string[];
  /** Layers that are drawn over the picture. */
  layers: readonly string[];
}

const KEY = "weir.settings";

const DEFAULTS: Settings = {
  theme: "system",
  blurFlagged: true,
  shortcuts: true,
  objectsFrom: 0.4,
  volume: 1,
  muted: false,
  foldedGroups: FOLDED_AT_FIRST,
  layers: LAYERS_AT_FIRST,
};

/** Settings from what the storage holds; what is missing or of another kind is the default. */
export function parseSettings(text: string | null): Settings {
  let held: Partial<Record<keyof Settings, unknown>>;
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    held = typeof value === "object" && value !== null ? value : {};
  } catch {
    held = {};
  }
  const share = (value: unknown, otherwise: number) => (typeof value === "number" && value >= 0 && value <= 1 ? value : otherwise);
  const names = (value: unknown, otherwise: readonly string[]) =>
    Array.isArray(value) && value.every((each) => typeof each === "string") ? (value as string[]) : otherwise;
  return {
    theme: held.theme === "light" || held.theme === "dark" ? held.theme : DEFAULTS.theme,
    blurFlagged: typeof held.blurFlagged === "boolean" ? held.blurFlagged : DEFAULTS.blurFlagged,
    shortcuts: typeof held.shortcuts === "boolean" ? held.shortcuts : DEFAULTS.shortcuts,
    objectsFrom: share(held.objectsFrom, DEFAULTS.objectsFrom),
    volume: share(held.volume, DEFAULTS.volume),
    muted: typeof held.muted === "boolean" ? held.muted : DEFAULTS.muted,
    foldedGroups: names(held.foldedGroups, DEFAULTS.foldedGroups),
    layers: names(held.layers, DEFAULTS.layers),
  };
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

let current: Settings | undefined;
const watchers = new Set<() => void>();

export function settings(): Settings {
  current ??= parseSettings(stored());
  return current;
}

function show(next: Settings): void {
  const root = document.documentElement;
  if (next.theme === "system") delete root.dataset.theme;
  else root.dataset.theme = next.theme;
  for (const watcher of watchers) watcher();
}

export function changeSettings(change: Partial<Settings>): void {
  current = { ...settings(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Storage is blocked: the choice holds for this page.
  }
  show(current);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Follows changes made in other tabs. */
export function followOtherTabs(): void {
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    current = parseSettings(event.newValue);
    show(current);
  });
}

export function useSettings(): Settings {
  return useSyncExternalStore(watch, settings);
}
