//! EfficientNet-Lite0: what is in a picture, and a vector of it that is short enough to be kept.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use super::places::{self, PLACES, Setting};
use crate::analyser::{Frame, resize};
use crate::infer::{Models, Outputs, Session, Tensor};

pub(super) const MODEL: &str = "efficientnet";
const SIDE: u32 = 224;
const CLASSES: usize = 1000;
const FEATURES: usize = 1280;
/// Numbers of a kept vector.
const KEPT: usize = 128;
/// Classes with less are not told.
const CLASS_MIN: f32 = 0.1;
/// Classes told at most.
const CLASSES_TOLD: usize = 3;
/// A place is told from this sum of its classes on.
const PLACE_MIN: f32 = 0.25;

/// The model with its names.
pub(super) struct Network {
    session: Arc<Session>,
    labels: Vec<String>,
    places: Vec<Option<usize>>,
}

/// What it says of a picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Content {
    /// The likeliest classes.
    pub(super) classes: Vec<(String, f32)>,
    /// The likeliest place, when it is likely.
    pub(super) place: Option<(String, f32)>,
    /// How much speaks for a roof, and against one.
    pub(super) indoor: f32,
    pub(super) outdoor: f32,
    /// The vector, of length 1 times 127.
    pub(super) vector: Vec<i8>,
}

impl Network {
    /// Opens it.
    ///
    /// # Errors
    /// When a file of it is not what the registry says, or the list of names has another length.
    pub(super) fn open(models: &Models) -> anyhow::Result<Self> {
        let labels = String::from_utf8(models.files().read(MODEL, "labels.txt")?).context("`labels.txt`")?;
        let labels: Vec<String> = labels.lines().map(str::to_owned).collect();
        ensure!(labels.len() == CLASSES, "`labels.txt` has {} names; {CLASSES} are needed", labels.len());
        let places = places::of_classes(&labels);
        Ok(Self { session: models.session(MODEL, "efficientnet.onnx")?, labels, places })
    }

    /// Looks at frames.
    ///
    /// # Errors
    /// When the bytes of a frame are not its size, or the model fails.
    pub(super) fn look(&self, frames: &[&Frame]) -> anyhow::Result<Vec<Content>> {
        let inputs = frames.iter().map(|frame| input(frame)).collect::<anyhow::Result<Vec<_>>>()?;
        self.session.run_all("image", &inputs)?.iter().map(|outputs| self.told(outputs)).collect()
    }

    /// Pictures that it takes best at a time.
    pub(super) fn batch(&self) -> usize {
        self.session.best_batch()
    }

    fn told(&self, outputs: &Outputs) -> anyhow::Result<Content> {
        let (probabilities, features) = (probabilities(outputs.get("probs")?)?, features(outputs.get("features")?)?);
        Ok(Content { vector: shortened(features), ..self.content(probabilities) })
    }

    fn content(&self, probabilities: &[f32]) -> Content {
        let mut content = Content::default();
        let mut sums = vec![0.0_f32; PLACES.len()];
        for (place, probability) in self.places.iter().zip(probabilities) {
            let Some((place, sum)) = place.and_then(|at| Some((PLACES.get(at)?, sums.get_mut(at)?))) else { continue };
            *sum += probability;
            match place.setting {
                Setting::Indoor => content.indoor += probability,
                Setting::Outdoor => content.outdoor += probability,
                Setting::Either => {}
            }
        }
        let mut order: Vec<(usize, f32)> =
            probabilities.iter().copied().enumerate().filter(|(_, value)| *value >= CLASS_MIN).collect();
        order.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        let named = order.iter().take(CLASSES_TOLD).filter_map(|&(class, value)| Some((self.labels.get(class)?.clone(), value)));
        content.classes = named.collect();
        let best = sums.iter().copied().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
        let place =
            best.filter(|best| best.1 >= PLACE_MIN).and_then(|(at, sum)| Some((PLACES.get(at)?.word.to_owned(), sum.min(1.0))));
        Content { place, ..content }
    }
}

/// The middle square at 224 × 224, (x − 127) / 128, in planes.
fn input(frame: &Frame) -> anyhow::Result<Tensor> {
    let from = ImageRef::new(frame.width, frame.height, resize::pixels(frame)?, PixelType::U8x3).context("reading a frame")?;
    let side = f64::from(frame.width.min(frame.height));
    let (left, top) = ((f64::from(frame.width) - side) / 2.0, (f64::from(frame.height) - side) / 2.0);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).crop(left, top, side, side);
    let mut to = Image::new(SIDE, SIDE, PixelType::U8x3);
    Resizer::new().resize(&from, &mut to, &options).context("resizing a frame")?;
    let (pixels, _) = to.buffer().as_chunks::<3>();
    let planes = (0..3).flat_map(|channel| pixels.iter().map(move |pixel| (f32::from(pixel[channel]) - 127.0) / 128.0)).collect();
    Ok(Tensor::f32(&[1, 3, SIDE as usize, SIDE as usize], planes)?)
}

