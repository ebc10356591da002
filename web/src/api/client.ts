/** One way to the server: JSON in, JSON out, problems as `ApiError`. */

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

interface Problem {
  title?: string;
  detail?: string;
  code?: string;
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && ("code" in value || "title" in value || "detail" in value);
}

/** Reads a problem from an answer's text; what is not problem+json gets words of ours. */
export function problem(status: number, body: string): ApiError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    parsed = undefined;
  }
  const said = isProblem(parsed) ? parsed : {};
  return new ApiError(status, said.code ?? `http_${status}`, said.detail ?? said.title ?? `The server answered ${status}.`);
}

/** No answer: the server is down or the network is. */
export function unreachable(): ApiError {
  return new ApiError(0, "unreachable", "The server does not answer. It may be restarting.");
}

export type Query = Record<string, string | number | undefined>;

/** `path` with the values that are set as its query. */
export function withQuery(path: string, query: Query): string {
  const set = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return set.length === 0 ? path : `${path}?${new URLSearchParams(set).toString()}`;
}

export interface Call {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
}

/** Asks the server. The caller names the shape that the contract promises for this route. */
export async function request<T>(path: string, call: Call = {}): Promise<T> {
  const method = call.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(withQuery(BASE + path, call.query ?? {}), {
      method,
      headers,
      credentials: "same-origin",
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.signal ? { signal: call.signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (!answer.ok) {
    const failed = problem(answer.status, await answer.text());
    if (failed.status === 401 && path !== "/auth/login") signedOut();
    throw failed;
  }
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

/** Any thrown value as an `ApiError`. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, "unexpected", error instanceof Error ? error.message : String(error));
}
