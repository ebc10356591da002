import { createRequire } from "node:module";
import { expect, type Page, test } from "@playwright/test";
import HLS from "hls-parser";
import { anyVideo, signIn } from "./weir";

/** Videos to play: those that the caller names, else one that is there. */
async function videos(page: Page): Promise<string[]> {
  return process.env.WEIR_VIDEOS?.split(",") ?? [await anyVideo(page)];
}

const hlsPath = createRequire(import.meta.url).resolve("hls.js/dist/hls.min.js");

interface Played {
  ended: boolean;
  fatal: string[];
  errors: string[];
  seconds: number;
  duration: number;
}

test("hls.js plays to the end without an error", async ({ page }) => {
  await signIn(page);
  for (const id of await videos(page)) await plays(page, id);
});

async function plays(page: Page, id: string): Promise<void> {
  const { manifest_url } = (await (await page.request.get(`/api/vod/${id}/manifest`)).json()) as { manifest_url: string };
  // A page of this server without the dashboard's own player.
  await page.goto("/favicon.svg");
  const script = await import("node:fs").then((fs) => fs.readFileSync(hlsPath, "utf8"));
  await page.evaluate(script);
  const played = await page.evaluate(async (url): Promise<Played> => {
    const { Hls } = window as unknown as { Hls: typeof import("hls.js").default };
    const video = document.createElementNS("http://www.w3.org/1999/xhtml", "video") as HTMLVideoElement;
    video.muted = true;
    document.documentElement.append(video);
    const hls = new Hls({ enableWorker: false });
    const fatal: string[] = [];
    const errors: string[] = [];
    hls.on(Hls.Events.ERROR, (_, data) => (data.fatal ? fatal : errors).push(data.details));
    hls.loadSource(url);
    hls.attachMedia(video);
    const ended = new Promise<boolean>((resolve) => {
      video.addEventListener("ended", () => resolve(true));
      hls.on(Hls.Events.ERROR, (_, data) => data.fatal && resolve(false));
    });
    await video.play();
    return { ended: await ended, fatal, errors, seconds: video.currentTime, duration: video.duration };
  }, manifest_url);
  expect(played.fatal).toEqual([]);
  expect(played.errors).toEqual([]);
  expect(played.ended).toBe(true);
  expect(Math.abs(played.seconds - played.duration)).toBeLessThan(0.1);
}

test("hls-parser finds nothing to say against the playlists", async ({ page }) => {
  await signIn(page);
  for (const id of await videos(page)) await isSound(page, id);
});

async function isSound(page: Page, id: string): Promise<void> {
  const { manifest_url } = (await (await page.request.get(`/api/vod/${id}/manifest`)).json()) as { manifest_url: string };
  HLS.setOptions({ strictMode: true });
  const read = async (url: string) => {
    const answer = await page.request.get(url);
    expect(answer.status()).toBe(200);
    return HLS.parse(await answer.text());
  };
  const master = await read(manifest_url);
  if (!master.isMasterPlaylist) throw new Error("the manifest is not a master playlist");
  const { variants } = master as HLS.types.MasterPlaylist;
  expect(variants.length).toBeGreaterThan(0);
  for (const variant of variants) {
    expect(variant.codecs).toBeTruthy();
    const media = await read(new URL(variant.uri, new URL(manifest_url, page.url())).href);
    if (media.isMasterPlaylist) throw new Error(`${variant.uri} is not a media playlist`);
    const { segments, endlist, playlistType } = media as HLS.types.MediaPlaylist;
    expect([endlist, playlistType]).toEqual([true, "VOD"]);
    expect(segments.length).toBeGreaterThan(0);
  }
}
