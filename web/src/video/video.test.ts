import { describe, expect, it } from "vitest";
import type { Finding, Task } from "../api/types";
import { contributions } from "./contributions";
import { batches, gantt, workedMs } from "./gantt";
import { currentAt, segmentsOf, shownText } from "./transcript-words";

describe("contributions", () => {
  it("add up to the weighted mean", () => {
    const parts = contributions({ text: 0.8, video: 0.2, audio: null, text_weight: 0.3 });
    expect(parts.map((each) => [each.modality, each.weight])).toEqual([
      ["text", 0.3],
      ["video", 0.7],
      ["audio", 0],
    ]);
    expect(parts.reduce((sum, each) => sum + each.part, 0)).toBeCloseTo(0.38);
  });

  it("give the whole weight to the only one that is there", () => {
    const text = contributions({ text: 0.8, video: null, audio: null, text_weight: 0.3 });
    expect(text.map((each) => each.part)).toEqual([0.8, 0, 0]);
    const weightless = contributions({ text: 0.8, video: null, audio: null, text_weight: 0 });
    expect(weightless[0]?.part).toBe(0.8);
  });

  it("are nothing when nothing was scored", () => {
    expect(contributions({ text: null, video: null, audio: null, text_weight: 0.3 }).map((each) => each.score)).toEqual([undefined, undefined, undefined]);
  });
});

describe("transcript", () => {
  const speech = (start_ms: number, text: string, value?: unknown): Finding => ({
    analyser: "speech_transcription",
    label: "speech",
    start_ms,
    end_ms: start_ms + 1000,
    confidence: 0.9,
    text,
    value,
  });

  it("reads words and leaves out what is none", () => {
    const value = { language: "en", words: [{ word: " And", start_ms: 0, end_ms: 200 }, { word: 5 }, null, { word: " ", start_ms: 1, end_ms: 2 }] };
    const [segment] = segmentsOf([speech(0, "And so", value)]);
    expect([segment?.language, segment?.words]).toEqual(["en", [{ text: "And", start: 0, end: 200 }]]);
  });

  it("keeps segments without words, in time order", () => {
    expect(segmentsOf([speech(2000, "b"), speech(0, "a", "odd")]).map((each) => [each.text, each.words.length])).toEqual([
      ["a", 0],
      ["b", 0],
    ]);
  });

  it("is searched as it is shown: word by word", () => {
    const words = ["And", "so"].map((text, index) => ({ text, start: index, end: index }));
    expect(shownText({ text: " And  so.", words })).toEqual({ text: "And so", words: [{ from: 0, to: 3 }, { from: 4, to: 6 }] });
    expect(shownText({ text: "And so.", words: [] })).toEqual({ text: "And so.", words: [] });
  });

  it("marks the last begun for a while after its end", () => {
    const entries = [
      { start: 0, end: 1000 },
      { start: 3000, end: 4000 },
    ];
    expect([0, 1500, 1700, 3000, 4700].map((ms) => currentAt(entries, ms, 600))).toEqual([0, 0, -1, 1, -1]);
  });
});

describe("gantt", () => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  const task = (kind: Task["kind"], change: Partial<Task>): Task => ({
    id: kind,
    kind,
    owner: "default",
    state: "done",
    priority: 0,
    run_at: at(0),
    waiting: 0,
    cancel_requested: false,
    attempts: [],
    attempt: 1,
    max_attempts: 3,
    progress: 1,
    created_at: at(0),
    ...change,
  });

  it("shows waits, attempts and their ends over one time line", () => {
    const { rows, span } = gantt(
      [
        task("package", {
          attempts: [
            { attempt: 1, worker: "w", started_at: at(2), ended_at: at(4), outcome: "retry", error: "x" },
            { attempt: 2, worker: "w", started_at: at(5), ended_at: at(9), outcome: "done" },
          ],
        }),
        task("probe", { attempts: [{ attempt: 1, worker: "w", started_at: at(0), ended_at: at(2), outcome: "done" }] }),
      ],
      Date.parse(at(60)),
    );
    expect(rows.map((row) => [row.task.kind, row.bars.map((bar) => [bar.from / 1000, bar.to / 1000, bar.tone])])).toEqual([
      ["probe", [[0, 2, "done"]]],
      [
        "package",
        [
          [0, 2, "wait"],
          [2, 4, "failed"],
          [4, 5, "wait"],
          [5, 9, "done"],
        ],
      ],
    ]);
    expect([span, rows[1] && workedMs(rows[1])]).toEqual([9000, 6000]);
  });

  it("ends what still runs or waits now", () => {
    const { rows } = gantt([task("probe", { state: "running", started_at: at(1) }), task("judge", { state: "waiting" })], Date.parse(at(10)));
    expect(rows.map((row) => row.bars.map((bar) => [bar.to / 1000, bar.tone]))).toEqual([
      [
        [1, "wait"],
        [10, "run"],
      ],
      [[10, "wait"]],
    ]);
  });

  it("keeps what was created together apart from what came later, newest first", () => {
    const tasks = [task("probe", {}), task("analyse", { created_at: at(50) }), task("judge", { created_at: at(1) })];
    expect(batches(tasks).map((batch) => batch.map((each) => each.kind))).toEqual([["analyse"], ["probe", "judge"]]);
  });

  it("has a span even without tasks", () => {
    expect(gantt([], 0)).toEqual({ rows: [], span: 1 });
  });
});
