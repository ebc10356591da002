//! `content_quality`: how good the picture is technically, without a reference, from the middle of sampled pictures in the
//! source's own pixels; black and frozen stretches and black bars from the findings of `color_analysis`.
//!
//! Findings:
//! * `quality`, one per sample: `value` is `{score, brisque, sharpness, blockiness, noise, brightness, dark, bright, detail}`: BRISQUE (0 good to 100 bad, may go
//!   beyond; null without its model), 1 − perceived blur, how much an 8 × 8 grid stands out (0 not), the noise's deviation (levels of
//!   255), mean luma, shares too dark and too bright to hold drawing, the share of the highest frequency up to which there is detail.
//!   `score` (100 good to 0) is a rule over them, see [`sample`].
//! * `blurry`, `blocky`, `noisy`, `underexposed`, `overexposed`, `black`, `frozen` (nothing changed for two seconds; stills and slides too): stretches; `value` is
//!   `{worst, samples, method: "heuristic"}`.
//! * `letterbox`, `pillarbox`, over the whole; `box` is the picture between the bars. `upscaled`, over the whole: `value` is `{detail, method}`.
//! * `summary`, one over the whole: the means, as in `quality`.
//!
//! Spans: all but `quality`.

mod brisque;
mod measures;
mod plane;
mod sample;
mod spans;
mod spectrum;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::brisque::Regression;
use self::sample::{Means, Sample};
use self::spans::{Stretches, rule};
use self::spectrum::Spectrum;
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, resize, span, state};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

const NAME: &str = "content_quality";
const COLORS: &str = "color_analysis";
/// Quality changes slowly, and BRISQUE is dear.
const SAMPLING: Sampling = Sampling::Detail { fps: 0.5 };
/// A picture at most this bright (mean luma, 0 to 1) and this lively (its deviation) is black.
const BLACK: (f64, f64) = (0.05, 0.04);
/// Pictures whose bytes differ at most this much in the mean are the same.
const SAME: f64 = 0.05;
/// Nothing changed for at least so long: frozen.
const FROZEN_MIN_MS: i64 = 2000;
/// Bars are at least this share of the picture, on both sides, and as wide within twice as much.
const BAR_MIN: f64 = 0.02;

/// The analyser.
pub struct ContentQuality {
    sampling: Sampling,
}

impl ContentQuality {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        Ok(Box::new(Self { sampling: options.sampling(NAME, SAMPLING)? }))
    }
}

impl Analyser for ContentQuality {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            optional: &["brisque"],
            sampling: self.sampling,
            after: &[COLORS],
            limits: "Looks at the middle 960 × 544 pixels of sampled pictures. BRISQUE was learned on five distortions of photographs: drawings, \
                     screens and games score wrong. All words are rules, not judgements: what is blurred, dark or still on purpose counts too, and strong compression looks like enlarging. Bars and frozen pictures need color_analysis.",
        }
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let regression =
            if models.has("brisque") { Some(Regression::read(&models.files().read("brisque", "brisque.json")?)?) } else { None };
        let size = media.video.as_ref().map_or((0, 0), |video| (video.width, video.height));
        Ok(Box::new(QualityPass {
            size,
            duration_ms: media.duration_ms,
            regression,
            spectrum: Spectrum::default(),
            state: State::default(),
        }))
    }
}

struct QualityPass {
    /// Of the picture as shown.
    size: (u32, u32),
    duration_ms: i64,
    regression: Option<Regression>,
    spectrum: Spectrum,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    times: Option<(i64, i64)>,
    means: Means,
    stretches: Stretches,
    /// The time of the last finding with colours.
    colored_ms: Option<i64>,
    /// Black bars: top, right, bottom, left.
    bars: Option<[f64; 4]>,
}

