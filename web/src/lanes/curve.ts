/** Curves and colour strips over time: what analysers tell as a row of numbers or colours; pure. */

import type { Finding } from "../api/types";
import { listOf, numberOf, recordOf, textOf } from "../api/value";

export interface CurvePoint {
  ms: number;
  /** Nothing where there was nothing to measure: the curve is interrupted. */
  value: number | undefined;
}

export interface Curve {
  points: CurvePoint[];
  /** What is drawn at the bottom and at the top of the lane. */
  low: number;
  high: number;
  /** A value in words. */
  words: (value: number) => string;
}

export interface Strip {
  startMs: number;
  stepMs: number;
  /** `#rrggbb`; nothing for a step without a colour. */
  colours: (string | undefined)[];
}

/** Points at equal steps, each in the middle of its step. */
export function stepped(startMs: number, stepMs: number, values: unknown): CurvePoint[] {
  return listOf(values).map((value, index) => ({ ms: startMs + (index + 0.5) * stepMs, value: numberOf(value) }));
}

/** The loudness that is drawn as nothing: quieter sounds do not matter to the eye. */
const LUFS_LOW = -60;

/** Loudness over time from `audio_analysis`. */
export function loudnessCurve(finding: Finding): Curve | undefined {
  const value = recordOf(finding.value);
  const points = stepped(finding.start_ms, numberOf(value.step_ms) ?? 0, value.momentary_lufs);
  return drawable({ points, low: LUFS_LOW, high: 0, words: (lufs) => `${lufs.toFixed(1)} LUFS` });
}

/** Energy over time from `temporal_flow`. */
export function paceCurve(finding: Finding): Curve | undefined {
  const value = recordOf(finding.value);
  const points = stepped(finding.start_ms, numberOf(value.step_ms) ?? 0, value.curve);
  return drawable({ points, low: 0, high: 1, words: (energy) => `energy ${energy.toFixed(2)}` });
}

/** A number of each finding over time, in the finding's middle. */
export function samplesCurve(findings: Finding[], read: (value: Record<string, unknown>) => number | undefined, range: Pick<Curve, "low" | "high" | "words">): Curve | undefined {
  const points = findings
    .map((finding) => ({ ms: (finding.start_ms + finding.end_ms) / 2, value: read(recordOf(finding.value)) }))
    .sort((a, b) => a.ms - b.ms);
  return drawable({ points, ...range });
}

/** A curve of which nothing is known, or that has no steps, is none. */
function drawable(curve: Curve): Curve | undefined {
  const known = curve.points.filter((point) => point.value !== undefined);
  const last = curve.points.at(-1);
  return known.length === 0 || (curve.points.length > 1 && last?.ms === curve.points[0]?.ms) ? undefined : curve;
}

const COLOUR = /^#[0-9a-f]{6}$/i;

/** The colours of the film from `color_analysis`. Only what is a colour gets into a style. */
export function stripOf(finding: Finding): Strip | undefined {
  const { step_ms, colors } = recordOf(finding.value);
  const stepMs = numberOf(step_ms);
  const colours = listOf(colors).map((each) => {
    const colour = textOf(each);
    return colour !== undefined && COLOUR.test(colour) ? colour : undefined;
  });
  return stepMs === undefined || stepMs <= 0 || colours.every((colour) => colour === undefined) ? undefined : { startMs: finding.start_ms, stepMs, colours };
}

/** Unbroken runs of known points. */
function runs(points: CurvePoint[]): { ms: number; value: number }[][] {
  const found: { ms: number; value: number }[][] = [];
  let open: { ms: number; value: number }[] | undefined;
  for (const { ms, value } of points) {
    if (value === undefined) {
      open = undefined;
      continue;
    }
    if (!open) found.push((open = []));
    open.push({ ms, value });
  }
  return found;
}

/** Half the width that a point without neighbours gets, in pixels. */
const ALONE_PX = 1.5;

/**
 * Paths of a curve in a lane of `height` pixels: its line, and the area under it. Interrupted where nothing was measured; what
 * is out of range lies on the edge.
 */
export function curvePaths(curve: Curve, scale: number, height: number): { line: string; area: string } {
  const y = (value: number) => round(height * (1 - Math.min(1, Math.max(0, (value - curve.low) / (curve.high - curve.low)))));
  const lines: string[] = [];
  const areas: string[] = [];
  for (const run of runs(curve.points)) {
    const placed = run.map(({ ms, value }): [number, number] => [round(ms * scale), y(value)]);
    const [first, last] = [placed[0]!, placed.at(-1)!];
    // A point of its own would be a line without length, which is not drawn.
    const whole: [number, number][] = placed.length === 1 ? [[first[0] - ALONE_PX, first[1]], [first[0] + ALONE_PX, first[1]]] : placed;
    const line = whole.map(([x, at]) => `${x} ${at}`).join("L");
    lines.push(`M${line}`);
    areas.push(`M${whole[0]?.[0] ?? first[0]} ${height}L${line}L${whole.at(-1)?.[0] ?? last[0]} ${height}Z`);
  }
  return { line: lines.join(""), area: areas.join("") };
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

/** The known point nearest to `ms`. */
export function pointNear(curve: Curve, ms: number): { ms: number; value: number } | undefined {
  let near: { ms: number; value: number } | undefined;
  for (const { ms: at, value } of curve.points) {
    if (value !== undefined && (!near || Math.abs(at - ms) < Math.abs(near.ms - ms))) near = { ms: at, value };
  }
  return near;
}

/** Neighbouring steps of one colour as one, in milliseconds. */
export function stripRuns(strip: Strip): { from: number; to: number; colour: string }[] {
  const found: { from: number; to: number; colour: string }[] = [];
  strip.colours.forEach((colour, index) => {
    if (colour === undefined) return;
    const [from, to] = [strip.startMs + index * strip.stepMs, strip.startMs + (index + 1) * strip.stepMs];
    const last = found.at(-1);
    if (last && last.to === from && last.colour === colour) last.to = to;
    else found.push({ from, to, colour });
  });
  return found;
}
