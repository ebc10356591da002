//! How a picture looks, small enough to be kept for a whole film.

use serde::{Deserialize, Serialize};

use super::super::cut_analysis::hsv;
use super::super::small::{self, THUMB_WIDTH, Thumb};

/// Hues × saturations × values.
const BINS: usize = 8 * 4 * 4;
/// Less deviation of the luma than this is a picture of one colour, levels of 255.
const BLANK: f32 = 6.0;
/// A pixel of a sky by day: at least this bright, and blue or grey at most so strong.
const SKY_VALUE: u8 = 120;
const SKY_HUES: std::ops::RangeInclusive<u8> = 90..=130;
const SKY_GREY: u8 = 40;
/// Darker than this is night, by pixels.
const NIGHT: u8 = 40;

/// Colours and light of a picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Looks {
    /// Share of each colour, 0 to 255 for none to all.
    #[serde(with = "serde_bytes")]
    pub(super) colors: Vec<u8>,
    /// Mean luma, 0 to 1.
    pub(super) brightness: f32,
    /// Share of the upper third that may be sky, 0 to 1.
    pub(super) sky: f32,
    /// Share of dark pixels, 0 to 1.
    pub(super) dark: f32,
    /// Whether there is anything in it.
    pub(super) blank: bool,
}

impl Looks {
    /// Of a small picture.
    pub(super) fn of(thumb: &Thumb) -> Self {
        let mut bytes = Vec::new();
        hsv::convert(&thumb.rgb, &mut bytes);
        let (pixels, _) = bytes.as_chunks::<3>();
        let count = pixels.len().max(1) as f32;
        let mut counts = [0_u32; BINS];
        for [hue, saturation, value] in pixels {
            let bin = usize::from(*hue) * 8 / 180 * 16 + usize::from(*saturation) / 64 * 4 + usize::from(*value) / 64;
            if let Some(count) = counts.get_mut(bin) {
                *count += 1;
            }
        }
        let lumas = || thumb.pixels().iter().map(|pixel| small::luma(*pixel));
        let mean = lumas().map(f32::from).sum::<f32>() / count;
        let deviation = (lumas().map(|luma| (f32::from(luma) - mean).powi(2)).sum::<f32>() / count).sqrt();
        let upper = &pixels[..(thumb.height / 3 * THUMB_WIDTH as usize).min(pixels.len())];
        let sky = |[hue, saturation, value]: &&[u8; 3]| {
            *value >= SKY_VALUE
                && (SKY_HUES.contains(hue) || *saturation <= SKY_GREY)
                && !(*saturation <= SKY_GREY && *value > 250)
        };
        Self {
            colors: counts.iter().map(|bin| (*bin as f32 * 255.0 / count).round() as u8).collect(),
            brightness: mean / 255.0,
            sky: upper.iter().filter(sky).count() as f32 / upper.len().max(1) as f32,
            dark: lumas().filter(|luma| *luma < NIGHT).count() as f32 / count,
            blank: deviation < BLANK,
        }
    }
}

/// How much two sets of colours have in common, 0 to 1.
pub(super) fn common(one: &[f32], other: &[f32]) -> f32 {
    let (mut both, mut all) = (0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        both += one.min(*other);
        all += one.max(*other);
    }
    // Intersection over union of histograms whose sums are about equal: 1 for equal ones, 0 for those without a common colour.
    if all > 0.0 { 2.0 * both / (both + all) } else { 1.0 }
}

/// As numbers.
pub(super) fn shares(colors: &[u8]) -> Vec<f32> {
    colors.iter().map(|share| f32::from(*share)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thumb(paint: impl Fn(usize, usize) -> [u8; 3]) -> Thumb {
        let rgb = (0..36).flat_map(|y| (0..64).map(move |x| (x, y))).flat_map(|(x, y)| paint(x, y)).collect();
        Thumb { height: 36, rgb }
    }

    #[test]
    fn sky_night_and_nothing() {
        let noise = |x: usize, y: usize| ((x * 31 + y * 57) % 60) as u8;
        let day = Looks::of(&thumb(|x, y| if y < 12 { [120, 170, 240] } else { [60 + noise(x, y), 110, 40] }));
        assert!(day.sky > 0.95 && day.dark < 0.05 && !day.blank, "{day:?}");
        let night = Looks::of(&thumb(|x, y| [noise(x, y) / 2; 3]));
        assert!(night.dark > 0.95 && night.sky < 0.05 && night.brightness < 0.1, "{night:?}");
        assert!(Looks::of(&thumb(|_, _| [90; 3])).blank);
    }

    #[test]
    fn pictures_have_their_own_colours_in_common() {
        let red = shares(&Looks::of(&thumb(|x, _| [200 - x as u8, 20, 20])).colors);
        let blue = shares(&Looks::of(&thumb(|x, _| [20, 20, 200 - x as u8])).colors);
        assert!((common(&red, &red) - 1.0).abs() < 1e-6 && common(&red, &blue) < 0.05);
        let half: Vec<f32> = red.iter().zip(&blue).map(|(one, other)| f32::midpoint(*one, *other)).collect();
        assert!((common(&red, &half) - 0.5).abs() < 0.05);
        assert_eq!((common(&[], &[]), Looks::of(&Thumb { height: 0, rgb: Vec::new() }).brightness), (1.0, 0.0));
    }
}
