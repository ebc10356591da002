//! Which reader's line is taken, and which lines the second one is asked for.
//!
//! PP-OCR writes 18,708 characters, but lacks 44 letters of Vietnamese and leaves them out, often without being less sure. TrueOCR writes
//! Vietnamese and little else, and turns other languages' letters into Vietnamese ones.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::script::{self, Script};
use super::similar::{LENGTH_MAX, edits};

/// TrueOCR is believed from this certainty on.
const TRUEOCR_MIN: f32 = 0.8;
/// A line that PP-OCR reads as ASCII, this long and this surely, lacks no letters.
const PLAIN_SURE: f32 = 0.99;
const PLAIN_LETTERS_MIN: usize = 8;
/// A letter that is not of Vietnamese (å, ö, ß) is believed from this certainty of the line on; below, it may be a misread Vietnamese one.
const FOREIGN_SURE: f32 = 0.95;
/// What PP-OCR writes for `ă`.
const BREVE: char = 'ǎ';
/// Marks that TrueOCR does not have, each with what it takes them for at the end of a line.
const MARKS: [(char, &str); 2] = [('?', "7"), ('!', "1lI'")];

/// A line as one reader read it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// What it says, in NFC, without space around it; not empty.
    pub(super) text: String,
    /// The mean certainty of its characters, 0 to 1.
    pub(super) confidence: f32,
}

/// Who read a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reader {
    Ppocr,
    Trueocr,
}

/// The reading that was taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) reading: Reading,
    pub(super) reader: Reader,
}

impl Reading {
    /// Of `count` characters whose certainties add up to `sum`. None where only space remains.
    pub(super) fn of(text: &str, sum: f32, count: u32) -> Option<Self> {
        let text: String = text.trim().nfc().collect();
        let confidence = (sum / count as f32).min(1.0);
        (!text.is_empty()).then_some(Self { text, confidence })
    }
}

/// Whether a line that PP-OCR read may be Vietnamese. `in_vietnamese` says which letters TrueOCR writes.
pub(super) fn may_be_vietnamese(reading: &Reading, in_vietnamese: impl Fn(char) -> bool) -> bool {
    if script::of(&reading.text) != Script::Latin {
        return false;
    }
    let letters = reading.text.chars().filter(|letter| letter.is_alphabetic());
    if reading.text.is_ascii() && reading.confidence >= PLAIN_SURE {
        return letters.count() < PLAIN_LETTERS_MIN;
    }
    let is_foreign = |letter: char| letter != BREVE && script::of_letter(letter) == Some(Script::Latin) && !in_vietnamese(letter);
    reading.confidence < FOREIGN_SURE || !letters.into_iter().any(is_foreign)
}

/// Whether a reading of TrueOCR ends the search: it has no letter that PP-OCR lacks (`in_ppocr`), so that PP-OCR's stands, or it agrees with
/// all that PP-OCR read.
pub(super) fn settles(ppocr: &Reading, trueocr: &Reading, in_ppocr: impl Fn(char) -> bool) -> bool {
    trueocr.text.chars().all(&in_ppocr) || (trueocr.confidence >= TRUEOCR_MIN && apart(ppocr, trueocr, in_ppocr) == 0)
}

/// A line of TrueOCR that has a letter that PP-OCR lacks (`in_ppocr`) and is sure enough, else PP-OCR's. Of several the one that agrees best
/// with what PP-OCR read, then the surest.
pub(super) fn choose(ppocr: Reading, trueocr: Vec<Reading>, in_ppocr: impl Fn(char) -> bool) -> Line {
    let believed = trueocr.into_iter().filter(|other| other.confidence >= TRUEOCR_MIN && !other.text.chars().all(&in_ppocr));
    let best = believed.min_by(|one, other| {
        let [first, second] = [one, other].map(|reading| apart(&ppocr, reading, &in_ppocr));
        first.cmp(&second).then(other.confidence.total_cmp(&one.confidence))
    });
    let Some(best) = best else { return Line { reading: ppocr, reader: Reader::Ppocr } };
    let text = with_end_of(&best.text, &ppocr.text);
    Line { reading: Reading { text, ..best }, reader: Reader::Trueocr }
}

/// How many edits part a reading of TrueOCR from PP-OCR's, were it written without the letters that PP-OCR leaves out: where PP-OCR has
/// `đp`, `đẹp` is right and `đep` is not. Space and the marks that TrueOCR lacks aside.
fn apart(ppocr: &Reading, trueocr: &Reading, in_ppocr: impl Fn(char) -> bool) -> usize {
    let is_mark = |letter: char| MARKS.iter().any(|(mark, _)| *mark == letter);
    let kept = |reading: &Reading| -> Vec<char> {
        let letters = reading.text.chars().filter(|letter| !letter.is_whitespace() && !is_mark(*letter) && in_ppocr(*letter));
        letters.take(LENGTH_MAX).collect()
    };
    edits(&kept(ppocr), &kept(trueocr))
}

