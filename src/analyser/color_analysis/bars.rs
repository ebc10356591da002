//! Black bars at the sides of the picture.

use super::super::small::Grey;

/// A line whose mean luma is at most this is black (video black is 16, noise and coding add to it) …
const MEAN_MAX: u32 = 24;
/// … when no more than one in fifty of its pixels is brighter than this.
const BRIGHT: u8 = 44;
/// A picture whose mean luma is below this is dark itself: it says nothing of bars.
const DARK: u64 = 28;

/// Heights and widths of the bars as shares of the picture: top, right, bottom, left. None for a dark picture.
pub(super) fn bars(grey: &Grey) -> Option<[f32; 4]> {
    let (width, height) = (grey.width as usize, grey.height as usize);
    let sum: u64 = grey.luma.iter().map(|luma| u64::from(*luma)).sum();
    if sum < DARK * grey.luma.len() as u64 {
        return None;
    }
    let row_black = |row: usize| black(grey.luma.iter().skip(row * width).take(width), width);
    let top = (0..height).take_while(|row| row_black(*row)).count();
    let bottom = (0..height).rev().take_while(|row| row_black(*row)).count();
    // Columns are looked at between the upper and the lower bar only: elsewhere all of them are black.
    let rows = top..height.saturating_sub(bottom);
    let column_black = |column: usize| black(rows.clone().filter_map(|row| grey.luma.get(row * width + column)), rows.len());
    let left = (0..width).take_while(|column| column_black(*column)).count();
    let right = (0..width).rev().take_while(|column| column_black(*column)).count();
    let share = |lines: usize, of: usize| lines as f32 / of.max(1) as f32;
    Some([share(top, height), share(right, width), share(bottom, height), share(left, width)])
}

fn black<'a>(line: impl Iterator<Item = &'a u8>, length: usize) -> bool {
    let (mut sum, mut bright) = (0_u32, 0);
    for &luma in line {
        sum += u32::from(luma);
        bright += usize::from(luma > BRIGHT);
    }
    length > 0 && sum <= MEAN_MAX * length as u32 && bright * 50 <= length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(paint: impl Fn(u32, u32) -> u8) -> Grey {
        let luma = (0..50).flat_map(|y| (0..100).map(move |x| (x, y))).map(|(x, y)| paint(x, y)).collect();
        Grey { width: 100, height: 50, luma }
    }

    #[test]
    fn bars_of_four_kinds_of_picture() {
        let noise = |x: u32, y: u32| 14 + ((x * 7 + y * 13) % 5) as u8;
        assert_eq!(bars(&grey(|_, _| 120)), Some([0.0; 4]));
        let letterbox = grey(|x, y| if (6..44).contains(&y) { 120 } else { noise(x, y) });
        assert_eq!(bars(&letterbox), Some([0.12, 0.0, 0.12, 0.0]));
        let pillars = grey(|x, y| if (20..70).contains(&x) { 120 } else { noise(x, y) });
        assert_eq!(bars(&pillars), Some([0.0, 0.3, 0.0, 0.2]));
        let both = grey(|x, y| if (20..70).contains(&x) && y > 9 { 120 } else { 16 });
        assert_eq!(bars(&both), Some([0.2, 0.3, 0.0, 0.2]));
    }

    #[test]
    fn a_dark_picture_says_nothing_and_a_caption_ends_a_bar() {
        assert_eq!(bars(&grey(|_, _| 16)), None);
        let caption = grey(|x, y| if (6..44).contains(&y) || (y == 47 && x > 60) { 120 } else { 16 });
        assert_eq!(bars(&caption), Some([0.12, 0.0, 0.04, 0.0]));
        assert_eq!(bars(&Grey { width: 0, height: 0, luma: Vec::new() }), Some([0.0; 4]));
    }
}
