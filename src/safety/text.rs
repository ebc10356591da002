//! The score of one text: how surely it swears.
//!
//! * The English model (alt-profanity-check) scores a text that is English, or whose language is not known. Where the analyser does not
//!   say the language (read lines, titles), the letters do: letters that only Vietnamese has make it Vietnamese; fewer than half ASCII
//!   letters make it some language other than English; all else is not known.
//! * A whole word of a list (30 languages) scores [`SafetyConfig::list_score`]. A list's words of three Latin letters or fewer, and
//!   those that the English model knows and finds harmless, count only in a text of the list's own language; the words of the English list
//!   always count.
//! * The score is the larger of the two. A text in which the model knows no word and for whose language there is no list is not scored.

use super::SafetyConfig;
use super::english::EnglishModel;
use super::lists::{Lists, WordList};
use crate::infer::{ModelError, ModelFiles};

/// Longer texts are scored by their beginning: no one says or shows this much in one segment.
const CHARS_MAX: usize = 20_000;
/// A listed word that the English model knows and scores below this is an everyday word.
const EVERYDAY: f64 = 0.5;

/// The English model and the lists.
#[derive(Debug)]
pub struct TextScorer {
    english: Option<EnglishModel>,
    lists: Lists,
    missing: Vec<String>,
}

/// How a text was scored.
#[derive(Debug, Clone, PartialEq)]
pub struct TextScore {
    /// 0 to 1.
    pub score: f32,
    /// Which rule gave it, in words.
    pub rule: String,
}

impl TextScorer {
    /// Opens what is here; what is not is named by [`TextScorer::missing`].
    ///
    /// # Errors
    /// When a file is here and cannot be used.
    pub fn open(files: &ModelFiles) -> Result<Self, ModelError> {
        let mut missing = Vec::new();
        let broken = |name: &str, reason: String| ModelError::Load { name: name.to_owned(), reason };
        let mut read = |name: &str| match files.read(name, &format!("{name}.json")) {
            Ok(json) => Ok(Some(json)),
            Err(error @ ModelError::Missing { .. }) => {
                missing.push(format!("{name}: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        };
        let english = match read("profanity_en")? {
            Some(json) => Some(EnglishModel::parse(&json).map_err(|reason| broken("profanity_en", reason))?),
            None => None,
        };
        let mut lists = Vec::new();
        for name in ["badwords_vi", "badwords_multi"] {
            if let Some(json) = read(name)? {
                lists.push(WordList::parse(&json).map_err(|reason| broken(name, reason))?);
            }
        }
        let everyday = |word: &str| is_everyday(english.as_ref(), word);
        let lists = Lists::new(&lists, everyday).map_err(|reason| broken("badwords_multi", reason))?;
        Ok(Self { english, lists, missing })
    }

    /// Models that are not here, as `NAME: reason`.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Scores one text. `language` is an ISO 639-1 code when the analyser is sure of it. None: there was nothing to score.
    pub fn score(&self, text: &str, language: Option<&str>, config: &SafetyConfig) -> Option<TextScore> {
        let text: String = text.chars().take(CHARS_MAX).collect();
        let language = language.map_or_else(|| Language::of_letters(&text), Language::Known);
        let known = match language {
            Language::Known(code) => Some(code),
            Language::Unknown | Language::NotEnglish => None,
        };
        let english = match language {
            Language::Known("en") | Language::Unknown => self.english.as_ref().and_then(|model| model.score(&text)),
            Language::Known(_) | Language::NotEnglish => None,
        };
        let english = english.map(|score| TextScore { score: score as f32, rule: "English swearing model".to_owned() });
        let listed = self
            .lists
            .hit(&text, known)
            .map(|language| TextScore { score: config.list_score, rule: format!("word of the list `{language}`") });
        let unlisted = || {
            let code = known.filter(|code| self.lists.has(code) && text.chars().any(char::is_alphabetic))?;
            Some(TextScore { score: 0.0, rule: format!("no word of the list `{code}`") })
        };
        [english, listed].into_iter().flatten().max_by(|a, b| a.score.total_cmp(&b.score)).or_else(unlisted)
    }
}

fn is_everyday(english: Option<&EnglishModel>, word: &str) -> bool {
    english.is_some_and(|model| model.knows(word) && model.score(word).is_some_and(|score| score < EVERYDAY))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language<'a> {
    Known(&'a str),
    NotEnglish,
    Unknown,
}

impl Language<'static> {
    fn of_letters(text: &str) -> Self {
        // đ ơ ư and the vowels with two marks are letters of Vietnamese alone.
        let vietnamese = |c: char| matches!(c, 'đ' | 'Đ' | 'ơ' | 'Ơ' | 'ư' | 'Ư' | '\u{1EA0}'..='\u{1EF9}');
        if text.chars().any(vietnamese) {
            return Self::Known("vi");
        }
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let ascii = text.chars().filter(char::is_ascii_alphabetic).count();
        if ascii * 2 < letters { Self::NotEnglish } else { Self::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_tell_vietnamese_and_other_scripts() {
        assert_eq!(Language::of_letters("Hôm nay trời đẹp quá"), Language::Known("vi"));
        assert_eq!(Language::of_letters("WAIT FOR IT..."), Language::Unknown);
        assert_eq!(Language::of_letters("déjà vu"), Language::Unknown);
        assert_eq!(Language::of_letters("привет, world"), Language::NotEnglish);
        assert_eq!(Language::of_letters("50 %"), Language::Unknown);
    }
}
