/** Calls about who is signed in. */

import { answer, client } from "./client";
import type { Me } from "./types";

export function whoAmI(signal: AbortSignal): Promise<Me> {
  return answer(client.GET("/auth/me", { signal }));
}

export function signIn(name: string, password: string): Promise<Me> {
  return answer(client.POST("/auth/login", { body: { name, password } }));
}

export async function signOut(): Promise<void> {
  await answer(client.POST("/auth/logout"));
}
