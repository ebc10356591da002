/** One way to the server: typed by its OpenAPI document, problems as `ApiError`. */

import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "../api.gen";
import { isRecord, textOf } from "./value";

/** What the server (or the network) said when something did not work. */
export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    /** Stable word of the problem, for example `not_found`. */
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export const BASE = "/api";

let csrf = "";
let signedOut: () => void = () => undefined;

/** Remembers what changing requests must repeat. */
export function setCsrf(value: string): void {
  csrf = value;
}

/** What `X-CSRF-Token` must hold, for requests that do not go through here (uploads with progress). */
export function csrfToken(): string {
  return csrf;
}

/** Called when the server no longer knows the session. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/** A problem from an answer's body; what is not problem+json gets words of ours. */
export function problem(status: number, body: unknown): ApiError {
  const said = isRecord(body) ? body : {};
  const words = textOf(said.detail) ?? textOf(said.title) ?? `The server answered ${status}.`;
  return new ApiError(status, textOf(said.code) ?? `http_${status}`, words);
}

/** No answer: the server is down or the network is. */
export function unreachable(): ApiError {
  return new ApiError(0, "unreachable", "The server does not answer. It may be restarting.");
}

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("X-CSRF-Token", csrf);
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== "/auth/login") signedOut();
  },
  onError({ error }) {
    return error instanceof DOMException && error.name === "AbortError" ? error : unreachable();
  },
};

export const client = createClient<paths>({ baseUrl: BASE, headers: { Accept: "application/json" } });
client.use(guard);

/** The data of an answer; throws an `ApiError` for anything but success. */
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw problem(response.status, error);
  return data as T;
}

/** `path` with the values that are set as its query. */
export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const set = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return set.length === 0 ? path : `${path}?${new URLSearchParams(set).toString()}`;
}

/** Any thrown value as an `ApiError`. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, "unexpected", error instanceof Error ? error.message : String(error));
}
