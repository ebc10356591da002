/** Where the models page is, and what it is narrowed to; pure. */

/** Not `/models`: that is an address of the API, which the server answers at its root, too. */
export const MODELS_PAGE = "/model-cards";

/** The models of an analyser; `video` is where the way back leads. */
export function modelsOf(analyser: string, video?: string): string {
  return `${MODELS_PAGE}?${new URLSearchParams({ analyser, ...(video === undefined ? {} : { video }) }).toString()}`;
}

/** An analyser's entry on the page of a video. */
export function analyserOn(video: string, analyser: string): string {
  return `/watch/${encodeURIComponent(video)}#${analyserAnchor(analyser)}`;
}

/** The element of an analyser on the page of a video. */
export function analyserAnchor(analyser: string): string {
  return `analyser-${analyser}`;
}
