/** Calls about models. */

import { answer, client } from "./client";
import type { ModelsAnswer } from "./types";

export function models(signal: AbortSignal): Promise<ModelsAnswer> {
  return answer(client.GET("/models", { signal }));
}
