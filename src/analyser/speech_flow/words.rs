//! What the transcript says of the flow: rate, pauses, fillers.

use serde::{Deserialize, Serialize};

use crate::model::Finding;

/// A gap between words that is a pause.
const PAUSE_MIN_MS: i64 = 500;
/// A longer one is an end.
const PAUSE_MAX_MS: i64 = 10_000;
/// The rate is told for windows of 10 s.
const WINDOW_MS: i64 = 10_000;
/// Fewer words make no rate.
const WORDS_MIN: usize = 3;

/// Sounds and words with which speakers fill pauses, by language. What also means something else at that place is left out.
const FILLERS: [(&str, &[&str]); 13] = [
    ("en", &["um", "umm", "uh", "uhh", "uhm", "er", "erm", "hmm", "hm", "mm", "mhm", "you know", "i mean"]),
    ("de", &["äh", "ähm", "öh", "öhm", "hm", "hmm"]),
    ("fr", &["euh", "heu", "hum", "ben"]),
    ("es", &["eh", "ehm", "em", "este"]),
    ("it", &["ehm", "eh", "mm", "cioè"]),
    ("pt", &["hum", "ahm", "éh"]),
    ("nl", &["eh", "uh", "ehm", "uhm"]),
    ("ru", &["э", "эм", "ээ", "мм"]),
    ("vi", &["ờ", "ừm", "ờm", "à thì", "ơ", "ừ thì"]),
    ("ja", &["えっと", "えーと", "あの", "えー", "うーん"]),
    ("ko", &["음", "어", "저기"]),
    ("zh", &["呃", "嗯", "那个"]),
    ("id", &["eh", "em", "anu"]),
];

/// One spoken word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Word {
    /// In small letters, without marks.
    pub(super) text: String,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    /// Of the segment.
    pub(super) language: String,
}

impl Word {
    pub(super) fn middle_ms(&self) -> i64 {
        i64::midpoint(self.start_ms, self.end_ms)
    }
}

/// The words of a segment of the transcript; none of what is no such segment.
pub(super) fn of_segment(segment: &Finding) -> Vec<Word> {
    let Some(value) = segment.value.as_ref().filter(|_| segment.label == "speech") else { return Vec::new() };
    let language = value["language"].as_str().unwrap_or_default();
    let word = |word: &serde_json::Value| {
        let (start_ms, end_ms) = (word["start_ms"].as_i64()?, word["end_ms"].as_i64()?);
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, '\'' | 'ー');
        let text: String = word["word"].as_str()?.to_lowercase().chars().filter(kept).collect();
        (!text.is_empty() && start_ms <= end_ms).then(|| Word { text, start_ms, end_ms, language: language.to_owned() })
    };
    value["words"].as_array().map(|words| words.iter().filter_map(word).collect()).unwrap_or_default()
}

/// How fast is spoken in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) words: usize,
    /// Words per minute of the window, pauses included.
    pub(super) words_per_minute: f64,
    /// Words per minute of the time in which words were said.
    pub(super) articulation: f64,
}

/// The rate of all words together; the pauses between turns and scenes that are longer than [`PAUSE_MAX_MS`] do not count.
pub(super) fn rate(words: &[Word]) -> Option<Rate> {
    let (first, last) = (words.first()?, words.last()?);
    let said: i64 = words.iter().map(|word| word.end_ms - word.start_ms).sum();
    let long: i64 = gaps(words).map(|(_, gap)| gap).filter(|gap| *gap > PAUSE_MAX_MS).sum();
    let lasted = (last.end_ms - first.start_ms - long).max(1);
    let per_minute = |ms: i64| words.len() as f64 * 60_000.0 / ms.max(1) as f64;
    (words.len() >= WORDS_MIN).then(|| Rate {
        start_ms: first.start_ms,
        end_ms: last.end_ms,
        words: words.len(),
        words_per_minute: per_minute(lasted),
        articulation: per_minute(said.min(lasted)),
    })
}

/// The rate in each window of [`WINDOW_MS`], counted from `origin_ms`, in which enough was said.
pub(super) fn rates(words: &[Word], origin_ms: i64) -> Vec<Rate> {
    let window = |word: &Word| (word.middle_ms() - origin_ms).div_euclid(WINDOW_MS);
    words.chunk_by(|one, next| window(one) == window(next)).filter_map(rate).collect()
}

