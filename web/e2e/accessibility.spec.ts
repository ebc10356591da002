import { createRequire } from "node:module";
import { expect, type Page, test } from "@playwright/test";
import { tellModels } from "./models-told";
import { tell } from "./told";
import { anyVideo, signIn, watch } from "./weir";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

interface AxeResults {
  violations: { id: string; impact: string | null; nodes: { target: string[]; failureSummary?: string }[] }[];
}

/** Serious and critical findings of axe-core, as text. */
async function problems(page: Page): Promise<string[]> {
  // By the browser's protocol: the content security policy holds for the page, not for the test.
  await page.addScriptTag({ path: axePath }).catch(async () => page.evaluate((await import("node:fs")).readFileSync(axePath, "utf8")));
  const results = await page.evaluate(() => (window as unknown as { axe: { run: (of: Document) => Promise<AxeResults> } }).axe.run(document));
  return results.violations
    .filter((each) => each.impact === "serious" || each.impact === "critical")
    .flatMap((each) => each.nodes.map((node) => `${each.id} ${node.target.join(" ")}: ${node.failureSummary ?? ""}`));
}

async function fits(page: Page): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over, "the page scrolls sideways").toBeLessThanOrEqual(0);
}

for (const colorScheme of ["dark", "light"] as const) {
  for (const width of [1280, 390]) {
    test(`no serious problem, and everything fits, ${colorScheme}, ${width} wide`, async ({ browser }) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 844 } });
      const page = await context.newPage();
      await page.goto("/");
      await expect(page.getByRole("heading", { name: "Sign in to weir" })).toBeVisible();
      expect(await problems(page), "sign-in").toEqual([]);
      await signIn(page);
      const id = await anyVideo(page);
      await tellModels(page);

      for (const [path, ready] of [
        ["/", ".overview"],
        ["/library", ".grid"],
        ["/upload", ".drop"],
        ["/model-cards", ".model-grid"],
        ["/no-such-page", ".empty"],
        ["/watch/vod-ffffffffffff", ".empty"],
      ] as const) {
        await page.goto(path);
        await expect(page.locator(ready).first()).toBeVisible();
        expect(await problems(page), path).toEqual([]);
        await fits(page);
      }

      const { duration_ms } = (await (await page.request.get(`/api/vod/${id}/metadata`)).json()) as { duration_ms: number };
      await tell(page, id, duration_ms);
      await watch(page, id);
      await expect(page.locator(".lane").first()).toBeVisible();
      await page.getByRole("button", { name: "Quality" }).click();
      for (const tab of await page.getByRole("tab").all()) {
        await tab.click();
        expect(await problems(page), `video, ${await tab.textContent()}`).toEqual([]);
      }
      await fits(page);
      await page.getByRole("button", { name: /^Layers/ }).click();
      for (const box of await page.getByRole("group", { name: "Layers over the picture" }).getByRole("checkbox").all()) await box.check();
      expect(await problems(page), "layers").toEqual([]);
      await fits(page);
      await page.keyboard.press("Escape");
      for (const more of await page.getByText("How far to trust this").all()) await more.click();
      expect(await problems(page), "limits").toEqual([]);
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog")).toBeVisible();
      expect(await problems(page), "help").toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /Account and settings/ }).click();
      expect(await problems(page), "account menu").toEqual([]);
      await context.close();
    });
  }
}

test("the skip link is first and leads to the content", async ({ page }) => {
  await signIn(page);
  await page.goto("/library");
  await expect(page.getByRole("heading", { name: "Library", level: 1 })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#content")).toBeFocused();
});

test("a chosen theme holds over a reload", async ({ page }) => {
  await signIn(page);
  await page.getByRole("button", { name: /Account and settings/ }).click();
  await page.getByText("Dark", { exact: true }).click();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.locator("body")).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe("dark");
});
