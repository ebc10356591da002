//! Whether two readings are of the same text.

use unicode_normalization::UnicodeNormalization as _;

/// How alike two readings of one text are at least: the share of characters that need no edit.
const LIKENESS_MIN: f32 = 0.8;
/// The same where one of the readers leaves letters out that the other has: of `bạn ơi` it makes `bn αi`.
const LIKENESS_OF_TWO_MIN: f32 = 0.6;
/// Characters that are compared.
pub(super) const LENGTH_MAX: usize = 200;

/// Whether two texts are equal or nearly so; case, spaces, punctuation and the marks of Latin letters aside.
pub(super) fn similar(one: &Line<'_>, other: &Line<'_>) -> bool {
    if one.text == other.text {
        return true;
    }
    let likeness = if one.reader == other.reader { LIKENESS_MIN } else { LIKENESS_OF_TWO_MIN };
    let (one, other) = (normalised(one.text), normalised(other.text));
    let longest = one.len().max(other.len());
    longest > 0 && edits(&one, &other) as f32 <= (1.0 - likeness) * longest as f32
}

/// A text and who read it.
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) reader: &'a str,
}

fn normalised(text: &str) -> Vec<char> {
    let letters = text.chars().filter(|letter| letter.is_alphanumeric());
    letters.filter_map(plain).flat_map(char::to_lowercase).take(LENGTH_MAX).collect()
}

/// A Latin letter without its marks; any other as it is.
fn plain(letter: char) -> Option<char> {
    match letter {
        'đ' => Some('d'),
        'Đ' => Some('D'),
        '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => letter.nfd().next(),
        _ => Some(letter),
    }
}

/// Levenshtein distance.
pub(super) fn edits(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (cell, against) in row.iter_mut().skip(1).zip(other) {
            let here = (diagonal + usize::from(letter != against)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(one.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(one: &str, other: &str) -> usize {
        edits(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
    }

    #[test]
    fn distance_counts_edits() {
        for (one, other, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("a", "a", 0)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    fn alike(one: &str, other: &str) -> bool {
        similar(&Line { text: one, reader: "ppocr" }, &Line { text: other, reader: "ppocr" })
    }

    #[test]
    fn misread_letters_and_punctuation_do_not_part_a_text() {
        assert!(alike("WAIT FOR IT...", "Wait for it"));
        assert!(alike("Hôm nay trài đp quá", "Hôm nay tri đp quá"));
        assert!(alike("...", "..."));
        assert!(!alike("...", "!!!"));
        assert!(!alike("Episode 1", "Chapter 2"));
        assert!(!alike("", "a"));
    }

    #[test]
    fn marks_and_left_out_letters_do_not_part_a_text_of_two_readers() {
        assert!(alike("Đừng bó cuộc", "Dùng bỏ cuôc"));
        assert!(!alike("M αi con yêu m", "Mẹ ơi con yêu mẹ"), "one reader would not differ so much");
        let of = |text, reader| Line { text, reader };
        assert!(similar(&of("M αi con yêu m", "ppocr"), &of("Mẹ ơi con yêu mẹ", "trueocr")));
        assert!(!similar(&of("Tp 1: Khi đu mi", "ppocr"), &of("Đăng ký kênh nhé", "trueocr")));
    }
}
