//! In which script a text is written.

use std::fmt;

use unicode_script::UnicodeScript as _;

/// A script, as results name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// No letters.
    None,
    Latin,
    Han,
    /// Hiragana and katakana.
    Kana,
    /// Any other, by Unicode.
    Other(unicode_script::Script),
}

impl fmt::Display for Script {
    /// In lower case: `latin`, `han`, `kana`, `hangul`, `cyrillic`, `arabic`, …, `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Latin => f.write_str("latin"),
            Self::Han => f.write_str("han"),
            Self::Kana => f.write_str("kana"),
            Self::Other(script) => f.write_str(&script.full_name().to_lowercase()),
        }
    }
}

/// The script of most of a text's letters; of two that have as many, the one that begins first.
pub(super) fn of(text: &str) -> Script {
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for script in text.chars().filter_map(of_letter) {
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    // `max_by_key` takes the last of equals.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(Script::None, |(script, _)| *script)
}

/// The script of a letter. None of what is no letter, and of letters that all scripts share.
pub(super) fn of_letter(letter: char) -> Option<Script> {
    use unicode_script::Script as Known;
    if !letter.is_alphabetic() {
        return None;
    }
    match letter.script() {
        Known::Latin => Some(Script::Latin),
        Known::Han => Some(Script::Han),
        Known::Hiragana | Known::Katakana => Some(Script::Kana),
        Known::Common | Known::Inherited | Known::Unknown => None,
        other => Some(Script::Other(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_letters_name_the_script() {
        for (text, expected) in [
            ("WAIT FOR IT...", "latin"),
            ("Đừng bỏ cuộc", "latin"),
            ("M αi con yêu m", "latin"),
            ("50 % :)", "none"),
            ("", "none"),
            ("農村学校で", "han"),
            ("こんにちは世界", "kana"),
            ("カタカナー", "kana"),
            ("안녕하세요", "hangul"),
            ("привет, world!", "cyrillic"),
            ("مرحبا", "arabic"),
            ("नमस्ते", "devanagari"),
            ("สวัสดี", "thai"),
            ("αβγ", "greek"),
            ("aβ", "latin"),
        ] {
            assert_eq!(of(text).to_string(), expected, "{text}");
        }
    }
}
