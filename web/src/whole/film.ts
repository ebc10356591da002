/** Cards about the picture and how it is cut; pure. */

import type { Finding } from "../api/types";
import { listOf, numberOf, recordOf, textOf } from "../api/value";
import { percent } from "../format/numbers";
import { clock, duration } from "../format/time";
import { words } from "../format/words";
import { FILM_COLOUR, PLAIN_COLOUR } from "../lanes/colours";
import { fact, type Fact, marksOf, type Moment, type Of, timeShares, type WholeCard } from "./cards";

export function filmCards(of: Of): WholeCard[] {
  return [description(of), scenes(of), rhythm(of), flow(of), colours(of), quality(of), camera(of)];
}

function description(of: Of): WholeCard {
  const found = of("temporal_description", "description");
  const moments = found.flatMap((each): Moment[] => (each.text ? [{ ms: each.start_ms, title: each.text }] : []));
  return { id: "description", analyser: "temporal_description", title: "What happens", marks: marksOf(found), moments };
}

function scenes(of: Of): WholeCard {
  const found = of("scene_segmentation", "scene");
  const moments = found.map((scene): Moment => {
    const value = recordOf(scene.value);
    const where = [textOf(value.setting), textOf(value.time_of_day)].filter((each) => each !== undefined).join(", ");
    const tags = listOf(value.tags)
      .flatMap((tag) => textOf(recordOf(tag).tag) ?? [])
      .filter((tag) => tag !== scene.text)
      .slice(0, 3)
      .map((tag) => tag.replaceAll("_", " "));
    const index = numberOf(value.index) ?? 0;
    const note = [where, tags.join(", ")].filter((each) => each !== "").join(" · ");
    return { ms: scene.start_ms, title: scene.text ? words(scene.text) : `Scene ${index + 1}`, note: note || undefined };
  });
  return { id: "scenes", analyser: "scene_segmentation", title: "Scenes", marks: marksOf(found), moments };
}

function rhythm(of: Of): WholeCard {
  const found = of("cut_analysis", "rhythm");
  const value = recordOf(found[0]?.value);
  const shot = recordOf(value.shot_ms);
  const pace = textOf(value.pace);
  return {
    id: "rhythm",
    analyser: "cut_analysis",
    title: "Rhythm",
    marks: marksOf(found),
    headline: pace && words(pace),
    facts: [
      ...fact("Shots", numberOf(value.shots), String),
      ...fact("Changes a minute", numberOf(value.cuts_per_minute), (rate) => rate.toFixed(1)),
      ...fact("Median shot", numberOf(shot.median), duration),
      ...fact("Shortest", numberOf(shot.shortest), duration),
      ...fact("Longest", numberOf(shot.longest), duration),
      ...fact("Variation", (numberOf(value.shots) ?? 0) > 1 ? numberOf(value.variation) : undefined, (deviation) => `${deviation.toFixed(2)} of the mean`),
    ],
  };
}

function flow(of: Of): WholeCard {
  const found = of("temporal_flow");
  const one = (label: string) => found.find((each) => each.label === label);
  const [pace, hook, climax, loop] = [one("pace"), one("hook"), one("climax"), one("loop")];
  const repeated = found.filter((each) => each.label === "repetition").length;
  const trend = textOf(recordOf(pace?.value).trend);
  const facts: Fact[] = [
    ...fact("Mean energy", numberOf(recordOf(pace?.value).mean), (mean) => mean.toFixed(2), (mean) => mean),
    ...fact("Hook", numberOf(recordOf(hook?.value).score), (score) => score.toFixed(2), (score) => score),
    ...(loop ? [{ name: "Loop", value: recordOf(loop.value).kind === "back" ? "ends as it begins" : "goes round" }] : []),
    ...(repeated > 0 ? [{ name: "Shots that come again", value: String(repeated) }] : []),
  ];
  const moments = climax ? [{ ms: climax.start_ms, title: "Climax", note: `until ${clock(climax.end_ms)}` }] : [];
  return { id: "flow", analyser: "temporal_flow", title: "Flow", marks: marksOf(found), headline: trend && `${words(trend)} pace`, facts, moments };
}

const COLOUR = /^#[0-9a-f]{6}$/i;

