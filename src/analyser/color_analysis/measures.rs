//! Brightness, contrast, saturation, colourfulness and colour temperature of a picture.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::palette::lab_of;

/// The highest chroma of sRGB in OKLab (magenta), so that saturation is 0 to 1.
const CHROMA_MAX: f32 = 0.3225;
/// Darker than this (relative luminance) there is no telling the colour of the light.
const LUMINANCE_MIN: f64 = 0.005;
/// Farther from the colours of glowing bodies than this (CIE 1960 uv) a light has no temperature.
const LOCUS_MAX: f64 = 0.05;
/// Temperatures for which the formulas hold, kelvins.
const KELVINS: std::ops::RangeInclusive<f64> = 1_600.0..=15_000.0;

/// Light, linear, by sRGB byte (IEC 61966-2-1).
static LINEAR: LazyLock<[f64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        let value = byte as f64 / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
});

/// Of one picture, or means over several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Measures {
    /// Mean luma (Rec. 709, of the bytes as they are), 0 to 1.
    pub(super) brightness: f64,
    /// Standard deviation of that luma, 0 to 0.5.
    pub(super) contrast: f64,
    /// Mean OKLab chroma, as a share of the highest that sRGB has.
    pub(super) saturation: f64,
    /// Hasler and Süsstrunk (2003), of bytes: 0 grey, 15 slight, 33 moderate, 59 quite, 82 high, 109 extreme.
    pub(super) colorfulness: f64,
    /// Mean light, linear red, green and blue, 0 to 1.
    pub(super) light: [f64; 3],
}

impl Measures {
    /// Of these pixels; all 0 of none.
    pub(super) fn of<'a>(pixels: impl Iterator<Item = &'a [u8; 3]>) -> Self {
        let (mut count, mut luma, mut squares, mut chroma, mut light) = (0.0_f64, 0.0, 0.0, 0.0, [0.0; 3]);
        let (mut red_green, mut yellow_blue) = (Spread::default(), Spread::default());
        for pixel in pixels {
            let [red, green, blue] = pixel.map(f64::from);
            let value = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255.0;
            let [_, a, b] = lab_of(*pixel);
            count += 1.0;
            luma += value;
            squares += value * value;
            chroma += f64::from(a.hypot(b) / CHROMA_MAX);
            red_green.push(red - green);
            yellow_blue.push(f64::midpoint(red, green) - blue);
            light.iter_mut().zip(pixel).for_each(|(sum, byte)| *sum += LINEAR[usize::from(*byte)]);
        }
        if count == 0.0 {
            return Self::default();
        }
        let brightness = luma / count;
        let spread = red_green.deviation().hypot(yellow_blue.deviation());
        Self {
            brightness,
            contrast: (squares / count - brightness * brightness).max(0.0).sqrt(),
            saturation: chroma / count,
            colorfulness: spread + 0.3 * red_green.mean().hypot(yellow_blue.mean()),
            light: light.map(|sum| sum / count),
        }
    }

    /// Adds the parts of another up; [`Measures::over`] makes them means again.
    pub(super) fn add(&mut self, other: &Self) {
        self.brightness += other.brightness;
        self.contrast += other.contrast;
        self.saturation += other.saturation;
        self.colorfulness += other.colorfulness;
        self.light.iter_mut().zip(other.light).for_each(|(sum, more)| *sum += more);
    }

    /// Each part divided by `count`.
    pub(super) fn over(self, count: u64) -> Self {
        let count = count.max(1) as f64;
        Self {
            brightness: self.brightness / count,
            contrast: self.contrast / count,
            saturation: self.saturation / count,
            colorfulness: self.colorfulness / count,
            light: self.light.map(|sum| sum / count),
        }
    }

    /// Correlated colour temperature of the mean light in kelvins (McCamy 1992: n = (x − 0.3320) / (0.1858 − y), 449 n³ + 3525 n² +
    /// 6823.3 n + 5520.33), as if the scene were grey in the mean; none where it is too dark, or no light that a glowing body gives.
    pub(super) fn temperature(&self) -> Option<f64> {
        let [red, green, blue] = self.light;
        let x = 0.412_456_4 * red + 0.357_576_1 * green + 0.180_437_5 * blue;
        let y = 0.212_672_9 * red + 0.715_152_2 * green + 0.072_175 * blue;
        let z = 0.019_333_9 * red + 0.119_192 * green + 0.950_304_1 * blue;
        let sum = x + y + z;
        if y < LUMINANCE_MIN {
            return None;
        }
        let n = (x / sum - 0.3320) / (0.1858 - y / sum);
        let kelvins = 449.0 * n.powi(3) + 3525.0 * n.powi(2) + 6823.3 * n + 5520.33;
        let near = KELVINS.contains(&kelvins) && off_locus([x, y, z], kelvins) <= LOCUS_MAX;
        near.then_some(kelvins)
    }
}

