//! `sensitive_content`: how likely a picture is not safe for work, by two classifiers that were trained on different pictures.
//!
//! Findings: one per sample, `nsfw`, whatever the score. `confidence` is the higher of open_nsfw's score and nsfwjs' porn + hentai;
//! `value` is `{open_nsfw, drawing, hentai, neutral, porn, sexy}`, each 0 to 1. A picture of nearly one colour carries nothing to score: it
//! is not shown to the models, and its finding has confidence 0 and `value` `{blank: true}`.
//!
//! Spans: one per shot of `cut_analysis` (per ten seconds where it gave none), label `nsfw`; `confidence` is that of the strongest sample, `value` is
//! `{shot, class, severity, scores}`. `shot` is its index; `scores` are `{open_nsfw, hentai, porn, sexy}`, each the mean of its three highest samples
//! (with more than one a second, of three seconds of them); `class` is `porn`, `hentai`, `sexy`, `nudity` (only open_nsfw sees something) or null; `severity` is how bad that would be, however sure it is:
//! 6, 4, 2 or 0, see [`shots`]. A shot of blank pictures has `blank: true`.

mod shots;

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde_json::json;

use self::shots::{Sample, Shots};
use super::resize::Stretcher;
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, state};
use crate::infer::{Models, Session, Tensor};
use crate::model::{Finding, MediaInfo};

const NAME: &str = "sensitive_content";
const SAMPLING: Sampling = Sampling::Sampled { fps: 1.0 };
/// Width and height of both models' inputs, pixels.
const SIDE: usize = 224;
/// open_nsfw stretches to this and takes the middle.
const OUTER_SIDE: usize = 256;
/// open_nsfw's own means, blue first.
const MEAN: [f32; 3] = [104.0, 117.0, 123.0];
/// A picture whose luma deviates less than this from its mean is blank: black, a fade, a test card of one colour. Levels of 255;
/// coding noise on a black picture stays under 2.
const BLANK_DEVIATION: f32 = 3.0;

/// The analyser.
pub struct SensitiveContent {
    sampling: Sampling,
}

impl SensitiveContent {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        Ok(Box::new(Self { sampling: options.sampling(NAME, SAMPLING)? }))
    }
}

impl Analyser for SensitiveContent {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 2,
            models: &["open_nsfw", "nsfwjs"],
            optional: &[],
            sampling: self.sampling,
            after: &["cut_analysis"],
            limits: "Scores nudity and sexual content only, not violence or gore, on sampled pictures. Its recall was not measured here; it \
                     takes many photographs for drawings, and small or partly hidden scenes escape it. Severity is the kind's, not a judgement of \
                     the scene. A high score is a reason to look.",
        }
    }

    fn batches(&self) -> bool {
        true
    }

    fn begin(&self, _media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(SensitivePass {
            open_nsfw: models.session("open_nsfw", "open_nsfw.onnx")?,
            nsfwjs: models.session("nsfwjs", "nsfwjs.onnx")?,
            stretcher: Stretcher::default(),
            shots: Shots::default(),
            sampling: self.sampling,
        }))
    }
}

struct SensitivePass {
    open_nsfw: Arc<Session>,
    nsfwjs: Arc<Session>,
    stretcher: Stretcher,
    shots: Shots,
    sampling: Sampling,
}

impl Pass for SensitivePass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let asked = self.ask(batch)?;
        for (frame, scores) in batch.iter().zip(asked) {
            let (finding, sample) = match scores {
                Some(([_safe, open_nsfw], nsfwjs)) => {
                    let finding = finding(frame, open_nsfw, nsfwjs);
                    let [_drawing, hentai, _neutral, porn, sexy] = nsfwjs;
                    let sample = Sample { confidence: finding.confidence, open_nsfw, hentai, porn, sexy, ..Sample::default() };
                    (finding, sample)
                }
                None => (blank_finding(frame), Sample { blank: true, ..Sample::default() }),
            };
            self.shots.take(Sample { time_ms: frame.time_ms, frame: frame.index, ..sample });
            out.push(finding);
        }
        Ok(())
    }

    fn batch(&self) -> usize {
        self.open_nsfw.best_batch().min(self.nsfwjs.best_batch())
    }

    fn findings(&mut self, _analyser: &str, findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.shots.take_cuts(findings);
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&self.shots)
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        self.shots = state::restore(saved)?;
        Ok(())
    }

    fn finish(self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.shots.samples() == 0 {
            return Ok(Summary::skipped("no frames"));
        }
        Ok(Summary { spans: Some(self.shots.spans(self.sampling)), ..Summary::done() })
    }
}

