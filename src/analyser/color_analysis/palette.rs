//! The main colours of a picture or a film: k-means in OKLab over a histogram, with a start that does not depend on chance.

use std::collections::BTreeMap;

use oklab::Oklab;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Colours looked for.
const COLORS: usize = 5;
/// Rounds of k-means at most.
const ROUNDS: usize = 12;
/// A colour with a smaller share is left out.
const SHARE_MIN: f64 = 0.01;
/// Colours closer than this (distance in OKLab) are one.
const APART: f32 = 0.04;
/// Bits of each channel that choose the bin.
const BITS: u32 = 4;

/// How often colours occur: pixels are gathered in 16 × 16 × 16 bins, each with its mean colour.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Histogram {
    /// By bin: the count and the sums of red, green and blue.
    bins: BTreeMap<u16, [u64; 4]>,
}

/// One of the main colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Color {
    pub(super) rgb: [u8; 3],
    /// Share of the pixels, 0 to 1.
    pub(super) share: f64,
}

#[derive(Clone, Copy)]
struct Weighted {
    lab: [f32; 3],
    weight: f64,
}

impl Histogram {
    /// Of these pixels.
    pub(super) fn of<'a>(pixels: impl Iterator<Item = &'a [u8; 3]>) -> Self {
        let mut histogram = Self::default();
        for &[red, green, blue] in pixels {
            let part = |byte: u8| u16::from(byte >> (8 - BITS));
            let bin = part(red) << (2 * BITS) | part(green) << BITS | part(blue);
            let sums = histogram.bins.entry(bin).or_default();
            add(sums, [1, red.into(), green.into(), blue.into()]);
        }
        histogram
    }

    /// Takes another histogram in.
    pub(super) fn join(&mut self, other: &Self) {
        for (bin, sums) in &other.bins {
            add(self.bins.entry(*bin).or_default(), *sums);
        }
    }

    /// The main colours, the most frequent first.
    pub(super) fn palette(&self) -> Vec<Color> {
        let points: Vec<Weighted> = self.bins.values().map(|&sums| weighted(sums)).collect();
        let total: f64 = points.iter().map(|point| point.weight).sum();
        let clusters = merged(clusters(&points));
        let mut colors: Vec<Color> = clusters
            .iter()
            .map(|cluster| Color { rgb: rgb_of(cluster.lab), share: cluster.weight / total.max(1.0) })
            .filter(|color| color.share >= SHARE_MIN)
            .collect();
        colors.sort_by(|one, other| other.share.total_cmp(&one.share).then(one.rgb.cmp(&other.rgb)));
        colors
    }
}