fn gaps(words: &[Word]) -> impl Iterator<Item = (usize, i64)> {
    words.windows(2).enumerate().map(|(at, pair)| (at, pair[1].start_ms - pair[0].end_ms))
}

/// Pauses inside speech, in milliseconds.
pub(super) fn pauses(words: &[Word]) -> Vec<(i64, i64)> {
    let is_pause = |gap: i64| (PAUSE_MIN_MS..=PAUSE_MAX_MS).contains(&gap);
    let pause = |(at, gap): (usize, i64)| is_pause(gap).then(|| Some((words.get(at)?.end_ms, words.get(at + 1)?.start_ms)))?;
    gaps(words).filter_map(pause).collect()
}

/// Fillers: what was said and when.
pub(super) fn fillers(words: &[Word]) -> Vec<(String, i64, i64)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(word) = words.get(at) {
        let known = FILLERS.iter().find(|(language, _)| *language == word.language).map_or(&[][..], |(_, fillers)| fillers);
        let here = |filler: &&&str| {
            let parts = filler.split(' ');
            let said = words[at..].iter().map(|word| word.text.as_str());
            parts.clone().count() <= words.len() - at && parts.zip(said).all(|(part, said)| part == said)
        };
        let longest = known.iter().filter(here).max_by_key(|filler| filler.len());
        let count = longest.map_or(1, |filler| filler.split(' ').count());
        if let (Some(filler), Some(last)) = (longest, words.get(at + count - 1)) {
            found.push(((*filler).to_owned(), word.start_ms, last.end_ms));
        }
        at += count;
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spoken(language: &str, words: &[(&str, i64, i64)]) -> Vec<Word> {
        let words: Vec<_> =
            words.iter().map(|(word, start, end)| json!({ "word": word, "start_ms": start, "end_ms": end })).collect();
        let value = Some(json!({ "language": language, "words": words }));
        of_segment(&Finding { label: "speech".into(), value, ..Finding::default() })
    }

    #[test]
    fn words_come_from_the_transcript_and_nonsense_is_passed_over() {
        let words = spoken("en", &[("Well,", 0, 100), ("...", 100, 200), ("don't!", 300, 200), ("Don't", 300, 500)]);
        assert_eq!(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["well", "don't"]);
        for value in [json!(null), json!({ "words": 3 }), json!({ "words": [1, { "word": "a" }] })] {
            assert!(of_segment(&Finding { label: "speech".into(), value: Some(value), ..Finding::default() }).is_empty());
        }
    }

    #[test]
    fn the_rate_counts_words_per_minute() {
        // Two words a second for 20 s, each said in 250 ms; then silence; then 20 more.
        let word = |at: i64| Word { text: "a".into(), start_ms: at, end_ms: at + 250, language: "en".into() };
        let mut words: Vec<Word> = (0..40).map(|n| word(n * 500)).collect();
        words.extend((0..20).map(|n| word(60_000 + n * 500)));
        let whole = rate(&words).unwrap();
        assert!((whole.words_per_minute - 120.0).abs() < 3.0 && (whole.articulation - 240.0).abs() < 1.0, "{whole:?}");
        let rates = rates(&words, 0);
        assert_eq!(rates.len(), 3);
        assert!(rates.iter().all(|rate| (rate.words_per_minute - 120.0).abs() < 4.0 && rate.words == 20), "{rates:?}");
        assert_eq!(rate(&words[..2]), None);
    }

    #[test]
    fn pauses_are_neither_gaps_nor_ends() {
        let words = spoken("en", &[("a", 0, 400), ("b", 600, 900), ("c", 1900, 2000), ("d", 20_000, 20_100)]);
        assert_eq!(pauses(&words), [(900, 1900)]);
        assert!(pauses(&[]).is_empty());
    }

    #[test]
    fn fillers_are_those_of_the_language() {
        let english =
            spoken("en", &[("Um,", 0, 200), ("you", 300, 400), ("know,", 400, 500), ("you", 600, 700), ("er...", 700, 800)]);
        let found: Vec<(String, i64, i64)> = fillers(&english);
        assert_eq!(found, [("um".into(), 0, 200), ("you know".into(), 300, 500), ("er".into(), 700, 800)]);
        assert!(fillers(&spoken("de", &[("er", 0, 100), ("um", 200, 300)])).is_empty(), "German words");
        assert_eq!(fillers(&spoken("vi", &[("Ừm,", 0, 100)])).len(), 1);
    }
}
