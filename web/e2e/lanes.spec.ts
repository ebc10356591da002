import { expect, type Page, test } from "@playwright/test";
import { tellModels } from "./models-told";
import { tell } from "./told";
import { anyVideo, now, signIn, watch } from "./weir";

/** Opens a video of which all nineteen analysers tell. Answers with its length in milliseconds. */
async function open(page: Page): Promise<{ id: string; durationMs: number }> {
  await signIn(page);
  const id = await anyVideo(page);
  const { duration_ms } = (await (await page.request.get(`/api/vod/${id}/metadata`)).json()) as { duration_ms: number };
  await tell(page, id, duration_ms);
  await watch(page, id);
  await expect(page.locator(".lane").first()).toBeVisible();
  return { id, durationMs: duration_ms };
}

const group = (page: Page, name: string) => page.locator(".lane-group", { hasText: name });

test("every analyser has a lane or a card, in groups that stay folded", async ({ page }) => {
  await open(page);
  await expect(page.locator(".lane-group span")).toHaveText(["Film", "Things", "Text", "Sound", "Harm", "Quality"]);
  // Looked up, not followed: folded at first.
  await expect(group(page, "Quality")).toHaveAttribute("aria-expanded", "false");
  await group(page, "Quality").press("Enter");
  for (const name of ["Colours", "Cuts", "Dissolves", "Scenes", "Description", "Camera", "Pace", "Structure", "Faces", "Gaze", "Poses", "In front", "Loudness", "Surroundings", "Speaker 1", "Speaker 2", "Arousal", "Sensitive", "Score", "Blurry"]) {
    await expect(page.locator(".lane-name", { hasText: name }).first(), name).toBeVisible();
  }
  await expect(page.locator(".lane-strip rect").first()).toBeAttached();
  for (const path of await page.locator(".curve-line").all()) expect((await path.getAttribute("d"))?.length).toBeGreaterThan(10);
  await expect(page.locator(".lane-name", { hasText: "Gaze" })).toHaveAttribute("title", /a guess that decides nothing/);
  for (const name of ["What happens", "Scenes", "Rhythm", "Flow", "Colours", "Technical quality", "Loudness", "Tempo and key", "How it is spoken", "Faces", "Where faces look"]) {
    await expect(page.locator(".whole-card").getByRole("heading", { name, exact: true }), name).toBeVisible();
  }

  await group(page, "Film").press("Enter");
  await expect(page.locator(".lane-name", { hasText: "Camera" })).toHaveCount(0);
  await page.reload();
  await expect(group(page, "Film")).toHaveAttribute("aria-expanded", "false");
  await expect(group(page, "Quality")).toHaveAttribute("aria-expanded", "true");
});

test("names and lanes stand beside each other", async ({ page }) => {
  await open(page);
  const [names, lanes] = [await page.locator(".lane-name").all(), await page.locator(".lane").all()];
  expect(names.length).toBe(lanes.length);
  for (const index of [0, Math.floor(names.length / 2), names.length - 1]) {
    const [name, lane] = [await names[index]?.boundingBox(), await lanes[index]?.boundingBox()];
    expect(Math.abs((name?.y ?? 0) - (lane?.y ?? 1000))).toBeLessThan(1.5);
  }
});

test("cards say how they came about and lead to moments", async ({ page }) => {
  const { durationMs } = await open(page);
  const card = (name: string) => page.locator(".whole-card", { has: page.getByRole("heading", { name, exact: true }) });
  await expect(card("What happens").locator(".origin")).toHaveText("composed");
  await expect(card("Rhythm").locator(".origin")).toHaveText("rule");
  for (const name of ["Faces", "Where faces look", "Voice arousal"]) {
    await expect(card(name).locator(".origin").first()).toHaveText("guess");
    await expect(card(name)).toContainText("never decide anything");
  }
  await card("Faces").getByText("How far to trust this").click();
  await expect(card("Faces")).toContainText("What age_estimation cannot do.");
  await card("Scenes").locator(".moments button").nth(1).click();
  await expect.poll(async () => Math.abs((await now(page)) * 1000 - durationMs / 3)).toBeLessThan(80);
});