/// TrueOCR's line with the question and exclamation marks at the end of PP-OCR's, which it cannot write.
fn with_end_of(trueocr: &str, ppocr: &str) -> String {
    let rest = ppocr.trim_end_matches(|end| MARKS.iter().any(|(mark, _)| *mark == end));
    let marks = ppocr.get(rest.len()..).unwrap_or_default();
    let Some((_, taken_for)) = MARKS.iter().find(|(mark, _)| marks.starts_with(*mark)) else { return trueocr.to_owned() };
    let rest = rest.trim_end().chars().next_back();
    let mistaken = trueocr.chars().next_back().filter(|last| taken_for.contains(*last) && rest != Some(*last));
    let words = mistaken.and_then(|last| trueocr.strip_suffix(last)).unwrap_or(trueocr);
    format!("{}{marks}", words.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str, confidence: f32) -> Reading {
        Reading { text: text.to_owned(), confidence }
    }

    /// Letters that only TrueOCR has.
    fn in_ppocr(letter: char) -> bool {
        !"ạảầẹếểễệịọỏốồộớờởỡợụủứừữựỷ".contains(letter)
    }

    fn in_vietnamese(letter: char) -> bool {
        letter.is_ascii() || "àáâãèéêìíòóôõùúýăđĐĩũơư".contains(letter) || !in_ppocr(letter)
    }

    #[test]
    fn a_reading_is_composed_and_trimmed() {
        assert_eq!(Reading::of(" de\u{323}p ", 1.5, 2), Some(reading("dẹp", 0.75)));
        assert_eq!(Reading::of(" \u{a0} ", 1.0, 1), None);
        assert_eq!(Reading::of("", 0.0, 0), None);
    }

    #[test]
    fn lines_that_cannot_be_vietnamese_are_not_read_again() {
        for (text, confidence, expected) in [
            ("Hôm nay tri đp quá", 0.97, true),
            ("Xem ht video nhé", 1.0, true),
            ("Mua ngay kėo lõ", 0.93, true),
            ("M αi con yêu m", 0.98, true),
            ("M i", 1.0, true),
            ("Đǎng ký knh nhé", 0.99, true),
            ("WAIT FOR IT...", 0.98, true),
            ("WAIT FOR IT...", 0.999, false),
            ("Smörgåsbord på svenska", 0.99, false),
            ("農村の学校で", 0.9, false),
            ("привет", 0.9, false),
            ("50 %", 0.9, false),
        ] {
            assert_eq!(may_be_vietnamese(&reading(text, confidence), in_vietnamese), expected, "{text} {confidence}");
        }
    }

    #[test]
    fn trueocr_is_taken_where_it_writes_what_ppocr_cannot() {
        let chosen = |trueocr: &[(&str, f32)]| {
            let others = trueocr.iter().map(|(text, sure)| reading(text, *sure)).collect();
            let line = choose(reading("Hôm nay tri đp", 0.999), others, in_ppocr);
            (line.reading.text, line.reader)
        };
        let (by_ppocr, right) = (("Hôm nay tri đp".to_owned(), Reader::Ppocr), ("Hôm nay trời đẹp".to_owned(), Reader::Trueocr));
        assert_eq!(chosen(&[("Hôm nay trời đẹp", 0.8)]), right);
        assert_eq!(chosen(&[("Hôm nay trời đẹp", 0.79)]), by_ppocr);
        assert_eq!(chosen(&[("Hôm nay tri đp.", 0.99)]), by_ppocr);
        assert_eq!(chosen(&[]), by_ppocr);
        assert_eq!(chosen(&[("Hôm nay trời đep", 0.99), ("Hôm nay trời đẹp", 0.85), ("Hôm nay tri đp", 1.0)]), right);
    }

    #[test]
    fn the_search_ends_where_nothing_can_be_won() {
        let ends = |trueocr: &str, sure: f32| settles(&reading("đp quá!", 0.9), &reading(trueocr, sure), in_ppocr);
        assert!(ends("đẹp quá", 0.9) && ends("dep qua", 0.9) && ends("dep qua", 0.3));
        assert!(!ends("đẹp qúa", 0.9) && !ends("đẹp quá", 0.7));
    }

    #[test]
    fn marks_at_the_end_come_from_ppocr() {
        for (trueocr, ppocr, expected) in [
            ("Tình yêu là gì7", "Tình yêu là gì?", "Tình yêu là gì?"),
            ("Tình yêu là gì", "Tình yêu là gì ?!", "Tình yêu là gì?!"),
            ("Có 7", "Có 7?", "Có 7?"),
            ("Mẹ ơi1", "M i!!", "Mẹ ơi!!"),
            ("Mẹ ơi", "M i.", "Mẹ ơi"),
            ("ơ", "?", "ơ?"),
        ] {
            assert_eq!(with_end_of(trueocr, ppocr), expected);
        }
    }
}
