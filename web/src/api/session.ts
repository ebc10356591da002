/** Calls about who is signed in. */

import { request } from "./client";
import type { Me } from "./types";

export function whoAmI(signal?: AbortSignal): Promise<Me> {
  return request("/auth/me", { signal });
}

export function signIn(name: string, password: string): Promise<Me> {
  return request("/auth/login", { method: "POST", body: { name, password } });
}

export function signOut(): Promise<void> {
  return request("/auth/logout", { method: "POST" });
}