/// # Errors
/// When they are no distribution over the classes.
fn probabilities(output: &Tensor) -> anyhow::Result<&[f32]> {
    ensure!(
        output.shape() == [1, CLASSES],
        "`efficientnet` gives `probs` of shape {:?}; [1, {CLASSES}] is needed",
        output.shape()
    );
    let values = output.as_f32()?;
    let sum: f32 = values.iter().sum();
    let each = values.iter().all(|value| (-0.001..=1.001).contains(value));
    ensure!(each && (sum - 1.0).abs() < 0.02, "`efficientnet` gives no probabilities");
    Ok(values)
}

/// # Errors
/// When there are not as many, or some are no numbers.
fn features(output: &Tensor) -> anyhow::Result<&[f32]> {
    ensure!(
        output.shape() == [1, FEATURES],
        "`efficientnet` gives `features` of shape {:?}; [1, {FEATURES}] is needed",
        output.shape()
    );
    let values = output.as_f32()?;
    ensure!(values.iter().all(|value| value.is_finite()), "`efficientnet` gives features that are no numbers");
    Ok(values)
}

/// 1280 numbers as 128 with nearly the same angles to each other: sums with signs that look random but are fixed (Johnson and
/// Lindenstrauss), after taking the mean away (features are never negative, so all would point the same way).
fn shortened(features: &[f32]) -> Vec<i8> {
    let mean = features.iter().sum::<f32>() / features.len().max(1) as f32;
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut sums = [0.0_f32; KEPT];
    for feature in features {
        for part in sums.chunks_mut(64) {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            for (bit, sum) in part.iter_mut().enumerate() {
                *sum += if state >> bit & 1 == 0 { feature - mean } else { mean - feature };
            }
        }
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    // Scaled so that the largest usual part fits: a part of a vector of 128 is about 0.09.
    sums.iter().map(|sum| (sum / length * 400.0).clamp(-127.0, 127.0).round() as i8).collect()
}

/// The cosine of the angle between two kept vectors, −1 to 1; 0 where one is empty.
pub(super) fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let (mut both, mut first, mut second) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (one, other) in one.iter().zip(other) {
        both += one * other;
        first += one * one;
        second += other * other;
    }
    if first > 0.0 && second > 0.0 { both / (first * second).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(features: &[f32]) -> Vec<f32> {
        shortened(features).iter().map(|part| f32::from(*part)).collect()
    }

    #[test]
    fn short_vectors_keep_their_angles() {
        let base: Vec<f32> = (0..FEATURES).map(|at| ((at * 37 % 101) as f32 / 50.0 - 0.6).max(0.0)).collect();
        let near: Vec<f32> = base.iter().enumerate().map(|(at, value)| value + if at % 9 == 0 { 0.2 } else { 0.0 }).collect();
        let far: Vec<f32> = (0..FEATURES).map(|at| ((at * 53 % 97) as f32 / 50.0 - 0.6).max(0.0)).collect();
        assert!(cosine(&kept(&base), &kept(&base)) > 0.999);
        assert!(cosine(&kept(&base), &kept(&near)) > 0.95);
        assert!(cosine(&kept(&base), &kept(&far)).abs() < 0.3);
    }

    #[test]
    fn what_is_no_output_is_an_error() {
        let tensor = |shape: &[usize], value: f32| Tensor::f32(shape, vec![value; shape.iter().product()]).unwrap();
        assert!(probabilities(&tensor(&[1, CLASSES], 0.001)).is_ok());
        assert!(features(&tensor(&[1, FEATURES], 0.5)).is_ok());
        for bad in
            [tensor(&[1, CLASSES], 0.5), tensor(&[1, 999], 0.001), tensor(&[CLASSES, 1], 0.001), tensor(&[1, CLASSES], f32::NAN)]
        {
            assert!(probabilities(&bad).is_err());
        }
        for bad in [tensor(&[1, FEATURES], f32::INFINITY), tensor(&[FEATURES], 0.5), tensor(&[0, FEATURES], 0.5)] {
            assert!(features(&bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn never_panics(values in prop::collection::vec(prop::num::f32::ANY, 0..40)) {
            let _ = shortened(&values);
            let _ = cosine(&values, &values);
            if let Ok(tensor) = Tensor::f32(&[1, values.len()], values) {
                prop_assert!(probabilities(&tensor).is_err() && features(&tensor).is_err());
            }
        }
    }
}
