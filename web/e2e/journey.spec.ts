import { expect, test } from "@playwright/test";
import { isPlaying, luma, now, password, playedOn, settled, signIn, upload, user, watch } from "./weir";

test("a wrong password is refused in words", async ({ page }) => {
  await page.goto("/library");
  await page.getByLabel("Name").fill(user());
  await page.getByLabel("Password").fill(`${password()}x`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("Name or password is wrong");
  await page.getByLabel("Password").fill(password());
  await page.getByRole("button", { name: "Sign in" }).click();
  // The address that was asked for is kept.
  await expect(page.getByRole("heading", { name: "Library", level: 1 })).toBeVisible();
});

test("from an upload to a label", async ({ page }) => {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    // A refusal of the content security policy is a console error.
    if (message.type() === "error") problems.push(message.text());
  });
  await page.goto("/");
  // Before signing in the server says 401, and the browser prints that.
  await expect(page.getByRole("heading", { name: "Sign in to weir" })).toBeVisible();
  problems.length = 0;
  await signIn(page);

  const id = await upload(page);
  await expect(page.locator(".upload-words")).toHaveText("Ready", { timeout: 120_000 });
  await settled(page.request, id);

  await watch(page, id);
  await test.step("plays pictures that are not black", async () => {
    await page.getByRole("button", { name: "Play", exact: true }).click();
    expect(await playedOn(page, 0.5)).toBeGreaterThan(0.5);
    const first = await luma(page);
    expect(first.variance).toBeGreaterThan(50);
    if (await isPlaying(page)) await page.keyboard.press("k");
    await expect(page.getByRole("button", { name: "Play", exact: true })).toBeVisible();
  });

  await test.step("offers the packaged qualities", async () => {
    const qualities = page.getByRole("combobox", { name: "Quality" }).locator("option");
    expect(await qualities.count()).toBeGreaterThan(1);
    await page.getByRole("combobox", { name: "Quality" }).selectOption({ index: 1 });
    await expect(page.getByRole("combobox", { name: "Quality" })).not.toHaveValue("-1");
  });

  await test.step("a finding leads to its moment, and is marked there", async () => {
    await page.getByLabel("Position").fill("0");
    const findings = page.locator(".lane .finding[data-start]");
    await expect(findings.first()).toBeAttached();
    const starts = await findings.evaluateAll((all) => all.map((each) => Number(each.getAttribute("data-start"))));
    const latest = Math.max(...starts);
    const target = page.locator(`.finding[data-start="${latest}"]`).first();
    await target.click();
    await expect.poll(async () => Math.abs((await now(page)) * 1000 - latest)).toBeLessThan(60);
    await expect(target).toHaveClass(/current/);
  });

  await test.step("every finding in a list is a button that leads to its moment", async () => {
    for (const name of [/^Text/, /^Objects/, /^Cuts/]) {
      await page.getByRole("tab", { name }).click();
      const buttons = page.locator(".finding-list button");
      if ((await buttons.count()) === 0) continue;
      await page.keyboard.press("0");
      await buttons.last().click();
      await expect(buttons.last()).toHaveAttribute("aria-current", "true");
      return;
    }
    throw new Error("the sample has no findings in any list");
  });

  await test.step("zooms and shows everything again", async () => {
    const whole = page.locator(".lanes-whole");
    const width = async () => (await whole.boundingBox())?.width ?? 0;
    const before = await width();
    await page.keyboard.press("+");
    await expect.poll(width).toBeGreaterThan(before * 1.2);
    await page.keyboard.press("0");
    await expect.poll(width).toBeCloseTo(before, 0);
  });

  await test.step("labels by key, after asking", async () => {
    await page.keyboard.press("1");
    const dialog = page.getByRole("dialog");
    await expect(dialog).toContainText("Label this video as safe?");
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
    await page.keyboard.press("1");
    await dialog.getByLabel("Note").fill("seen by the browser test");
    await dialog.getByRole("button", { name: "Label as safe" }).click();
    await expect(page.locator(".label-card")).toContainText("seen by the browser test");
  });

  await test.step("signs out", async () => {
    await page.getByRole("button", { name: /Account and settings/ }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Sign in to weir" })).toBeVisible();
    expect((await page.request.get("/api/overview")).status()).toBe(401);
  });
  expect(problems.filter((each) => !each.includes("401"))).toEqual([]);
});

test("the library's filter is its address", async ({ page }) => {
  await signIn(page);
  await page.keyboard.press("/");
  await expect(page.getByLabel("Title")).toBeFocused();
  await page.keyboard.type("no video has this title");
  await expect(page).toHaveURL(/\/library\?title=no\+video\+has\+this\+title$/);
  await expect(page.getByText("No video fits this filter.")).toBeVisible();
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(page.locator(".video-card").first()).toBeVisible();
  await page.goto("/library?status=failed&decision=harmful");
  await expect(page.getByLabel("Status")).toHaveValue("failed");
  await expect(page.getByLabel("Decision")).toHaveValue("harmful");
});

test("an empty file is refused in words, and others still go up", async ({ page }) => {
  await signIn(page);
  await page.goto("/upload");
  await page.getByLabel("Files to upload").setInputFiles([
    { name: "empty.mp4", mimeType: "video/mp4", buffer: Buffer.alloc(0) },
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("this is no video") },
  ]);
  await expect(page.locator(".upload", { hasText: "empty.mp4" })).toContainText("The file is empty.");
  const other = page.locator(".upload", { hasText: "notes.txt" });
  await expect(other.locator(".upload-words")).toHaveText("Failed", { timeout: 30_000 });
  await other.getByRole("link").click();
  await expect(page.locator(".pipeline")).toContainText("weir cannot read this kind of file");
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "Library", level: 1 })).toBeVisible();
});

test("a change is shown as it happens", async ({ page, context }) => {
  await signIn(page);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.goto("/library");
  const cards = page.locator(".video-card");
  await expect(page.locator(".grid, .empty")).toBeVisible();
  const before = await cards.count();
  const second = await context.newPage();
  const id = await upload(second);
  await expect(page.locator(`.video-card a[href="/watch/${id}"]`)).toBeVisible();
  expect(await cards.count()).toBeGreaterThanOrEqual(Math.min(before + 1, 48));
});
