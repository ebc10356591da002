import { expect, test } from "@playwright/test";
import { tellModels } from "./models-told";
import { signIn } from "./weir";

test("models are cards, narrowed by the address", async ({ page }) => {
  await signIn(page);
  await tellModels(page);
  await page.getByRole("link", { name: "Models" }).click();
  await expect(page.getByRole("heading", { name: "Models", level: 1 })).toBeVisible();
  const names = page.locator(".model-card h2");
  // What needs somebody comes first.
  await expect(names).toHaveText(["movenet", "transnetv2", "isnet", "nanodet", "onnxruntime", "sample_video", "vi_words"]);
  await expect(page.locator(".note")).toContainText("2 models are missing or damaged: movenet, transnetv2.");
  await expect(page.locator(".model-card", { hasText: "isnet" })).toContainText("weir models pull isnet");
  await expect(page.locator(".cache tbody tr").first()).toContainText("310 (96 %)");
  await expect(page.locator(".model-card", { hasText: "NanoDet-g" })).toContainText("bus.jpg: 1 bus, 4 persons");
  await expect(page.locator(".model-card", { hasText: "NanoDet-g" })).toContainText("1,200 times, 41 ms each");

  await page.getByLabel("Kind").selectOption("list");
  await expect(page).toHaveURL(/\?kind=list$/);
  await expect(names).toHaveText(["vi_words"]);
  await page.getByLabel("State").selectOption("missing");
  await expect(page.getByText("No model fits this filter.")).toBeVisible();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByRole("link", { name: "Objects" }).first().click();
  await expect(page).toHaveURL(/\?analyser=object_detection$/);
  await expect(names).toHaveText(["nanodet", "onnxruntime"]);
});

test("models that are loading, not there or not told are said in words", async ({ page }) => {
  await signIn(page);
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  await page.route("**/api/models", async (route) => {
    await held;
    await route.fulfill({ status: 503, contentType: "application/problem+json", json: { code: "unavailable", detail: "The models cannot be listed now." } });
  });
  await page.goto("/model-cards");
  await expect(page.getByRole("status", { name: "Loading the models" })).toBeVisible();
  go();
  await expect(page.getByRole("alert")).toContainText("The models cannot be listed now.");
  await page.unroute("**/api/models");
  await tellModels(page, { items: [], cache: [], results: { hits: 0, misses: 0 } });
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("This server knows no models.")).toBeVisible();
});
