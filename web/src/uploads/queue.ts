/** The upload queue as plain data; the provider moves it. */

import type { ApiError } from "../api/client";
import type { UploadDetails } from "../api/upload";

export type UploadState = "waiting" | "sending" | "stored" | "failed";

export interface UploadItem {
  id: number;
  file: File;
  details: UploadDetails;
  state: UploadState;
  sentBytes: number;
  /** Bytes per second over the time since it began. */
  rate: number;
  error?: ApiError;
  /** The new video, once stored. */
  video?: string;
}

export type UploadChange =
  | { type: "added"; items: UploadItem[] }
  | { type: "moved"; id: number; change: Partial<UploadItem> }
  | { type: "removed"; id: number }
  | { type: "cleared" };

export function change(items: UploadItem[], by: UploadChange): UploadItem[] {
  switch (by.type) {
    case "added":
      return [...items, ...by.items];
    case "moved":
      return items.map((item) => (item.id === by.id ? { ...item, ...by.change } : item));
    case "removed":
      return items.filter((item) => item.id !== by.id);
    case "cleared":
      return items.filter((item) => item.state === "waiting" || item.state === "sending");
  }
}

/** Which waiting items may begin now, so that at most `atOnce` are sent together, in order. */
export function startable(items: UploadItem[], atOnce: number): UploadItem[] {
  const free = atOnce - items.filter((item) => item.state === "sending").length;
  return items.filter((item) => item.state === "waiting").slice(0, Math.max(0, free));
}

/** All files together: bytes sent and to send. Failed ones do not count. */
export function totals(items: UploadItem[]): { sent: number; all: number } {
  const counted = items.filter((item) => item.state !== "failed");
  return {
    sent: counted.reduce((sum, item) => sum + (item.state === "stored" ? item.file.size : item.sentBytes), 0),
    all: counted.reduce((sum, item) => sum + item.file.size, 0),
  };
}

/** `a=b, c=d` as labels; what has no `=` or no name is answered as a problem in words. */
export function parseLabels(text: string): { labels: Record<string, string> } | { problem: string } {
  const labels: Record<string, string> = {};
  for (const part of text.split(",").map((each) => each.trim())) {
    if (part === "") continue;
    const at = part.indexOf("=");
    if (at < 1) return { problem: `“${part}” is not of the form name=value` };
    labels[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return { labels };
}
