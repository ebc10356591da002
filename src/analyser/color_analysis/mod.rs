//! `color_analysis`: the colours of the picture, twice a second, from a picture 64 wide without the black bars. No model.
//!
//! Findings, all with confidence 1 (they are measured, not guessed):
//! * `color`, one per sample: `value` is `{brightness, contrast, saturation, colorfulness, temperature_k, change, palette}`. `brightness` is the mean
//!   Rec. 709 luma and `contrast` its standard deviation, 0 to 1; `saturation` the mean OKLab chroma over the highest of sRGB, 0 to 1;
//!   `colorfulness` after Hasler and Süsstrunk (33 moderate, 59 quite, 109 extreme); `temperature_k` the correlated colour temperature of
//!   the mean light after McCamy, or null; `change` the mean difference of the bytes to the sample before, 0 to 255, or null for the first;
//!   `palette` is `[{color, share}]`, at most five colours as `#rrggbb`, the most frequent first.
//! * `palette`, one over the whole: the same keys but `change`, means over all samples, the palette of all pixels; and `bars`, the
//!   black bars as shares of the picture `[top, right, bottom, left]`, the least of all samples that are not dark (null: all were).
//! * `color_strip`, one over the whole: `value` is `{step_ms, colors}`, the mean colour of each step as `#rrggbb`, at most 480 steps.
//!
//! Spans: the last two.

mod bars;
mod measures;
mod palette;
mod strip;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};

use self::measures::Measures;
use self::palette::{Color, Histogram, lab_of};
use self::strip::Strip;
use super::small::{self, THUMB_WIDTH, Thumb};
use super::{Analyser, Frame, Pass, Sampling, Spec, Summary, resize, span, state};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

const NAME: &str = "color_analysis";
/// Two samples a second: colours change slowly, and cuts have an analyser of their own.
const PERIOD_MS: i64 = 500;

/// The analyser.
pub struct ColorAnalysis;

impl Analyser for ColorAnalysis {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            optional: &[],
            sampling: Sampling::EveryFrame,
            after: &[],
            limits: "Measures the colours of the picture as coded in sRGB, not those of the scene: grading, tinted light and HDR change them. The \
                     colour temperature supposes that the scene is grey in the mean. Only black bars count as bars, no blurred sides.",
        }
    }

    fn begin(&self, media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(ColorPass { duration_ms: media.duration_ms, state: State::default() }))
    }
}

struct ColorPass {
    duration_ms: i64,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Period of the last sample, and the time of the first and the last.
    period: Option<i64>,
    times: Option<(i64, i64)>,
    samples: u64,
    before: ByteBuf,
    bars: Option<[f32; 4]>,
    sums: Measures,
    /// Temperatures are means of those that there are.
    kelvins: (f64, u64),
    histogram: Histogram,
    strip: Strip,
}

impl Pass for ColorPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            resize::pixels(frame)?;
            let period = frame.time_ms.div_euclid(PERIOD_MS);
            if self.state.period.is_none_or(|last| period > last) {
                self.state.period = Some(period);
                out.push(self.state.look(frame)?);
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
        let Some((start_ms, last_ms)) = self.state.times else {
            return Ok(Summary::skipped("no frames"));
        };
        let whole = |label: &str, value: Value| Finding {
            start_ms,
            end_ms: self.duration_ms.max(last_ms),
            label: label.into(),
            confidence: 1.0,
            value: Some(value),
            ..Finding::default()
        };
        let strip = json!({ "step_ms": self.state.strip.step_ms(), "colors": self.state.strip.colors() });
        let findings = [whole("palette", self.state.mean()), whole("color_strip", strip)];
        let spans = findings.iter().map(|finding| span::begin(NAME, finding)).collect();
        out.extend(findings);
        Ok(Summary { spans: Some(spans), ..Summary::done() })
    }
}

impl State {
    fn look(&mut self, frame: &Frame) -> anyhow::Result<Finding> {
        let thumb = small::thumb(frame)?;
        if let Some(seen) = bars::bars(&*small::grey(frame)?) {
            self.bars = Some(self.bars.map_or(seen, |bars| std::array::from_fn(|side| bars[side].min(seen[side]))));
        }
        let inside = || inside(&thumb, self.bars.unwrap_or_default());
        let (histogram, measures) = (Histogram::of(inside()), Measures::of(inside()));
        let change = change(&self.before, &thumb.rgb);
        self.before = ByteBuf::from(thumb.rgb.clone());
        self.strip.push(frame.time_ms, mean_lab(inside()));
        self.histogram.join(&histogram);
        self.sums.add(&measures);
        if let Some(kelvins) = measures.temperature() {
            self.kelvins = (self.kelvins.0 + kelvins, self.kelvins.1 + 1);
        }
        self.samples += 1;
        self.times = Some((self.times.map_or(frame.time_ms, |times| times.0), frame.time_ms));
        let mut value = described(&measures, measures.temperature(), &histogram.palette());
        value["change"] = json!(change.map(thousandths));
        Ok(Finding {
            start_ms: frame.time_ms,
            end_ms: frame.time_ms,
            frame: Some(frame.index),
            label: "color".into(),
            confidence: 1.0,
            value: Some(value),
            ..Finding::default()
        })
    }

    fn mean(&self) -> Value {
        let kelvins = (self.kelvins.1 > 0).then(|| self.kelvins.0 / self.kelvins.1 as f64);
        let mut value = described(&self.sums.over(self.samples), kelvins, &self.histogram.palette());
        value["bars"] = json!(self.bars.map(|bars| bars.map(|share| thousandths(f64::from(share)))));
        value
    }
}

fn described(measures: &Measures, kelvins: Option<f64>, palette: &[Color]) -> Value {
    json!({
        "brightness": thousandths(measures.brightness), "contrast": thousandths(measures.contrast),
        "saturation": thousandths(measures.saturation), "colorfulness": (measures.colorfulness * 10.0).round() / 10.0,
        "temperature_k": kelvins.map(|kelvins| (kelvins / 10.0).round() * 10.0), "palette": palette::value(palette),
    })
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The pixels between the bars; all of them where the bars leave nothing.
fn inside(thumb: &Thumb, bars: [f32; 4]) -> impl Iterator<Item = &[u8; 3]> {
    let width = THUMB_WIDTH as usize;
    let span = |first: f32, last: f32, lines: usize| {
        let (from, to) = ((first * lines as f32).ceil() as usize, lines - ((last * lines as f32).ceil() as usize).min(lines));
        if from < to { from..to } else { 0..lines }
    };
    let (rows, columns) = (span(bars[0], bars[2], thumb.height), span(bars[3], bars[1], width));
    let rows = thumb.pixels().chunks_exact(width).skip(rows.start).take(rows.len());
    rows.flat_map(move |row| row.iter().skip(columns.start).take(columns.len()))
}

fn mean_lab<'a>(pixels: impl Iterator<Item = &'a [u8; 3]>) -> [f32; 3] {
    let (mut sums, mut count) = ([0.0_f32; 3], 0.0_f32);
    for pixel in pixels {
        sums.iter_mut().zip(lab_of(*pixel)).for_each(|(sum, part)| *sum += part);
        count += 1.0;
    }
    sums.map(|sum| sum / count.max(1.0))
}

/// The mean difference of the bytes; none for pictures of two sizes.
fn change(before: &[u8], now: &[u8]) -> Option<f64> {
    let sum = || before.iter().zip(now).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
    (before.len() == now.len() && !now.is_empty()).then(|| sum() as f64 / now.len() as f64)
}
