/** Calls about the installation as a whole. */

import { answer, client } from "./client";
import type { Overview } from "./types";

export function overview(signal: AbortSignal): Promise<Overview> {
  return answer(client.GET("/overview", { signal }));
}

export async function retryTask(id: string): Promise<void> {
  await answer(client.POST("/tasks/{id}/retry", { params: { path: { id } } }));
}

export async function cancelTask(id: string): Promise<void> {
  await answer(client.POST("/tasks/{id}/cancel", { params: { path: { id } } }));
}
