/** Sending a file with progress: `fetch` cannot report it, `XMLHttpRequest` can. */

import { ApiError, BASE, csrfToken, problem, unreachable, withQuery } from "./client";

export interface UploadDetails {
  owner?: string;
  /** Of the form `name=value`. */
  labels?: Record<string, string>;
}

export interface Sending {
  /** Resolves with the new video's id. */
  done: Promise<string>;
  cancel: () => void;
}

/** Why a file is not even sent; nothing when it is. */
export function refusal(file: { size: number }): ApiError | undefined {
  return file.size === 0 ? new ApiError(422, "empty", "The file is empty.") : undefined;
}

/** A title from a file's name: without folder and ending. */
export function titleOf(name: string): string {
  const base = name.split(/[\\/]/).pop() ?? name;
  const dot = base.lastIndexOf(".");
  return (dot > 0 ? base.slice(0, dot) : base).slice(0, 500);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function streamId(body: unknown): string | undefined {
  const id = typeof body === "object" && body !== null ? (body as { stream_id?: unknown }).stream_id : undefined;
  return typeof id === "string" ? id : undefined;
}

/** Sends `file`; `progress` hears how many bytes the server took. */
export function sendFile(file: File, details: UploadDetails, progress: (sentBytes: number) => void): Sending {
  const xhr = new XMLHttpRequest();
  const done = new Promise<string>((resolve, reject) => {
    const labels = details.labels && Object.keys(details.labels).length > 0 ? JSON.stringify(details.labels) : undefined;
    const query = { title: titleOf(file.name), filename: file.name, owner: details.owner, labels };
    xhr.open("POST", withQuery(`${BASE}/vod/upload`, query));
    // Raw bytes: the server looks into the file, not at this.
    xhr.setRequestHeader("Content-Type", "application/octet-stream");
    xhr.setRequestHeader("Accept", "application/json");
    xhr.setRequestHeader("X-CSRF-Token", csrfToken());
    xhr.upload.onprogress = (event) => progress(event.loaded);
    xhr.onload = () => {
      const body = parsed(xhr.responseText);
      const id = xhr.status === 201 ? streamId(body) : undefined;
      if (id === undefined) reject(problem(xhr.status, body));
      else resolve(id);
    };
    xhr.onerror = () => reject(unreachable());
    xhr.onabort = () => reject(new ApiError(0, "cancelled", "Cancelled."));
    xhr.send(file);
  });
  return { done, cancel: () => xhr.abort() };
}
