//! Where lines of text are: PP-OCR's detector and the post-process of differentiable binarisation (Liao et al. 2020): threshold,
//! connected regions, the smallest rectangle around each, its mean probability, and growing it back, because the model is trained to
//! show shrunken lines. Parameters as in RapidOCR 3.10 for this model.

use std::collections::BTreeMap;

use anyhow::ensure;

use super::rectangle::{Point, Rectangle};
use crate::analyser::Frame;
use crate::analyser::resize::{self, Stretcher};
use crate::infer::{Outputs, Session, Tensor};

/// Longest side that the detector looks at where nothing else is said, pixels. At 736 a line 2 % as high as the picture is found, in half the time of
/// 960.
pub(super) const SIDE_MAX: u32 = 736;
/// The model takes sides that are multiples of this.
const SIDE_STEP: f32 = 32.0;
/// A place with a higher probability belongs to text.
const PROBABILITY_MIN: f32 = 0.3;
/// A line's mean probability is at least this.
const SCORE_MIN: f32 = 0.5;
/// Area over perimeter times this is how far a rectangle grows.
const GROWTH: f32 = 1.6;
/// Shortest side of a line before it grows, and after, cells of the map.
const SHORT_SIDE_MIN: f32 = 3.0;
const GROWN_SIDE_MIN: f32 = 5.0;
/// Regions that are looked at.
const REGIONS_MAX: usize = 1000;
/// Lines per picture: reading is what costs. The highest scores stay.
const LINES_MAX: usize = 40;

/// Lines on the map that the detector saw.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lines {
    /// Width and height of the map; it shows the whole frame, stretched.
    pub(super) grid: (u32, u32),
    /// The lines, from the top down.
    pub(super) rectangles: Vec<Rectangle>,
}

/// Finds the lines of each frame of a medium, looking at it with its longest side at most `side_max`, pixels.
///
/// # Errors
/// When the model fails or gives what is no probability map.
pub(super) fn detect(
    session: &Session,
    stretcher: &mut Stretcher,
    frames: &[&Frame],
    side_max: u32,
) -> anyhow::Result<Vec<Lines>> {
    let mut inputs = Vec::with_capacity(frames.len());
    let grids: Vec<(u32, u32)> = frames.iter().map(|frame| grid(frame.width, frame.height, side_max)).collect();
    for (frame, grid) in frames.iter().zip(&grids) {
        let rgb = stretcher.stretch(frame, grid.0, grid.1)?;
        let planes = resize::bgr_planes(rgb, [127.5; 3], [127.5; 3]);
        inputs.push(Tensor::f32(&[1, 3, grid.1 as usize, grid.0 as usize], planes)?);
    }
    let outputs = session.run_all("x", &inputs)?;
    let lines = |(grid, outputs): ((u32, u32), &Outputs)| Ok(Lines { grid, rectangles: decode(outputs.first()?, grid)? });
    grids.into_iter().zip(&outputs).map(lines).collect()
}

/// The size at which a picture is looked at.
fn grid(width: u32, height: u32, side_max: u32) -> (u32, u32) {
    let scale = (side_max as f32 / width.max(height).max(1) as f32).min(1.0);
    let side = |pixels: u32| ((pixels as f32 * scale / SIDE_STEP).round() * SIDE_STEP).max(SIDE_STEP) as u32;
    (side(width), side(height))
}

