/** Lanes that show a row of numbers or colours in place of single findings; pure. */

import type { Finding } from "../api/types";
import { numberOf } from "../api/value";
import { FILM_COLOUR, PLAIN_COLOUR, SPEECH_COLOUR, TEXT_COLOUR } from "./colours";
import { type Curve, loudnessCurve, paceCurve, samplesCurve, type Strip, stripOf } from "./curve";
import type { GroupId } from "./groups";

export interface SeriesLane {
  id: string;
  title: string;
  group: GroupId;
  order: number;
  colour: number;
  curve?: Curve;
  strip?: Strip;
}

/** As much as a fast speaker says; more lies on the edge. */
const WORDS_PER_MINUTE_HIGH = 240;
const SCORE_HIGH = 100;

/** The lanes of `color_strip`, `pace`, `loudness_curve`, `rate` and `quality`, where they are among `findings`. */
export function seriesOf(findings: Finding[]): SeriesLane[] {
  const of = (analyser: string, label: string) => findings.filter((each) => each.analyser === analyser && each.label === label);
  const first = <T>(found: Finding[], read: (finding: Finding) => T | undefined) => (found[0] ? read(found[0]) : undefined);
  const strip = first(of("color_analysis", "color_strip"), stripOf);
  const curves: [Omit<SeriesLane, "curve">, Curve | undefined][] = [
    [{ id: "temporal_flow:pace", title: "Pace", group: "film", order: 6.5, colour: FILM_COLOUR }, first(of("temporal_flow", "pace"), paceCurve)],
    [{ id: "audio_analysis:loudness", title: "Loudness", group: "sound", order: 0, colour: SPEECH_COLOUR }, first(of("audio_analysis", "loudness_curve"), loudnessCurve)],
    [
      { id: "speech_flow:rate", title: "Speaking rate", group: "sound", order: 4.5, colour: TEXT_COLOUR },
      samplesCurve(of("speech_flow", "rate"), (value) => numberOf(value.words_per_minute), {
        low: 0,
        high: WORDS_PER_MINUTE_HIGH,
        words: (rate) => `${Math.round(rate)} words a minute`,
      }),
    ],
    [
      { id: "content_quality:score", title: "Score", group: "quality", order: 0, colour: PLAIN_COLOUR },
      samplesCurve(of("content_quality", "quality"), (value) => numberOf(value.score), { low: 0, high: SCORE_HIGH, words: (score) => `${Math.round(score)} of 100` }),
    ],
  ];
  const lanes = curves.flatMap(([lane, curve]): SeriesLane[] => (curve ? [{ ...lane, curve }] : []));
  return strip ? [{ id: "color_analysis:strip", title: "Colours", group: "film", order: 0, colour: PLAIN_COLOUR, strip }, ...lanes] : lanes;
}
