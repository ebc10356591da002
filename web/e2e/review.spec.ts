import { expect, test } from "@playwright/test";
import { cuttingProxy } from "./cutting-proxy";
import { anyVideo, post, signIn } from "./weir";

test("a viewer looks and plays, and is offered nothing else", async ({ page, browser }) => {
  await signIn(page);
  const id = await anyVideo(page);
  const name = `viewer-${Date.now()}`;
  const secret = "a long enough pass phrase";
  expect((await post(page, "/accounts", { name, role: "viewer", password: secret })).status()).toBe(201);

  const context = await browser.newContext();
  const other = await context.newPage();
  await signIn(other, name, secret);
  await expect(other.getByRole("link", { name: "Library" })).toBeVisible();
  await expect(other.getByRole("link", { name: "Upload" })).toHaveCount(0);
  await other.goto("/upload");
  await expect(other.getByText("Your role may look and play, but not upload.")).toBeVisible();
  await other.goto(`/watch/${id}`);
  await expect(other.getByRole("button", { name: "Play", exact: true })).toBeVisible();
  for (const button of ["Delete", "Analyse again", /^Safe/, /^Harmful/]) {
    await expect(other.getByRole("button", { name: button })).toHaveCount(0);
  }
  await other.keyboard.press("2");
  await expect(other.getByRole("dialog")).toHaveCount(0);
  await context.close();
});

test("a flagged picture is blurred until it is asked for", async ({ page }) => {
  await signIn(page);
  const id = await anyVideo(page);
  expect((await post(page, `/videos/${id}/label`, { label: "harmful" })).status()).toBe(200);
  try {
    await page.goto("/library");
    const card = page.locator(".video-card", { has: page.locator(`a[href="/watch/${id}"]`) });
    await expect(card.locator(".poster")).toHaveClass(/blurred/);
    await page.goto(`/watch/${id}`);
    await expect(page.locator(".player")).toHaveClass(/blurred/);
    // No boxes either: they say where to look.
    await expect(page.locator(".overlay")).toHaveCount(0);
    await page.getByRole("button", { name: "Reveal" }).click();
    await expect(page.locator(".player")).not.toHaveClass(/blurred/);
    await page.getByRole("button", { name: "Blur again" }).click();
    await expect(page.locator(".player")).toHaveClass(/blurred/);
    await page.getByRole("button", { name: /Account and settings/ }).click();
    await page.getByLabel("Blur flagged pictures").uncheck();
    await expect(page.locator(".player")).not.toHaveClass(/blurred/);
  } finally {
    await post(page, `/videos/${id}/label`, { label: "safe" });
  }
});

test("a refused stream of events is asked for again, and nothing is missed", async ({ page }) => {
  await signIn(page);
  const id = await anyVideo(page);
  let refused = 0;
  await page.route(/\/api\/events(\?|$)/, async (route) => {
    if (refused >= 2) return route.continue();
    refused += 1;
    return route.fulfill({ status: 503, contentType: "application/problem+json", body: "{}" });
  });
  await page.goto(`/watch/${id}`);
  await expect(page.getByText("Connecting", { exact: true })).toBeVisible();
  const note = `said meanwhile ${Date.now()}`;
  expect((await post(page, `/videos/${id}/label`, { label: "safe", note })).status()).toBe(200);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  expect(refused).toBe(2);
  await expect(page.locator(".label-card")).toContainText(note);
});

test("a cut stream goes on after the last event that was seen", async ({ browser, baseURL }) => {
  const proxy = await cuttingProxy(baseURL ?? "");
  const context = await browser.newContext({ baseURL: proxy.url });
  try {
    const page = await context.newPage();
    await signIn(page);
    const id = await anyVideo(page);
    await page.goto(`/watch/${id}`);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    const say = async (note: string) => expect((await post(page, `/videos/${id}/label`, { label: "safe", note })).status()).toBe(200);

    await say("before the cut");
    await expect(page.locator(".label-card")).toContainText("before the cut");
    const streams = proxy.asked.length;
    proxy.cut();
    await say("during the cut");
    await expect.poll(() => proxy.asked.length, { timeout: 30_000 }).toBeGreaterThan(streams);
    expect(proxy.asked.at(-1)).toMatch(/^\d+\.\d+\.\d+$/);
    await expect(page.locator(".label-card")).toContainText("during the cut");
  } finally {
    await context.close();
    proxy.close();
  }
});
