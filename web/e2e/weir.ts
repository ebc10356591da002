/** What every test needs: signing in, finding the sample, looking at the picture. */

import { type APIRequestContext, type APIResponse, expect, type Page } from "@playwright/test";

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}, as scripts/e2e.sh does`);
  return value;
}

export const user = () => needed("WEIR_USER");
export const password = () => needed("WEIR_PASSWORD");
/** A video with sound of some seconds. */
export const sample = () => needed("WEIR_SAMPLE");

export async function signIn(page: Page, name = user(), secret = password()): Promise<void> {
  await page.goto("/");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
}

/** Posts as the page's own session does. */
export async function post(page: Page, path: string, data: Record<string, unknown>): Promise<APIResponse> {
  const me = (await (await page.request.get("/api/auth/me")).json()) as { csrf: string };
  return page.request.post(`/api${path}`, { data, headers: { "X-CSRF-Token": me.csrf } });
}

interface Listed {
  stream_id: string;
  status: string;
  analysis: string;
  decision: string;
}

/** Waits until a video is playable and, where asked for, analysed and judged. Uses the page's own session. */
export async function settled(request: APIRequestContext, id: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const answer = await request.get(`/api/vod/${id}/metadata`);
        const video = (await answer.json()) as Listed;
        return `${video.status} ${["done", "partial"].includes(video.analysis)} ${video.decision !== "pending"}`;
      },
      { timeout: 270_000, intervals: [500, 1000, 2000] },
    )
    .toBe("ready true true");
}

/** Uploads the sample by the page and answers with the new video's id. */
export async function upload(page: Page): Promise<string> {
  await page.goto("/upload");
  await page.getByLabel("Files to upload").setInputFiles(sample());
  const link = page.locator(".upload a");
  await expect(link).toBeVisible({ timeout: 60_000 });
  const href = (await link.getAttribute("href")) ?? "";
  const id = /^\/watch\/(vod-[0-9a-f]{12,})$/.exec(href)?.[1];
  if (!id) throw new Error(`the upload leads to ${href}`);
  return id;
}

/** The newest video that is ready, analysed and judged, or a fresh upload. */
export async function anyVideo(page: Page): Promise<string> {
  const answer = await page.request.get("/api/vod?status=ready&limit=20");
  const { items } = (await answer.json()) as { items: Listed[] };
  // One of which something is known: the clips for the players are not analysed.
  const there = items.find((video) => !["pending", "unknown"].includes(video.decision) && ["done", "partial"].includes(video.analysis));
  if (there) return there.stream_id;
  const id = await upload(page);
  await settled(page.request, id);
  return id;
}

/** Opens a video and shows its picture even if it is flagged. */
export async function watch(page: Page, id: string): Promise<void> {
  await page.goto(`/watch/${id}`);
  await expect(page.locator("video")).toBeVisible();
  await expect.poll(() => page.locator("video").evaluate((video: HTMLVideoElement) => video.readyState)).toBeGreaterThanOrEqual(2);
  const reveal = page.getByRole("button", { name: "Reveal" });
  if (await reveal.isVisible()) await reveal.click();
}

export function now(page: Page): Promise<number> {
  return page.locator("video").evaluate((video: HTMLVideoElement) => video.currentTime);
}

/** How far it plays, seconds: waits for more than `wanted`, or its end. Counted in the page: on a busy machine the sample may be over
 * before a test has asked twice. */
export function playedOn(page: Page, wanted: number): Promise<number> {
  return page.locator("video").evaluate(async (video: HTMLVideoElement, enough: number) => {
    const from = video.currentTime;
    const until = performance.now() + 30_000;
    while (video.currentTime - from <= enough && !video.ended && performance.now() < until) {
      await new Promise((next) => setTimeout(next, 50));
    }
    return video.currentTime - from;
  }, wanted);
}

export function isPlaying(page: Page): Promise<boolean> {
  return page.locator("video").evaluate((video: HTMLVideoElement) => !video.paused && !video.ended);
}

/** Mean and variance of the brightness (0 to 255) of the picture that is shown. */
export function luma(page: Page): Promise<{ mean: number; variance: number }> {
  return page.locator("video").evaluate((video: HTMLVideoElement) => {
    const canvas = document.createElement("canvas");
    canvas.width = 64;
    canvas.height = 36;
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const lumas: number[] = [];
    for (let at = 0; at < data.length; at += 4) {
      lumas.push(0.2126 * (data[at] ?? 0) + 0.7152 * (data[at + 1] ?? 0) + 0.0722 * (data[at + 2] ?? 0));
    }
    const mean = lumas.reduce((sum, each) => sum + each, 0) / lumas.length;
    return { mean, variance: lumas.reduce((sum, each) => sum + (each - mean) ** 2, 0) / lumas.length };
  });
}