test("layers are chosen by keyboard, drawn at their moment, and remembered", async ({ page }) => {
  await open(page);
  const button = page.getByRole("button", { name: /^Layers/ });
  const panel = page.getByRole("group", { name: "Layers over the picture" });
  await expect(page.locator(".overlay .box")).not.toHaveCount(0);
  await expect(page.locator(".overlay .pose, .overlay .gaze, .overlay .mask")).toHaveCount(0);

  await button.press("Enter");
  await expect(panel).toBeVisible();
  for (const name of ["People masks", "Poses", /^Faces/, /^Gaze/]) await panel.getByLabel(name).press(" ");
  for (const mark of [".mask-area", ".limb", ".pose circle", ".iris", ".arrow-head"]) await expect(page.locator(`.overlay ${mark}`).first()).toBeAttached();
  await expect(page.locator(".overlay .box text", { hasText: "about 34 (26–42) · looks happy" })).toBeAttached();
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await expect(button).toBeFocused();

  await page.keyboard.press("b");
  await expect(page.locator(".overlay")).toHaveCount(0);
  await page.keyboard.press("b");
  await expect(page.locator(".overlay .limb").first()).toBeAttached();
  await page.reload();
  await expect(page.locator(".overlay .limb").first()).toBeAttached();
});

test("transcript and text are searched without regard to marks", async ({ page }) => {
  const { durationMs } = await open(page);
  const search = page.getByLabel("Search the transcript");
  await search.fill("CAFE");
  await expect(page.locator(".search-count")).toHaveText("1 found");
  await search.press("Enter");
  await expect(page.locator(".search-count")).toHaveText("1 of 1");
  await expect(page.locator("mark.hit.current")).toHaveText("café");
  // The word itself, not the beginning of its line: the eighth of the third line.
  await expect.poll(async () => Math.abs((await now(page)) * 1000 - ((20_000 + 7 * 700) * durationMs) / 60_000)).toBeLessThan(80);
  await search.fill("you");
  await expect(page.locator(".search-count")).toHaveText("4 found");
  await search.press("Shift+Enter");
  await expect(page.locator(".search-count")).toHaveText("4 of 4");
  await page.getByRole("button", { name: "Next match" }).click();
  await expect(page.locator(".search-count")).toHaveText("1 of 4");
  await search.press("Escape");
  await expect(page.locator("mark")).toHaveCount(0);
  await search.fill("nobody says this");
  await expect(page.locator(".search-count")).toHaveText("none");

  await page.getByRole("tab", { name: /^Text/ }).click();
  await page.getByLabel("Search the text").fill("duong pho");
  await expect(page.locator("mark")).toHaveText("Đường phố");
});

test("analysers say what went wrong, and lead to their models and back", async ({ page }) => {
  const { id } = await open(page);
  await tellModels(page);
  await page.getByRole("tab", { name: "Analysers" }).click();
  const poses = page.locator("#analyser-body_pose");
  await expect(poses).toContainText("Recovered in 2 steps");
  await expect(poses).toContainText("batch 8 → 4 after the process ran out of memory");
  await expect(page.locator("#analyser-content_quality")).toContainText("model `brisque` is not here");
  await poses.getByRole("link", { name: "Models of Poses" }).click();
  await expect(page.locator(".model-card h2")).toHaveText(["movenet", "nanodet", "onnxruntime"]);
  await page.getByRole("link", { name: "Back to Poses in the video" }).click();
  await expect(page).toHaveURL(new RegExp(`/watch/${id}#analyser-body_pose$`));
  await expect(poses).toBeVisible();
  await expect(page.getByRole("tab", { name: "Analysers" })).toHaveAttribute("aria-selected", "true");
});