impl SensitivePass {
    /// What both models say of each picture; nothing of a blank one.
    fn ask(&mut self, batch: &[Frame]) -> anyhow::Result<Vec<Option<Scores>>> {
        let (mut blue_first, mut red_first, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (place, frame) in batch.iter().enumerate() {
            let rgb = self.stretcher.stretch(frame, SIDE as u32, SIDE as u32)?;
            if luma_deviation(rgb) < BLANK_DEVIATION {
                continue;
            }
            places.push(place);
            red_first.push(Tensor::f32(&[1, SIDE, SIDE, 3], rgb.iter().map(|&byte| f32::from(byte) / 255.0).collect())?);
            let outer = self.stretcher.stretch(frame, OUTER_SIDE as u32, OUTER_SIDE as u32)?;
            blue_first.push(Tensor::f32(&[1, SIDE, SIDE, 3], middle_blue_first(outer))?);
        }
        let open_nsfw = self.open_nsfw.run_all("input_0", &blue_first)?;
        let nsfwjs = self.nsfwjs.run_all("input", &red_first)?;
        let mut scores = vec![None; batch.len()];
        for ((place, open_nsfw), nsfwjs) in places.into_iter().zip(&open_nsfw).zip(&nsfwjs) {
            let open_nsfw = probabilities(open_nsfw.first()?).context("`open_nsfw`")?;
            scores[place] = Some((open_nsfw, probabilities(nsfwjs.first()?).context("`nsfwjs`")?));
        }
        Ok(scores)
    }
}

/// Of open_nsfw and nsfwjs, in the order of their classes.
type Scores = ([f32; 2], [f32; 5]);

/// Standard deviation of the luma (ITU-R BT.601) of interleaved RGB, in levels of 255.
fn luma_deviation(rgb: &[u8]) -> f32 {
    let (pixels, _) = rgb.as_chunks::<3>();
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    for [red, green, blue] in pixels {
        let luma = 0.299 * f64::from(*red) + 0.587 * f64::from(*green) + 0.114 * f64::from(*blue);
        sum += luma;
        squares += luma * luma;
    }
    let count = pixels.len().max(1) as f64;
    (squares / count - (sum / count).powi(2)).max(0.0).sqrt() as f32
}

fn blank_finding(frame: &Frame) -> Finding {
    let (start_ms, end_ms, frame) = (frame.time_ms, frame.time_ms, Some(frame.index));
    Finding { start_ms, end_ms, frame, label: "nsfw".into(), value: Some(json!({ "blank": true })), ..Finding::default() }
}

/// The middle of a square picture of [`OUTER_SIDE`], interleaved, blue first, less the means.
fn middle_blue_first(rgb: &[u8]) -> Vec<f32> {
    let border = (OUTER_SIDE - SIDE) / 2;
    let (pixels, _) = rgb.as_chunks::<3>();
    let rows = pixels.chunks_exact(OUTER_SIDE).skip(border).take(SIDE);
    let middle = rows.flat_map(|row| row.iter().skip(border).take(SIDE));
    middle
        .flat_map(|pixel| [2, 1, 0].map(|channel| f32::from(pixel[channel])).into_iter().zip(MEAN))
        .map(|(byte, mean)| byte - mean)
        .collect()
}

/// An output of `N` classes.
///
/// # Errors
/// When it has another shape, or is no distribution.
fn probabilities<const N: usize>(output: &Tensor) -> anyhow::Result<[f32; N]> {
    ensure!(output.shape() == [1, N], "gives an output of shape {:?}; [1, {N}] is needed", output.shape());
    let values = <[f32; N]>::try_from(output.as_f32()?).context("gives an output of another length")?;
    let sum: f32 = values.iter().sum();
    ensure!(
        values.iter().all(|value| (-0.001..=1.001).contains(value)) && (sum - 1.0).abs() < 0.02,
        "gives no probabilities: {values:?}"
    );
    Ok(values.map(|value| value.clamp(0.0, 1.0)))
}

fn finding(frame: &Frame, open_nsfw: f32, nsfwjs: [f32; 5]) -> Finding {
    let [drawing, hentai, neutral, porn, sexy] = nsfwjs;
    Finding {
        start_ms: frame.time_ms,
        end_ms: frame.time_ms,
        frame: Some(frame.index),
        label: "nsfw".into(),
        confidence: open_nsfw.max(porn + hentai).min(1.0),
        value: Some(json!({
            "open_nsfw": open_nsfw, "drawing": drawing, "hentai": hentai, "neutral": neutral, "porn": porn, "sexy": sexy,
        })),
        ..Finding::default()
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_one_colour_is_blank_and_one_with_a_line_is_not() {
        let mut rgb = vec![16; SIDE * SIDE * 3];
        assert!(luma_deviation(&rgb) < 0.01);
        rgb.chunks_mut(SIDE * 3).take(8).for_each(|row| row.fill(235));
        assert!(luma_deviation(&rgb) > BLANK_DEVIATION);
    }

    #[test]
    fn the_higher_of_both_models_is_the_confidence() {
        let frame = Frame::new(7, 7000, 1, 1, vec![0; 3]);
        let seen = finding(&frame, 0.2, [0.1, 0.25, 0.1, 0.5, 0.05]);
        assert_eq!((seen.start_ms, seen.frame, seen.confidence), (7000, Some(7), 0.75));
        assert_eq!(seen.value.unwrap()["sexy"], json!(0.05_f32));
        assert_eq!(finding(&frame, 0.9, [1.0, 0.0, 0.0, 0.0, 0.0]).confidence, 0.9);
    }

    #[test]
    fn the_middle_is_taken_blue_first() {
        let mut rgb = vec![0; OUTER_SIDE * OUTER_SIDE * 3];
        let first = (16 * OUTER_SIDE + 16) * 3;
        rgb[first..first + 3].copy_from_slice(&[1, 2, 3]);
        let last = (239 * OUTER_SIDE + 239) * 3;
        rgb[last..last + 3].copy_from_slice(&[4, 5, 6]);
        let middle = middle_blue_first(&rgb);
        assert_eq!(middle.len(), SIDE * SIDE * 3);
        assert_eq!(middle[..3], [3.0 - 104.0, 2.0 - 117.0, 1.0 - 123.0]);
        assert_eq!(middle[middle.len() - 3..], [6.0 - 104.0, 5.0 - 117.0, 4.0 - 123.0]);
    }

    #[test]
    fn what_is_no_distribution_is_an_error() {
        let given = |shape: &[usize], values: &[f32]| probabilities::<2>(&Tensor::f32(shape, values.to_vec()).unwrap());
        assert_eq!(given(&[1, 2], &[0.75, 0.25]).unwrap(), [0.75, 0.25]);
        for (shape, values) in [
            ([1, 2], [f32::NAN, 0.5].as_slice()),
            ([1, 2], &[f32::INFINITY, 0.0]),
            ([1, 2], &[1e30, -1e30]),
            ([1, 2], &[0.9, 0.9]),
            ([2, 1], &[0.5, 0.5]),
            ([1, 3], &[0.5, 0.25, 0.25]),
            ([0, 2], &[]),
        ] {
            assert!(given(&shape, values).is_err(), "{shape:?} {values:?}");
        }
        assert!(probabilities::<2>(&Tensor::i64(&[1, 2], vec![0, 1]).unwrap()).is_err());
    }
}