/// The distance of a colour (CIE XYZ) from that of a glowing body of this temperature, CIE 1960 uv (the locus after Krystek 1985).
fn off_locus([x, y, z]: [f64; 3], kelvins: f64) -> f64 {
    let scale = x + 15.0 * y + 3.0 * z;
    let squared = kelvins * kelvins;
    let body_u = (0.860_117_757 + 1.541_182_54e-4 * kelvins + 1.286_412_12e-7 * squared)
        / (1.0 + 8.424_202_35e-4 * kelvins + 7.081_451_63e-7 * squared);
    let body_v = (0.317_398_726 + 4.228_062_45e-5 * kelvins + 4.204_816_91e-8 * squared)
        / (1.0 - 2.897_418_16e-5 * kelvins + 1.614_560_53e-7 * squared);
    (4.0 * x / scale - body_u).hypot(6.0 * y / scale - body_v)
}

#[derive(Default)]
struct Spread {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Spread {
    fn push(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn deviation(&self) -> f64 {
        (self.squares / self.count.max(1.0) - self.mean().powi(2)).max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pixels: &[[u8; 3]]) -> Measures {
        Measures::of(pixels.iter())
    }

    #[test]
    fn known_pictures() {
        let halves = of(&[[0; 3], [255; 3]]);
        assert!((halves.brightness - 0.5).abs() < 1e-9 && (halves.contrast - 0.5).abs() < 1e-9, "{halves:?}");
        assert!(halves.saturation < 1e-3 && halves.colorfulness < 1e-9, "{halves:?}");
        let magenta = of(&[[255, 0, 255]]);
        assert!((magenta.saturation - 1.0).abs() < 0.01, "{magenta:?}");
        // Red and blue by turns: rg is ±255, yb is 127.5 and −255.
        let both = of(&[[255, 0, 0], [0, 0, 255]]);
        let expected = 127.5_f64.hypot(191.25) + 0.3 * 127.5_f64.hypot(-63.75);
        assert!((both.colorfulness - expected).abs() < 1e-6, "{both:?}");
        assert_eq!(of(&[]), Measures::default());
    }

    #[test]
    fn white_and_glowing_bodies_have_their_temperature() {
        let kelvins = |pixel: [u8; 3]| of(&[pixel]).temperature();
        assert!((kelvins([255; 3]).unwrap() - 6504.0).abs() < 30.0);
        assert!((kelvins([90; 3]).unwrap() - 6504.0).abs() < 30.0);
        // sRGB colours of black bodies of 3000 K and 10 000 K, from tables of the CIE 1931 observer.
        for (pixel, expected) in [([255, 177, 110], 3000.0), ([202, 218, 255], 10_000.0)] {
            let found = kelvins(pixel).unwrap();
            assert!((found - expected).abs() < expected * 0.06, "{pixel:?}: {found}");
        }
        for pixel in [[0, 255, 0], [255, 0, 255], [0, 0, 255], [0, 0, 0], [4, 4, 4]] {
            assert_eq!(kelvins(pixel), None, "{pixel:?}");
        }
    }
}
