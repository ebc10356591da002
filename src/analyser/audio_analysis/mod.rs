//! `audio_analysis`: loudness (EBU R128), silence, spectral centroid and flux, tempo.
//!
//! Findings:
//! * `loudness`, the whole sound: `{integrated_lufs, range_lu, true_peak_dbtp}`; null where there was too little sound to measure.
//! * `spectrum`, one per second: `{momentary_lufs, centroid_hz, flux}`; null in silence.
//! * `silence`, one per span of at least [`silence::MIN_MS`].
//! * `tempo`, the whole sound, only where a beat was found: `{bpm}`; the confidence is the strength of the beat.
//!
//! No model.

mod silence;
mod spectrum;
mod tempo;

use std::sync::Arc;

use ebur128::{EbuR128, Mode};
use serde_json::json;

use self::silence::Silence;
use self::spectrum::Spectrum;
use super::{Analyser, Pass, Pcm, SAMPLE_RATE, Sampling, Spec, Summary};
use crate::infer::Models;
use crate::model::{AnalyserResult, AnalyserStatus, Finding, MediaInfo, Span};

const NAME: &str = "audio_analysis";
const SECOND: usize = SAMPLE_RATE as usize;

/// Step of the spectrum, the silence blocks and the onset curve: 10 ms.
const HOP: usize = SECOND / 100;

/// Measures sound.
pub struct AudioAnalysis;

impl Analyser for AudioAnalysis {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            sampling: Sampling::Audio,
            limits: "Measured on the 16 kHz mono downmix: what lies above 8 kHz is not heard, so true peak and loudness can be lower than those \
                     of the original channels. Tempo is of the first 10 minutes and can be a half or a double of what a listener taps.",
        }
    }

    fn begin(&self, _media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        // HISTOGRAM keeps the history of a sound of any length in a few kilobytes, for 0.1 LU of resolution.
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        Ok(Box::new(Listening {
            loudness: EbuR128::new(1, SAMPLE_RATE, mode)?,
            spectrum: Spectrum::new(),
            silence: Silence::default(),
            start_ms: None,
            samples: 0,
        }))
    }
}

struct Listening {
    loudness: EbuR128,
    spectrum: Spectrum,
    silence: Silence,
    start_ms: Option<i64>,
    samples: usize,
}

impl Pass for Listening {
    fn audio(&mut self, pcm: &Pcm, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.start_ms.get_or_insert(pcm.time_ms);
        let mut rest: &[f32] = &pcm.samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(SECOND - self.samples % SECOND));
            self.hear(now)?;
            if self.samples.is_multiple_of(SECOND) {
                out.push(self.second(SECOND));
            }
            rest = later;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.samples == 0 {
            return Ok(Summary { status: AnalyserStatus::Skipped, reason: Some("no sound".to_owned()), spans: None });
        }
        let rest = self.samples % SECOND;
        if rest > 0 {
            out.push(self.second(rest));
        }
        let mut found = vec![self.loudness_finding()?];
        found.extend(self.tempo_finding());
        let mut silent: Vec<Finding> = self.silence.spans().into_iter().map(|span| self.silence_finding(span)).collect();
        out.extend(found.iter().cloned());
        out.extend(silent.iter().cloned());
        silent.sort_by_key(|finding| finding.start_ms - finding.end_ms);
        silent.truncate(AnalyserResult::SPANS_MAX - found.len());
        found.append(&mut silent);
        found.sort_by_key(|finding| finding.start_ms);
        let spans = found.into_iter().map(|finding| Span { analyser: NAME.to_owned(), finding, count: 1 }).collect();
        // The seconds of `spectrum` are a curve, not things that were heard: they stay findings.
        Ok(Summary { spans: Some(spans), ..Summary::done() })
    }
}

impl Listening {
    fn hear(&mut self, samples: &[f32]) -> anyhow::Result<()> {
        // A hostile file may decode to NaN, which would poison every running sum.
        let clean: Vec<f32> =
            samples.iter().map(|sample| if sample.is_finite() { sample.clamp(-8.0, 8.0) } else { 0.0 }).collect();
        self.loudness.add_frames_f32(&clean)?;
        self.spectrum.hear(&clean);
        self.silence.hear(&clean);
        self.samples += clean.len();
        Ok(())
    }

    fn time_ms(&self, sample: usize) -> i64 {
        self.start_ms.unwrap_or_default() + (sample * 1000 / SECOND) as i64
    }

    /// The finding of the second (or the rest) that just ended, `length` samples long.
    fn second(&mut self, length: usize) -> Finding {
        let momentary = self.loudness.loudness_momentary().ok();
        let (centroid, flux) = self.spectrum.take_means();
        Finding {
            start_ms: self.time_ms(self.samples - length),
            end_ms: self.time_ms(self.samples),
            label: "spectrum".to_owned(),
            confidence: 1.0,
            value: Some(json!({
                "momentary_lufs": momentary.and_then(level),
                "centroid_hz": centroid.map(f64::round),
                "flux": flux.map(|flux| round(flux, 4)),
            })),
            ..Finding::default()
        }
    }

    fn whole(&self, label: &str, confidence: f32, value: serde_json::Value) -> Finding {
        Finding {
            start_ms: self.time_ms(0),
            end_ms: self.time_ms(self.samples),
            label: label.to_owned(),
            confidence,
            value: Some(value),
            ..Finding::default()
        }
    }

    fn loudness_finding(&self) -> anyhow::Result<Finding> {
        let integrated = self.loudness.loudness_global()?;
        let range = self.loudness.loudness_range()?;
        let peak_dbtp = 20.0 * self.loudness.true_peak(0)?.log10();
        let value = json!({
            "integrated_lufs": level(integrated),
            "range_lu": level(integrated).map(|_| round(range, 1)),
            "true_peak_dbtp": level(peak_dbtp),
        });
        Ok(self.whole("loudness", 1.0, value))
    }

    fn tempo_finding(&self) -> Option<Finding> {
        let tempo = tempo::estimate(self.spectrum.onsets())?;
        Some(self.whole("tempo", tempo.strength, json!({ "bpm": round(f64::from(tempo.bpm), 1) })))
    }

    fn silence_finding(&self, blocks: std::ops::Range<usize>) -> Finding {
        Finding {
            start_ms: self.time_ms(blocks.start * HOP),
            end_ms: self.time_ms(blocks.end * HOP),
            label: "silence".to_owned(),
            confidence: 1.0,
            ..Finding::default()
        }
    }
}

/// A level in decibels, or nothing where the meter heard nothing (minus infinity).
fn level(db: f64) -> Option<f64> {
    db.is_finite().then(|| round(db, 1))
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests;