impl Pass for QualityPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            resize::pixels(frame)?;
            let sample = Sample::of(frame, &self.spectrum, self.regression.as_ref());
            self.state.take(frame.time_ms, &sample);
            out.push(Finding {
                start_ms: frame.time_ms,
                end_ms: frame.time_ms,
                frame: Some(frame.index),
                label: "quality".into(),
                confidence: 1.0,
                value: Some(sample.value()),
                ..Finding::default()
            });
        }
        Ok(())
    }

    fn findings(&mut self, analyser: &str, findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for finding in findings.iter().filter(|_| analyser == COLORS) {
            match (finding.label.as_str(), &finding.value) {
                ("color", Some(value)) => self.state.take_colors(finding.start_ms, value),
                ("palette", Some(value)) => self.state.bars = serde_json::from_value(value["bars"].clone()).unwrap_or_default(),
                _ => {}
            }
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
        let Self { size, duration_ms, state, .. } = *self;
        let (Some((start_ms, last_ms)), Some(mean)) = (state.times, state.means.mean()) else {
            return Ok(Summary::skipped("no frames"));
        };
        let end_ms = duration_ms.max(last_ms);
        let whole = |label: &str, confidence: f64, value: Value| Finding {
            start_ms,
            end_ms,
            label: label.into(),
            confidence: confidence as f32,
            value: Some(value),
            ..Finding::default()
        };
        let mut findings = vec![whole("summary", 1.0, mean.value())];
        if let Some((confidence, detail)) = state.means.upscaled() {
            findings.push(whole("upscaled", confidence, rule(json!({ "detail": (detail * 1000.0).round() / 1000.0 }))));
        }
        let boxed = state.bars.into_iter().flat_map(|bars| boxed(bars, size));
        findings.extend(boxed.map(|(label, bounds)| Finding { bounds: Some(bounds), ..whole(label, 0.9, rule(json!({}))) }));
        let long = |finding: &Finding| finding.label != "frozen" || finding.end_ms - finding.start_ms >= FROZEN_MIN_MS;
        findings.extend(state.stretches.finish(end_ms).into_iter().filter(long));
        let spans = findings.iter().map(|finding| span::begin(NAME, finding)).collect();
        out.append(&mut findings);
        Ok(Summary { spans: Some(span::strongest(spans)), ..Summary::done() })
    }
}

impl State {
    fn take(&mut self, time_ms: i64, sample: &Sample) {
        self.times = Some((self.times.map_or(time_ms, |times| times.0), time_ms));
        self.means.push(sample);
        for (label, beyond) in sample.rules() {
            self.stretches.push(label, time_ms, beyond);
        }
    }

    /// Brightness and change of the whole picture, twice a second.
    fn take_colors(&mut self, time_ms: i64, value: &Value) {
        let number = |key: &str| value[key].as_f64();
        let (brightness, contrast) = (number("brightness").unwrap_or(1.0), number("contrast").unwrap_or(1.0));
        let black = brightness <= BLACK.0 && contrast <= BLACK.1;
        self.stretches.push("black", time_ms, black.then_some((1.0 - brightness / BLACK.0, brightness)));
        // A picture like the one before was frozen since then.
        let since_ms = self.colored_ms.replace(time_ms).unwrap_or(time_ms);
        let same = number("change").filter(|change| *change <= SAME);
        self.stretches.push("frozen", since_ms, same.map(|change| (1.0 - change / SAME, change)));
    }
}

/// The picture between black bars, where there are any: the label and `[x, y, w, h]` in source pixels.
fn boxed([top, right, bottom, left]: [f64; 4], (width, height): (u32, u32)) -> Vec<(&'static str, [f32; 4])> {
    let (width, height) = (f64::from(width), f64::from(height));
    let bounds =
        [left * width, top * height, (1.0 - left - right) * width, (1.0 - top - bottom) * height].map(|side| side.round() as f32);
    let paired = |one: f64, other: f64| one.min(other) >= BAR_MIN && (one - other).abs() <= 2.0 * BAR_MIN;
    let kinds = [("letterbox", paired(top, bottom)), ("pillarbox", paired(left, right))];
    kinds.into_iter().filter(|kind| kind.1).map(|kind| (kind.0, bounds)).collect()
}
