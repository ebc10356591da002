//! All measures of one picture, and the rules that follow from them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::brisque::{self, Regression};
use super::measures::{self, Luma};
use super::spectrum::Spectrum;
use crate::analyser::Frame;

/// Of one picture, or means over several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    /// BRISQUE's score, where its model is here and the picture holds drawing.
    pub(super) brisque: Option<f64>,
    /// 1 − the perceived blur: 0 to 1.
    pub(super) sharpness: f64,
    /// How much the 8 × 8 grid stands out: 0 for not.
    pub(super) blockiness: f64,
    /// Deviation of the noise, levels of 255.
    pub(super) noise: Option<f64>,
    /// Mean luma, 0 to 1.
    pub(super) brightness: f64,
    /// Shares of pixels too dark and too bright to hold drawing.
    pub(super) dark: f64,
    pub(super) bright: f64,
    /// Up to which share of the highest frequency there is detail.
    pub(super) detail: Option<f64>,
}

/// Detail that ends below this share of the highest frequency is that of a smaller picture …
const DETAIL_MIN: f64 = 0.85;
/// … when so many of the pictures with texture say so.
const UPSCALED_SHARE: f64 = 0.8;

/// A rule: its label, the measure from which on it holds, the measure at which it holds fully.
struct Rule {
    label: &'static str,
    measure: fn(&Sample) -> Option<f64>,
    from: f64,
    full: f64,
}

const RULES: [Rule; 5] = [
    Rule { label: "blurry", measure: |sample| Some(1.0 - sample.sharpness), from: 0.7, full: 0.85 },
    Rule { label: "blocky", measure: |sample| Some(sample.blockiness), from: 0.35, full: 1.5 },
    Rule { label: "noisy", measure: |sample| sample.noise, from: 8.0, full: 20.0 },
    Rule { label: "underexposed", measure: |sample| Some(sample.dark), from: 0.5, full: 0.9 },
    Rule { label: "overexposed", measure: |sample| Some(sample.bright), from: 0.25, full: 0.7 },
];

impl Sample {
    /// Of a picture in the source's own pixels.
    pub(super) fn of(frame: &Frame, spectrum: &Spectrum, regression: Option<&Regression>) -> Self {
        let width = frame.width as usize;
        let luma = Luma::of(&frame.rgb, width);
        let turned = luma.turned();
        let [brightness, dark, bright] = measures::exposure(&luma);
        let scored = regression.and_then(|regression| Some(regression.score(&brisque::features(&frame.rgb, width)?)));
        Self {
            brisque: scored.filter(|score| score.is_finite()),
            sharpness: 1.0 - measures::blur(&luma, &turned),
            blockiness: measures::blockiness(&luma, &turned),
            noise: measures::noise(&luma),
            brightness,
            dark,
            bright,
            detail: spectrum.detail(&luma, &turned),
        }
    }

    /// The rules, each with how far the sample is beyond it (0 to 1) and the measure; none where it does not hold.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&'static str, Option<(f64, f64)>)> {
        RULES.iter().map(|rule| {
            let measure = (rule.measure)(self).filter(|measure| *measure >= rule.from);
            (rule.label, measure.map(|measure| ((measure - rule.from) / (rule.full - rule.from), measure)))
        })
    }

    /// 100 for a good picture to 0, a rule: 100 − 0.6 × BRISQUE (held to 0 to 100) − 60 × (0.5 − sharpness) − 20 × blockiness (at most 1.5) −
    /// noise (at most 20) − 30 × (dark + bright beyond 0.3), where negative parts count 0.
    pub(super) fn score(&self) -> f64 {
        let loss = 0.6 * self.brisque.unwrap_or(0.0).clamp(0.0, 100.0)
            + 60.0 * (0.5 - self.sharpness).max(0.0)
            + 20.0 * self.blockiness.clamp(0.0, 1.5)
            + self.noise.unwrap_or(0.0).clamp(0.0, 20.0)
            + 30.0 * (self.dark + self.bright - 0.3).max(0.0);
        (100.0 - loss).clamp(0.0, 100.0)
    }

    /// As the findings tell it.
    pub(super) fn value(&self) -> Value {
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        json!({
            "score": (self.score() * 10.0).round() / 10.0, "brisque": self.brisque.map(round), "sharpness": round(self.sharpness),
            "blockiness": round(self.blockiness), "noise": self.noise.map(round), "brightness": round(self.brightness),
            "dark": round(self.dark), "bright": round(self.bright), "detail": self.detail.map(round),
        })
    }
}

/// Sums of samples, for their means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Means {
    count: u64,
    plain: [f64; 5],
    /// Sums and numbers of BRISQUE, noise and detail.
    given: [(f64, u64); 3],
    /// How many samples had texture, but no fine detail.
    soft: u64,
}

impl Means {
    /// Adds a sample.
    pub(super) fn push(&mut self, sample: &Sample) {
        self.count += 1;
        self.soft += u64::from(sample.detail.is_some_and(|detail| detail < DETAIL_MIN));
        let plain = [sample.sharpness, sample.blockiness, sample.brightness, sample.dark, sample.bright];
        self.plain.iter_mut().zip(plain).for_each(|(sum, value)| *sum += value);
        for ((sum, count), value) in self.given.iter_mut().zip([sample.brisque, sample.noise, sample.detail]) {
            if let Some(value) = value {
                *sum += value;
                *count += 1;
            }
        }
    }

    /// How sure it is that the film was enlarged, and the share of its size that it fills with detail; none where it is not.
    pub(super) fn upscaled(&self) -> Option<(f64, f64)> {
        let [_, _, (sum, known)] = self.given;
        let share = self.soft as f64 / known.max(1) as f64;
        (known > 0 && share >= UPSCALED_SHARE).then(|| (0.5 + 0.5 * (1.0 - sum / known as f64), sum / known as f64))
    }

    /// Their means; none of none.
    pub(super) fn mean(&self) -> Option<Sample> {
        let count = self.count as f64;
        let [sharpness, blockiness, brightness, dark, bright] = self.plain.map(|sum| sum / count.max(1.0));
        let [brisque, noise, detail] = self.given.map(|(sum, count)| (count > 0).then(|| sum / count as f64));
        (self.count > 0).then_some(Sample { brisque, sharpness, blockiness, noise, brightness, dark, bright, detail })
    }
}
