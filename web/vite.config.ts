import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** A running `weir serve` that the development server passes API calls to. */
const server = process.env.WEIR_URL ?? "http://127.0.0.1:8080";
const passed = ["/api", "/play", "/vod", "/docs", "/openapi.json", "/health"];

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    // hls.js is loaded on its own, by the video page only.
    chunkSizeWarningLimit: 700,
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    proxy: Object.fromEntries(passed.map((path) => [path, { target: server }])),
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