fn add(sums: &mut [u64; 4], more: [u64; 4]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

fn weighted([count, red, green, blue]: [u64; 4]) -> Weighted {
    let mean = |sum: u64| (sum as f64 / count.max(1) as f64).round() as u8;
    Weighted { lab: lab_of([mean(red), mean(green), mean(blue)]), weight: count as f64 }
}

/// The OKLab colour of an sRGB colour.
pub(super) fn lab_of([red, green, blue]: [u8; 3]) -> [f32; 3] {
    let Oklab { l, a, b } = oklab::srgb_to_oklab(oklab::Rgb { r: red, g: green, b: blue });
    [l, a, b]
}

/// The sRGB colour nearest to an OKLab colour.
pub(super) fn rgb_of([l, a, b]: [f32; 3]) -> [u8; 3] {
    let rgb = oklab::oklab_to_srgb(Oklab { l, a, b });
    [rgb.r, rgb.g, rgb.b]
}

/// As the web writes it: `#3a2b1c`.
pub(super) fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// `[{color, share}]`.
pub(super) fn value(palette: &[Color]) -> Value {
    let color = |color: &Color| json!({ "color": hex(color.rgb), "share": (color.share * 1000.0).round() / 1000.0 });
    palette.iter().map(color).collect()
}

fn squared([l, a, b]: [f32; 3], [other_l, other_a, other_b]: [f32; 3]) -> f32 {
    (l - other_l).powi(2) + (a - other_a).powi(2) + (b - other_b).powi(2)
}

/// k-means (Lloyd). The first centre is the heaviest point, each next the point that is farthest from all centres for its weight.
fn clusters(points: &[Weighted]) -> Vec<Weighted> {
    let mut centres = start(points);
    let mut weights = vec![0.0; centres.len()];
    for _ in 0..ROUNDS {
        let mut sums = vec![[0.0_f64; 4]; centres.len()];
        for point in points {
            if let Some(sums) = sums.get_mut(nearest(&centres, point.lab)) {
                let [l, a, b] = point.lab.map(f64::from);
                let parts = [l * point.weight, a * point.weight, b * point.weight, point.weight];
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
            }
        }
        let moved: Vec<[f32; 3]> = sums
            .iter()
            .zip(&centres)
            .map(|(&[l, a, b, weight], centre)| if weight > 0.0 { [l, a, b].map(|sum| (sum / weight) as f32) } else { *centre })
            .collect();
        weights = sums.iter().map(|sums| sums[3]).collect();
        let still = moved.iter().zip(&centres).all(|(one, other)| squared(*one, *other) < 1e-8);
        centres = moved;
        if still {
            break;
        }
    }
    centres.into_iter().zip(weights).map(|(lab, weight)| Weighted { lab, weight }).collect()
}

fn start(points: &[Weighted]) -> Vec<[f32; 3]> {
    let mut centres: Vec<[f32; 3]> = Vec::new();
    let mut distances = vec![1.0_f32; points.len()];
    while centres.len() < COLORS {
        let scores = points.iter().zip(&distances).map(|(point, distance)| point.weight * f64::from(*distance));
        let best = scores.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some(point) = best.filter(|best| best.1 > 0.0).and_then(|(at, _)| points.get(at)) else { break };
        let first = centres.is_empty();
        for (distance, other) in distances.iter_mut().zip(points) {
            let from_here = squared(point.lab, other.lab);
            *distance = if first { from_here } else { distance.min(from_here) };
        }
        centres.push(point.lab);
    }
    centres
}

fn nearest(centres: &[[f32; 3]], lab: [f32; 3]) -> usize {
    let distances = centres.iter().map(|centre| squared(*centre, lab)).enumerate();
    distances.reduce(|best, next| if next.1 < best.1 { next } else { best }).map_or(0, |(at, _)| at)
}

/// Clusters that look alike become one.
fn merged(clusters: Vec<Weighted>) -> Vec<Weighted> {
    let mut kept: Vec<Weighted> = Vec::new();
    for cluster in clusters.into_iter().filter(|cluster| cluster.weight > 0.0) {
        match kept.iter_mut().find(|other| squared(other.lab, cluster.lab) < APART * APART) {
            Some(other) => {
                let weight = other.weight + cluster.weight;
                let part = (cluster.weight / weight) as f32;
                other.lab.iter_mut().zip(cluster.lab).for_each(|(mine, its)| *mine += (its - *mine) * part);
                other.weight = weight;
            }
            None => kept.push(cluster),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(one: [u8; 3], other: [u8; 3]) -> bool {
        one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= 2)
    }

    #[test]
    fn the_colours_of_a_flag_with_their_shares() {
        let bands = [([200, 16, 46], 50), ([255, 255, 255], 30), ([1, 33, 105], 20)];
        let pixels: Vec<[u8; 3]> = bands.iter().flat_map(|&(color, count)| std::iter::repeat_n(color, count)).collect();
        let palette = Histogram::of(pixels.iter()).palette();
        assert_eq!(palette.len(), 3, "{palette:?}");
        for (found, (color, count)) in palette.iter().zip(bands) {
            assert!(near(found.rgb, color) && (found.share - count as f64 / 100.0).abs() < 1e-9, "{palette:?}");
        }
    }

    #[test]
    fn shades_that_look_alike_are_one_colour() {
        let pixels: Vec<[u8; 3]> = (120..=132_u8).map(|level| [level; 3]).collect();
        assert_eq!(Histogram::of(pixels.iter()).palette().len(), 1);
        assert_eq!(Histogram::default().palette(), []);
    }

    #[test]
    fn a_small_bright_spot_is_not_lost_among_shades() {
        let shades = (0..2000_u32).map(|at| [(20 + at % 60) as u8, (30 + at % 50) as u8, (40 + at % 40) as u8]);
        let pixels: Vec<[u8; 3]> = shades.chain(std::iter::repeat_n([250, 220, 10], 80)).collect();
        let palette = Histogram::of(pixels.iter()).palette();
        assert!(palette.iter().any(|color| near(color.rgb, [250, 220, 10])), "{palette:?}");
    }

    proptest! {
        #[test]
        fn joining_is_counting_together(pixels in prop::collection::vec(prop::array::uniform3(0..=255_u8), 1..300), at in 0..300_usize) {
            let at = at.min(pixels.len());
            let mut joined = Histogram::of(pixels[..at].iter());
            joined.join(&Histogram::of(pixels[at..].iter()));
            prop_assert_eq!(&joined, &Histogram::of(pixels.iter()));
            let palette = joined.palette();
            prop_assert!(!palette.is_empty() && palette.len() <= COLORS);
            prop_assert!(palette.iter().map(|color| color.share).sum::<f64>() <= 1.0 + 1e-9);
        }
    }
}
