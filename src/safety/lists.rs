//! Word lists: whole-word search for listed words of many languages in one pass over a text.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A list as exported (`weir.wordlist.v1`): language → words.
#[derive(Debug, Deserialize)]
pub(super) struct WordList {
    languages: BTreeMap<String, Vec<String>>,
}

impl WordList {
    /// # Errors
    /// In words, when the JSON is not such a list.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| error.to_string())
    }
}

/// All listed words.
#[derive(Debug)]
pub(super) struct Lists {
    search: AhoCorasick,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    language: String,
    /// Too short, or an everyday word elsewhere: counts only in a text of its own language.
    ambiguous: bool,
}

impl Lists {
    /// Joins lists. `everyday` says of a word whether it is a harmless English one.
    ///
    /// # Errors
    /// In words, when the words are too many to search for.
    pub(super) fn new(lists: &[WordList], everyday: impl Fn(&str) -> bool) -> Result<Self, String> {
        let (mut words, mut entries) = (Vec::new(), Vec::new());
        for (language, listed) in lists.iter().flat_map(|list| &list.languages) {
            for word in listed {
                let word = normalise(word);
                if word.is_empty() {
                    continue;
                }
                let ambiguous = language != "en" && (is_short(&word) || everyday(&word));
                entries.push(Entry { language: language.clone(), ambiguous });
                words.push(word);
            }
        }
        Ok(Self { search: AhoCorasick::new(words).map_err(|error| error.to_string())?, entries })
    }

    /// The language of a list with a word that stands in `text` as a whole word; that of the text's own language first.
    pub(super) fn hit(&self, text: &str, language: Option<&str>) -> Option<&str> {
        let text = normalise(text);
        let mut found = None;
        for hit in self.search.find_overlapping_iter(&text) {
            let entry = &self.entries[hit.pattern().as_usize()];
            let own = language == Some(entry.language.as_str());
            if (entry.ambiguous && !own) || !is_whole(&text, hit.start(), hit.end()) {
                continue;
            }
            if own {
                return Some(&entry.language);
            }
            found.get_or_insert(entry.language.as_str());
        }
        found
    }

    /// Whether a list of this language is here.
    pub(super) fn has(&self, language: &str) -> bool {
        self.entries.iter().any(|entry| entry.language == language)
    }
}

/// NFC, lower case, one space between words; and the folds without which a word in capitals differs from itself: ß as ss, ς as σ, and
/// the dotless and dotted i of Turkish as i.
fn normalise(text: &str) -> String {
    let lower = text.nfc().collect::<String>().to_lowercase();
    let folded = lower.replace('ß', "ss").replace('ς', "σ").replace('ı', "i").replace("i\u{307}", "i");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Three Latin letters or fewer are a word of some other language too often (Turkish and English `am`).
fn is_short(word: &str) -> bool {
    let mut letters = word.chars().filter(|c| !c.is_whitespace());
    letters.clone().all(|c| c < '\u{250}' || ('\u{1E00}'..'\u{1F00}').contains(&c)) && letters.nth(3).is_none()
}

/// How words end in a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No part of a word.
    Gap,
    /// Words have gaps between them.
    Spaced,
    /// Chinese characters: no gaps, a word may begin and end anywhere.
    Han,
    /// Written without gaps; a run of the same script counts as a word.
    Hiragana,
    Katakana,
    Thai,
}

fn kind(c: char) -> Kind {
    match c {
        '\u{3041}'..='\u{309F}' => Kind::Hiragana,
        '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}' => Kind::Katakana,
        '\u{0E00}'..='\u{0E7F}' => Kind::Thai,
        '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}' => Kind::Han,
        c if c.is_alphanumeric() || is_combining_mark(c) => Kind::Spaced,
        _ => Kind::Gap,
    }
}

/// Whether `text[start..end]` is not part of a longer word.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let (Some(before), Some(word), Some(after)) = (text.get(..start), text.get(start..end), text.get(end..)) else {
        return false;
    };
    let letters = word.chars().count();
    let ends = |inside: Option<char>, outside: Option<char>| {
        let (Some(inside), Some(outside)) = (inside, outside) else { return true };
        match (kind(inside), kind(outside)) {
            // A listed form such as `d'` ends in a mark: only a gap in the text ends it.
            (Kind::Gap, outside) => outside == Kind::Gap,
            (Kind::Han, Kind::Han) => letters > 1,
            (a, b) => a != b,
        }
    };
    ends(word.chars().next(), before.chars().next_back()) && ends(word.chars().next_back(), after.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Lists {
        let list = r#"{"languages":{"en":["zonk","zo"],"tr":["am","stroke"],"vi":["đồ tồi","d'"],"zh":["坏话","坏"],"ja":["バカ"],"de":["straße"]}}"#;
        Lists::new(&[WordList::parse(list.as_bytes()).unwrap()], |word| word == "stroke").unwrap()
    }

    fn hit(text: &str, language: Option<&str>) -> Option<String> {
        lists().hit(text, language).map(str::to_owned)
    }

    #[test]
    fn finds_whole_words_only_in_any_case_and_form() {
        assert_eq!(hit("you ZONK!", None).as_deref(), Some("en"));
        assert_eq!(hit("#zonk", None).as_deref(), Some("en"));
        assert_eq!(hit("zonked bezonk", None), None);
        assert_eq!(hit("Đồ   TỒI quá", None).as_deref(), Some("vi"));
        assert_eq!(hit("Đồ tồi".nfd().collect::<String>().as_str(), None).as_deref(), Some("vi"), "decomposed letters");
        assert_eq!(hit("đồ tồin", None), None);
        assert_eq!(hit("STRASSE", None).as_deref(), Some("de"));
        assert_eq!(normalise("ISIRMAK İYİ"), normalise("ısırmak iyi"));
    }

    #[test]
    fn an_ambiguous_word_counts_in_its_own_language_only() {
        assert_eq!(hit("I am here", None), None);
        assert_eq!(hit("I am here", Some("en")), None);
        assert_eq!(hit("am", Some("tr")).as_deref(), Some("tr"));
        assert_eq!(hit("a stroke", None), None);
        assert_eq!(hit("a stroke", Some("tr")).as_deref(), Some("tr"));
        assert_eq!(hit("zo", None).as_deref(), Some("en"), "the English list counts whatever the language");
    }

    #[test]
    fn scripts_without_gaps_have_rules_of_their_own() {
        assert_eq!(hit("你说坏话吗", None).as_deref(), Some("zh"));
        assert_eq!(hit("不坏的", None), None, "a single character inside a longer run");
        assert_eq!(hit("坏!", None).as_deref(), Some("zh"));
        assert_eq!(hit("このバカが", None).as_deref(), Some("ja"));
        assert_eq!(hit("バカンス", None), None, "part of a longer run of the same script");
    }

    #[test]
    fn a_form_that_ends_in_a_mark_needs_a_gap() {
        assert_eq!(hit("d' x", Some("vi")).as_deref(), Some("vi"));
        assert_eq!(hit("d'accord", Some("vi")), None);
        assert_eq!(hit("d", Some("vi")), None);
    }
}
