import { expect, test } from "@playwright/test";
import { anyVideo, now, signIn, watch } from "./weir";

/** Writes the README's picture. Run on purpose only: a picture made anew is a changed file. */
test("picture of the video page", async ({ browser }) => {
  test.skip(process.env.WEIR_PICTURE === undefined, "set WEIR_PICTURE to the file to write");
  const context = await browser.newContext({ colorScheme: "dark", viewport: { width: 1440, height: 1160 } });
  const page = await context.newPage();
  await signIn(page);
  await watch(page, process.env.WEIR_VIDEO ?? (await anyVideo(page)));
  await expect(page.locator(".lane .finding").first()).toBeVisible();
  // Past the title, where there is something to see, and on a sampled picture, so that its boxes are there.
  await page.getByLabel("Position").fill("4000");
  await expect.poll(() => now(page)).toBeCloseTo(4, 1);
  await expect(page.locator(".buffering")).toBeHidden();
  await page.getByLabel("Position").blur();
  await page.mouse.move(0, 0);
  await page.screenshot({ path: process.env.WEIR_PICTURE });
  await context.close();
});
