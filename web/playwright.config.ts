import { defineConfig } from "@playwright/test";

/** A running `weir serve`, a login on it, and a file to upload. */
const url = process.env.WEIR_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // One server, one state: tests follow each other.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 300_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    baseURL: url,
    viewport: { width: 1280, height: 900 },
    actionTimeout: 15_000,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.WEIR_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--no-first-run",
      ],
    },
  },
});