/// The lines of a probability map of the given width and height.
fn decode(map: &Tensor, grid: (u32, u32)) -> anyhow::Result<Vec<Rectangle>> {
    let (width, height) = (grid.0 as usize, grid.1 as usize);
    ensure!(
        map.shape() == [1, 1, height, width],
        "`ppocr_det` gives a map of shape {:?}; [1, 1, {height}, {width}] is needed",
        map.shape()
    );
    let map = map.as_f32()?;
    ensure!(map.iter().all(|value| (-0.01..=1.01).contains(value)), "`ppocr_det` gives a map that holds no probabilities");
    let mut lines = Vec::new();
    for region in regions(&mask(map, width), width) {
        let Some(rectangle) = Rectangle::around(&region).filter(|rectangle| rectangle.short_side() >= SHORT_SIDE_MIN) else {
            continue;
        };
        let score = score(map, width, &rectangle);
        let [wide, high] = rectangle.size;
        let grown = rectangle.grown(GROWTH * wide * high / (2.0 * (wide + high)));
        if score >= SCORE_MIN && grown.short_side() >= GROWN_SIDE_MIN {
            lines.push((score, grown));
        }
    }
    lines.sort_by(|a, b| b.0.total_cmp(&a.0));
    lines.truncate(LINES_MAX);
    let mut rectangles: Vec<Rectangle> = lines.into_iter().map(|(_, rectangle)| rectangle).collect();
    rectangles.sort_by(|a, b| a.centre[1].total_cmp(&b.centre[1]).then(a.centre[0].total_cmp(&b.centre[0])));
    Ok(rectangles)
}

/// Which cells belong to text, each spread by one cell to the right and down, so that broken strokes hold together.
fn mask(map: &[f32], width: usize) -> Vec<bool> {
    let mut mask = vec![false; map.len()];
    for at in (0..map.len()).filter(|at| map[*at] > PROBABILITY_MIN) {
        let inner = (at + 1) % width != 0;
        for (spread, reaches) in [(0, true), (1, inner), (width, true), (width + 1, inner)] {
            if reaches && let Some(cell) = mask.get_mut(at + spread) {
                *cell = true;
            }
        }
    }
    mask
}

/// The regions of cells that touch, corners too; of each the first and last cell of every row, which is enough for its hull.
fn regions(mask: &[bool], width: usize) -> Vec<Vec<Point>> {
    let mut left = mask.to_vec();
    let mut regions = Vec::new();
    for start in 0..left.len() {
        if !left[start] {
            continue;
        }
        if regions.len() == REGIONS_MAX {
            break;
        }
        regions.push(region(&mut left, start, width));
    }
    regions
}

/// Takes the region of `start` out of `left`.
fn region(left: &mut [bool], start: usize, width: usize) -> Vec<Point> {
    let height = left.len() / width.max(1);
    let mut rows: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut open = vec![start];
    left[start] = false;
    while let Some(at) = open.pop() {
        let (x, y) = (at % width, at / width);
        let row = rows.entry(y).or_insert((x, x));
        *row = (row.0.min(x), row.1.max(x));
        for beside_y in y.saturating_sub(1)..(y + 2).min(height) {
            for beside_x in x.saturating_sub(1)..(x + 2).min(width) {
                let beside = beside_y * width + beside_x;
                if std::mem::take(&mut left[beside]) {
                    open.push(beside);
                }
            }
        }
    }
    rows.iter().flat_map(|(&y, &(first, last))| [[first as f32, y as f32], [last as f32, y as f32]]).collect()
}

