//! `audio_analysis`: loudness (EBU R128), silence, timbre, tempo and beats, key.
//!
//! Findings:
//! * `loudness`, the whole sound: `{integrated_lufs, range_lu, true_peak_dbtp, max_momentary_lufs, max_short_term_lufs}`; null where there was
//!   too little sound to measure.
//! * `loudness_curve`, the whole sound: `{step_ms, momentary_lufs: [..]}`, at most 1,200 points, each the loudest of its part; null in silence.
//! * `spectrum`, one per second: `{momentary_lufs, short_term_lufs, centroid_hz, flatness, rolloff_hz, flux}`; null in silence.
//! * `silence`, one per span of at least [`silence::MIN_MS`].
//! * `tempo`, the whole sound, only where a beat was found: `{bpm, share, beats}`: the tempo of most of the sound, the share of the sound that
//!   has it, and how many beats were found; the confidence is the strength of the beat.
//! * `beats`, one per minute with a beat: `{bpm, times_ms: [..]}`.
//! * `key`, the whole sound, only where one stands out: `{key, mode, likeness, second, tuning_cents, chroma: [12, from C]}`.
//!
//! No model.

mod beats;
mod curve;
mod key;
mod loudness;
mod silence;
mod tempo;
mod timbre;
mod true_peak;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::beats::{Beats, Section};
use self::curve::Curve;
use self::key::Chroma;
use self::loudness::Meter;
use self::silence::Silence;
use self::true_peak::TruePeak;
use super::hearing::spectrum::Spectrum;
use super::hearing::{Clock, SECOND, clean, round};
use super::{Analyser, Pass, Pcm, Sampling, Spec, Summary, state};
use crate::infer::Models;
use crate::model::{AnalyserResult, Finding, MediaInfo, Span};

const NAME: &str = "audio_analysis";

/// Measures sound.
pub struct AudioAnalysis;

impl Analyser for AudioAnalysis {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 2,
            models: &[],
            optional: &[],
            sampling: Sampling::Audio,
            after: &[],
            limits: "Measured on the mono mix at 16 kHz: it is the loudness of the mix, which can differ by some LU from that of the original \
                     channels, and what lies above 8 kHz is not heard. Tempo can be a half or a double of what a listener taps; beats and key mean \
                     little where there is no music, and one key is told for the whole sound.",
        }
    }

    fn begin(&self, _media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(Listening {
            short: Spectrum::hann(timbre::WINDOW),
            long: Spectrum::hann(key::WINDOW),
            state: State {
                clock: Clock::default(),
                heard: 0,
                meter: Meter::new(),
                peak: TruePeak::new(),
                curve: Curve::new(),
                silence: Silence::default(),
                silences: Vec::new(),
                timbre: timbre::State::new(),
                beats: Beats::default(),
                chroma: Chroma::new(),
            },
        }))
    }
}

struct Listening {
    short: Spectrum,
    long: Spectrum,
    state: State,
}

#[derive(Serialize, Deserialize)]
struct State {
    clock: Clock,
    heard: usize,
    meter: Meter,
    peak: TruePeak,
    curve: Curve,
    silence: Silence,
    /// The longest silences so far: what becomes spans.
    silences: Vec<Range<usize>>,
    timbre: timbre::State,
    beats: Beats,
    chroma: Chroma,
}

impl Pass for Listening {
    fn audio(&mut self, pcm: &Pcm, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.state.clock.hear(pcm);
        let sound = clean(pcm);
        let mut rest: &[f32] = &sound;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(SECOND - self.state.heard % SECOND));
            self.hear(now, out)?;
            if self.state.heard.is_multiple_of(SECOND) {
                out.push(self.state.second(SECOND));
            }
            rest = later;
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&self.state)
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        self.state = state::restore(saved)?;
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        let mut state = self.state;
        if state.heard == 0 {
            return Ok(Summary::skipped("no sound"));
        }
        let rest = state.heard % SECOND;
        if rest > 0 {
            out.push(state.second(rest));
        }
        let last = state.beats.finish();
        out.extend(last.map(|section| state.beats_finding(&section)));
        if let Some(silence) = state.silence.last() {
            state.keep_silence(silence, out);
        }
        out.push(state.curve_finding());
        // The curves and the beats stay findings: they are not things that were heard.
        let mut spans = vec![state.loudness_finding()];
        spans.extend(state.tempo_finding());
        spans.extend(state.key_finding());
        out.extend(spans.iter().cloned());
        spans.extend(state.silences.iter().map(|silence| state.silence_finding(silence)));
        spans.sort_by_key(|finding| (finding.start_ms, finding.end_ms));
        let spans = spans.into_iter().map(|finding| Span { analyser: NAME.to_owned(), finding, count: 1 }).collect();
        Ok(Summary { spans: Some(spans), ..Summary::done() })
    }
}

