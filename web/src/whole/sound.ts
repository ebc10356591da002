/** Cards about what is heard; pure. */

import { numberOf, recordOf, textOf } from "../api/value";
import { percent } from "../format/numbers";
import { duration } from "../format/time";
import { words } from "../format/words";
import { MUSIC_COLOUR, PLAIN_COLOUR, SPEECH_COLOUR, TEXT_COLOUR } from "../lanes/colours";
import { fact, type Fact, marksOf, type Of, timeShares, type WholeCard } from "./cards";

export function soundCards(of: Of): WholeCard[] {
  return [surroundings(of), loudness(of), music(of), speaking(of), arousal(of)];
}

const CLASSES: Record<string, number> = { speech: SPEECH_COLOUR, music: MUSIC_COLOUR, noise: TEXT_COLOUR, silence: PLAIN_COLOUR };

function surroundings(of: Of): WholeCard {
  const classes = of("audio_environment", ...Object.keys(CLASSES));
  const more = of("audio_environment", "hum", "crowd_like", "reverb");
  const [hum, reverb] = ["hum", "reverb"].map((label) => recordOf(more.find((each) => each.label === label)?.value));
  const room = textOf(reverb?.room);
  const facts: Fact[] = [
    ...fact("Reverberation", numberOf(reverb?.rt60_s), (seconds) => `${seconds.toFixed(2)} s${room ? `, like a ${room === "dry" ? "dry room" : room}` : ""}`),
    ...fact("Hum", numberOf(hum?.mains_hz), (hertz) => `${Math.round(hertz)} Hz mains`),
    ...(more.some((each) => each.label === "crowd_like") ? [{ name: "Crowd", value: "something like applause or voices" }] : []),
  ];
  return { id: "surroundings", analyser: "audio_environment", title: "Surroundings", marks: marksOf(more), shares: timeShares(classes, (label) => CLASSES[label] ?? PLAIN_COLOUR), facts };
}

const lufs = (value: number) => `${value.toFixed(1)} LUFS`;

function loudness(of: Of): WholeCard {
  const found = of("audio_analysis", "loudness");
  const value = recordOf(found[0]?.value);
  const integrated = numberOf(value.integrated_lufs);
  const peak = numberOf(value.true_peak_dbtp);
  return {
    id: "loudness",
    analyser: "audio_analysis",
    title: "Loudness",
    marks: marksOf(found),
    headline: integrated === undefined ? undefined : lufs(integrated),
    facts: [
      ...fact("Range", numberOf(value.range_lu), (range) => `${range.toFixed(1)} LU`),
      ...fact("True peak", peak, (dbtp) => `${dbtp.toFixed(1)} dBTP${dbtp > -1 ? ", may clip" : ""}`),
      ...fact("Loudest 0.4 s", numberOf(value.max_momentary_lufs), lufs),
      ...fact("Loudest 3 s", numberOf(value.max_short_term_lufs), lufs),
    ],
  };
}

/** Beats and key are found in any sound; below this they are hardly more than chance. */
const UNSURE = 0.5;

function music(of: Of): WholeCard {
  const [tempo, key] = [of("audio_analysis", "tempo")[0], of("audio_analysis", "key")[0]];
  const [beat, tone] = [recordOf(tempo?.value), recordOf(key?.value)];
  const bpm = numberOf(beat.bpm);
  const name = textOf(tone.key);
  const unsure = (confidence: number | undefined) => (confidence !== undefined && confidence < UNSURE ? " (unsure)" : "");
  return {
    id: "music",
    analyser: "audio_analysis",
    title: "Tempo and key",
    marks: marksOf([tempo, key].filter((each) => each !== undefined)),
    headline: bpm === undefined ? undefined : `${Math.round(bpm)} beats a minute${unsure(tempo?.confidence)}`,
    facts: [
      ...fact("Of the sound", numberOf(beat.share), percent, (share) => share),
      ...fact("Beats", numberOf(beat.beats), String),
      ...(name === undefined ? [] : [{ name: "Key", value: `${name} ${textOf(tone.mode) ?? ""}${unsure(key?.confidence)}` }]),
      ...fact("Tuning", numberOf(tone.tuning_cents), (cents) => `${cents > 0 ? "+" : ""}${Math.round(cents)} cents`),
    ],
  };
}

function speaking(of: Of): WholeCard {
  const found = of("speech_flow", "flow");
  const value = recordOf(found[0]?.value);
  const rate = numberOf(value.words_per_minute);
  return {
    id: "speaking",
    analyser: "speech_flow",
    title: "How it is spoken",
    marks: marksOf([...found, ...of("speech_flow", "overlap")]),
    headline: rate === undefined ? undefined : `${Math.round(rate)} words a minute`,
    facts: [
      ...fact("Words", numberOf(value.words), String),
      ...fact("Without pauses", numberOf(value.articulation_rate), (articulation) => `${Math.round(articulation)} words a minute`),
      ...fact("Speakers", numberOf(value.speakers), String),
      ...fact("Turns", numberOf(value.turns), String),
      ...fact("Pauses", numberOf(value.pauses), (pauses) => {
        const mean = numberOf(value.mean_pause_ms);
        return pauses > 0 && mean !== undefined ? `${pauses}, ${duration(mean)} on average` : String(pauses);
      }),
      ...fact("Fillers", numberOf(value.fillers), String),
    ],
  };
}

const AROUSAL: Record<string, number> = { arousal_low: 7, arousal_medium: 1, arousal_high: 3 };

function arousal(of: Of): WholeCard {
  const found = of("speech_emotion");
  const named = timeShares(found, (label) => AROUSAL[label] ?? PLAIN_COLOUR);
  return {
    id: "arousal",
    analyser: "speech_emotion",
    title: "Voice arousal",
    marks: ["guess", ...marksOf(found)],
    shares: named.map((each) => ({ ...each, name: words(each.name.replace("arousal_", "")) })),
  };
}