/// The mean of the map inside a rectangle.
fn score(map: &[f32], width: usize, rectangle: &Rectangle) -> f32 {
    let corners = rectangle.corners();
    let range = |axis: usize, cells: usize| {
        let low = corners.iter().map(|corner| corner[axis]).fold(f32::INFINITY, f32::min);
        let high = corners.iter().map(|corner| corner[axis]).fold(f32::NEG_INFINITY, f32::max);
        (low.floor().max(0.0) as usize)..(high.ceil().max(0.0) as usize + 1).min(cells)
    };
    let height = map.len() / width.max(1);
    let (mut sum, mut count) = (0.0_f64, 0_u32);
    for y in range(1, height) {
        for x in range(0, width) {
            if rectangle.holds([x as f32, y as f32], 0.5) {
                sum += f64::from(map[y * width + x]);
                count += 1;
            }
        }
    }
    if count == 0 { 0.0 } else { (sum / f64::from(count)) as f32 }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRID: (u32, u32) = (96, 64);

    fn map(paint: impl Fn(f32, f32) -> f32) -> Tensor {
        let cells = (0..GRID.1).flat_map(|y| (0..GRID.0).map(move |x| (x, y)));
        Tensor::f32(&[1, 1, 64, 96], cells.map(|(x, y)| paint(x as f32, y as f32)).collect()).unwrap()
    }

    #[test]
    fn finds_each_line_and_grows_it() {
        let two =
            map(
                |x, y| {
                    if (10.0..=50.0).contains(&x) && ((10.0..=15.0).contains(&y) || (40.0..=45.0).contains(&y)) {
                        0.9
                    } else {
                        0.0
                    }
                },
            );
        let lines = decode(&two, GRID).unwrap();
        assert_eq!(lines.len(), 2);
        let [left, top] = lines[0].corners()[0];
        // 41 × 6 cells (spread by one) grow by 1.6 × area / perimeter, about 4.
        assert!((5.0..7.5).contains(&left) && (5.0..7.5).contains(&top), "{left} {top}");
        assert!(lines[1].centre[1] > lines[0].centre[1]);
    }

    #[test]
    fn finds_a_slanted_line() {
        let slanted = map(|x, y| if (y - 10.0 - x / 2.0).abs() < 4.0 && (10.0..80.0).contains(&x) { 0.8 } else { 0.0 });
        let lines = decode(&slanted, GRID).unwrap();
        assert_eq!(lines.len(), 1);
        assert!((lines[0].along[1] / lines[0].along[0] - 0.5).abs() < 0.05, "{:?}", lines[0]);
    }

    #[test]
    fn faint_and_tiny_spots_are_no_lines() {
        assert_eq!(decode(&map(|_, _| 0.0), GRID).unwrap(), []);
        assert_eq!(decode(&map(|x, y| if x == 5.0 && y == 5.0 { 1.0 } else { 0.0 }), GRID).unwrap(), []);
        assert_eq!(decode(&map(|x, y| if x < 40.0 && y < 10.0 { 0.35 } else { 0.0 }), GRID).unwrap(), [], "mean under the limit");
    }

    #[test]
    fn a_full_map_is_one_line() {
        assert_eq!(decode(&map(|_, _| 1.0), GRID).unwrap().len(), 1);
    }

    #[test]
    fn a_chequered_map_is_bounded() {
        let many = map(|x, y| if x % 6.0 < 4.0 && y % 6.0 < 4.0 { 1.0 } else { 0.0 });
        assert_eq!(decode(&many, GRID).unwrap().len(), LINES_MAX);
    }

    #[test]
    fn what_is_no_map_is_an_error() {
        for bad in [f32::NAN, f32::INFINITY, -1.0, 2.0] {
            assert!(decode(&map(|x, _| if x == 0.0 { bad } else { 0.0 }), GRID).is_err(), "{bad}");
        }
        assert!(decode(&Tensor::zeros(&[1, 1, 96, 64]), GRID).is_err());
        assert!(decode(&Tensor::zeros(&[0, 1, 64, 96]), GRID).is_err());
        assert!(decode(&Tensor::i64(&[1, 1, 1, 1], vec![1]).unwrap(), (1, 1)).is_err());
    }

    #[test]
    fn sides_are_multiples_of_32_and_bounded() {
        let usual = |width: u32, height: u32| grid(width, height, SIDE_MAX);
        assert_eq!(usual(720, 1280), (416, 736));
        assert_eq!(usual(1280, 720), (736, 416));
        assert_eq!(usual(216, 384), (224, 384));
        assert_eq!(usual(1, 1), (32, 32));
        assert_eq!(usual(1280, 2), (736, 32));
        assert_eq!(usual(0, 0), (32, 32));
        assert_eq!((grid(1280, 720, 320), grid(1280, 720, 1280)), ((320, 192), (1280, 736)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_map_gives_lines_or_an_error(values in prop::collection::vec(-0.5_f32..1.5, 32 * 32)) {
            let clean: Vec<f32> = values.iter().map(|value| value.clamp(0.0, 1.0)).collect();
            let lines = decode(&Tensor::f32(&[1, 1, 32, 32], clean).unwrap(), (32, 32)).unwrap();
            prop_assert!(lines.len() <= LINES_MAX && lines.iter().all(|line| line.size.iter().all(|side| side.is_finite())));
            prop_assert!(decode(&Tensor::f32(&[1, 1, 32, 32], values).unwrap(), (32, 32)).is_err());
        }
    }
}