impl Listening {
    /// Samples of one second.
    fn hear(&mut self, samples: &[f32], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let Self { short, long, state } = self;
        let curve = &mut state.curve;
        state.meter.hear(samples, |momentary| curve.add(momentary));
        state.peak.hear(samples);
        let mut silences = Vec::new();
        state.silence.hear(samples, &mut silences);
        let (beats, mut sections) = (&mut state.beats, Vec::new());
        state.timbre.hear(short, samples, |onset| sections.extend(beats.push(onset)))?;
        state.chroma.hear(long, samples)?;
        state.heard += samples.len();
        for silence in silences {
            state.keep_silence(silence, out);
        }
        out.extend(sections.iter().map(|section| state.beats_finding(section)));
        Ok(())
    }
}

impl State {
    /// The finding of the second (or the rest) that just ended, `length` samples long.
    fn second(&mut self, length: usize) -> Finding {
        let timbre = self.timbre.take();
        Finding {
            start_ms: self.clock.ms(self.heard - length),
            end_ms: self.clock.ms(self.heard),
            label: "spectrum".to_owned(),
            confidence: 1.0,
            value: Some(json!({
                "momentary_lufs": level(self.meter.momentary()),
                "short_term_lufs": level(self.meter.short_term()),
                "centroid_hz": timbre.map(|timbre| timbre.centroid.round()),
                "flatness": timbre.map(|timbre| round(timbre.flatness, 4)),
                "rolloff_hz": timbre.map(|timbre| timbre.rolloff.round()),
                "flux": timbre.map(|timbre| round(timbre.flux, 4)),
            })),
            ..Finding::default()
        }
    }

    fn whole(&self, label: &str, confidence: f32, value: serde_json::Value) -> Finding {
        let (start_ms, end_ms) = (self.clock.ms(0), self.clock.ms(self.heard));
        Finding { start_ms, end_ms, label: label.to_owned(), confidence, value: Some(value), ..Finding::default() }
    }

    fn loudness_finding(&self) -> Finding {
        let value = json!({
            "integrated_lufs": level(self.meter.integrated()),
            "range_lu": level(self.meter.range()),
            "true_peak_dbtp": level(self.peak.dbtp()),
            "max_momentary_lufs": level(self.meter.max_momentary()),
            "max_short_term_lufs": level(self.meter.max_short_term()),
        });
        self.whole("loudness", 1.0, value)
    }

    fn curve_finding(&self) -> Finding {
        let points: Vec<Option<f64>> = self.curve.points().iter().map(|lufs| level(*lufs)).collect();
        self.whole("loudness_curve", 1.0, json!({ "step_ms": self.curve.step_ms(), "momentary_lufs": points }))
    }

    fn tempo_finding(&self) -> Option<Finding> {
        let tempo = self.beats.whole()?;
        let value = json!({ "bpm": round(tempo.bpm, 1), "share": round(tempo.share, 2), "beats": tempo.beats });
        Some(self.whole("tempo", tempo.strength, value))
    }

    fn beats_finding(&self, section: &Section) -> Finding {
        let times: Vec<i64> = section.beats.iter().map(|beat| self.clock.ms(*beat)).collect();
        Finding {
            start_ms: self.clock.ms(section.from),
            end_ms: self.clock.ms(section.to),
            label: "beats".to_owned(),
            confidence: section.tempo.strength,
            value: Some(json!({ "bpm": round(f64::from(section.tempo.bpm), 1), "times_ms": times })),
            ..Finding::default()
        }
    }

    fn key_finding(&self) -> Option<Finding> {
        let key = self.chroma.key()?;
        let value = json!({
            "key": key.tonic,
            "mode": key.mode,
            "likeness": round(key.likeness, 3),
            "second": key.second,
            "tuning_cents": key.tuning,
            "chroma": key.chroma.map(|share| round(share, 3)),
        });
        Some(self.whole("key", key.confidence, value))
    }

    fn silence_finding(&self, silence: &Range<usize>) -> Finding {
        Finding {
            start_ms: self.clock.ms(silence.start),
            end_ms: self.clock.ms(silence.end),
            label: "silence".to_owned(),
            confidence: 1.0,
            ..Finding::default()
        }
    }

    /// Tells a silence, and keeps it when it is among the longest.
    fn keep_silence(&mut self, silence: Range<usize>, out: &mut Vec<Finding>) {
        out.push(self.silence_finding(&silence));
        self.silences.push(silence);
        // Some rows are for the whole sound.
        if self.silences.len() > AnalyserResult::SPANS_MAX - 10 {
            let shortest = self.silences.iter().enumerate().min_by_key(|(_, silence)| silence.len()).map(|(at, _)| at);
            shortest.map(|at| self.silences.remove(at));
        }
    }
}

/// A level for JSON.
fn level(db: Option<f64>) -> Option<f64> {
    db.filter(|db| db.is_finite()).map(|db| round(db, 2))
}

#[cfg(test)]
mod tests;
