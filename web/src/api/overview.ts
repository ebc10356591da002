/** Calls about the installation as a whole. */

import { request } from "./client";
import type { Overview, Task } from "./types";

export function overview(signal?: AbortSignal): Promise<Overview> {
  return request("/overview", { signal });
}

export function retryTask(id: string): Promise<Task> {
  return request(`/tasks/${encodeURIComponent(id)}/retry`, { method: "POST" });
}

export function cancelTask(id: string): Promise<Task> {
  return request(`/tasks/${encodeURIComponent(id)}/cancel`, { method: "POST" });
}