function colours(of: Of): WholeCard {
  const found = of("color_analysis", "palette");
  const value = recordOf(found[0]?.value);
  const palette = listOf(value.palette).flatMap((entry) => {
    const { color, share } = recordOf(entry);
    const [colour, part] = [textOf(color), numberOf(share)];
    return colour !== undefined && COLOUR.test(colour) && part !== undefined ? [{ colour, share: part }] : [];
  });
  return {
    id: "colours",
    analyser: "color_analysis",
    title: "Colours",
    marks: marksOf(found),
    palette,
    facts: [
      ...fact("Brightness", numberOf(value.brightness), percent, (share) => share),
      ...fact("Contrast", numberOf(value.contrast), percent, (share) => share),
      ...fact("Saturation", numberOf(value.saturation), percent, (share) => share),
      ...fact("Colourfulness", numberOf(value.colorfulness), colourfulness),
      ...fact("Light", numberOf(value.temperature_k), (kelvin) => `${Math.round(kelvin / 50) * 50} K, ${kelvin < 4500 ? "warm" : kelvin > 7000 ? "cold" : "neutral"}`),
      ...barsFact(value.bars),
    ],
  };
}

/** The analyser's own steps: 33 moderate, 59 quite, 109 extreme. */
function colourfulness(value: number): string {
  const word = value < 15 ? "hardly" : value < 33 ? "slightly" : value < 59 ? "moderately" : value < 109 ? "quite" : "extremely";
  return `${Math.round(value)}, ${word} colourful`;
}

function barsFact(bars: unknown): Fact[] {
  const [top = 0, right = 0, bottom = 0, left = 0] = listOf(bars).map(numberOf);
  const said = [
    top + bottom > 0 && `${percent(top + bottom)} above and below`,
    left + right > 0 && `${percent(left + right)} at the sides`,
  ].filter((each) => each !== false);
  return said.length === 0 ? [] : [{ name: "Black bars", value: said.join(", ") }];
}

function quality(of: Of): WholeCard {
  const summary = of("content_quality", "summary");
  const value = recordOf(summary[0]?.value);
  const whole = of("content_quality", "letterbox", "pillarbox", "upscaled");
  const stretches = of("content_quality").filter((each) => ["blurry", "blocky", "noisy", "underexposed", "overexposed", "black", "frozen"].includes(each.label));
  const score = numberOf(value.score);
  return {
    id: "quality",
    analyser: "content_quality",
    title: "Technical quality",
    marks: marksOf([...summary, ...whole, ...stretches]),
    headline: score === undefined ? undefined : `${Math.round(score)} of 100`,
    facts: [
      ...fact("BRISQUE", numberOf(value.brisque), (brisque) => `${brisque.toFixed(1)}, lower is better`),
      ...fact("Sharpness", numberOf(value.sharpness), percent, (share) => share),
      ...fact("Blockiness", numberOf(value.blockiness), (blocky) => blocky.toFixed(2)),
      ...fact("Noise", numberOf(value.noise), (noise) => `${noise.toFixed(1)} of 255`),
      ...fact("Too dark", numberOf(value.dark), percent, (share) => share),
      ...fact("Too bright", numberOf(value.bright), percent, (share) => share),
      ...(whole.length === 0 ? [] : [{ name: "Also", value: [...new Set(whole.map((each) => each.label))].join(", ") }]),
      ...(stretches.length === 0 ? [] : [{ name: "Stretches", value: counted(stretches) }]),
    ],
  };
}

/** `2 blurry, 1 frozen`. */
function counted(findings: Finding[]): string {
  const counts = new Map<string, number>();
  for (const { label } of findings) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => `${count} ${label}`).join(", ");
}

const MOVES = [FILM_COLOUR, 0, 1, 3, 4, 5, 6, 2];

function camera(of: Of): WholeCard {
  const found = of("camera_analysis");
  const labels = [...new Set(found.map((each) => each.label))].filter((label) => label !== "static").sort();
  const colour = (label: string) => (label === "static" ? PLAIN_COLOUR : (MOVES[labels.indexOf(label) % MOVES.length] ?? PLAIN_COLOUR));
  return { id: "camera", analyser: "camera_analysis", title: "Camera", marks: marksOf(found), shares: timeShares(found, colour) };
}
