//! Who speaks when: words given to voices, and runs of one voice made turns.

use super::voices::Stretch;
use super::words::Word;

/// A word this far from any stretch belongs to the speaker before.
const NEAR_MS: i64 = 1500;
/// A pause after which the same speaker has another turn.
const PAUSE_MS: i64 = 5000;
/// A run of fewer words between two of one other speaker is taken for an error.
const ISLAND: usize = 2;

/// One turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub(super) speaker: usize,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    /// None where there is no transcript.
    pub(super) words: Option<usize>,
    /// Mean likeness of its stretches to the speaker's voice.
    pub(super) likeness: f32,
}

/// A stretch in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Heard {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) stretch: Stretch,
}

impl Heard {
    /// How far a moment is from it.
    fn away(&self, ms: i64) -> i64 {
        (self.start_ms - ms).max(ms - self.end_ms).max(0)
    }
}

/// The turns of all words; without words, those of the stretches themselves.
pub(super) fn turns(words: &[Word], heard: &[Heard]) -> Vec<Turn> {
    let mut turns = if words.is_empty() { of_stretches(heard) } else { of_words(words, heard) };
    for turn in &mut turns {
        let own = heard
            .iter()
            .filter(|own| own.stretch.voice == turn.speaker && own.start_ms < turn.end_ms && own.end_ms > turn.start_ms);
        let (sum, count) = own.fold((0.0, 0.0), |(sum, count), own| (sum + own.stretch.likeness, count + 1.0));
        turn.likeness = if count > 0.0 { sum / count } else { 0.5 };
    }
    turns
}

fn of_stretches(heard: &[Heard]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for own in heard {
        let speaker = own.stretch.voice;
        match turns.last_mut() {
            Some(turn) if turn.speaker == speaker && own.start_ms - turn.end_ms <= PAUSE_MS => turn.end_ms = own.end_ms,
            _ => turns.push(Turn { speaker, start_ms: own.start_ms, end_ms: own.end_ms, words: None, likeness: 0.0 }),
        }
    }
    turns
}

fn of_words(words: &[Word], heard: &[Heard]) -> Vec<Turn> {
    let speakers = smooth(&speakers(words, heard));
    let mut turns: Vec<Turn> = Vec::new();
    for (word, speaker) in words.iter().zip(speakers) {
        match turns.last_mut() {
            Some(turn) if turn.speaker == speaker && word.start_ms - turn.end_ms <= PAUSE_MS => {
                turn.end_ms = turn.end_ms.max(word.end_ms);
                turn.words = turn.words.map(|words| words + 1);
            }
            _ => turns.push(Turn { speaker, start_ms: word.start_ms, end_ms: word.end_ms, words: Some(1), likeness: 0.0 }),
        }
    }
    turns
}

/// The voice of the stretch in which each word lies, or of the nearest.
fn speakers(words: &[Word], heard: &[Heard]) -> Vec<usize> {
    let (mut speakers, mut first) = (Vec::with_capacity(words.len()), 0);
    for word in words {
        let at = word.middle_ms();
        // Both are in time order: what ended long ago is not looked at again.
        while heard.get(first).is_some_and(|own| own.end_ms + NEAR_MS < at) {
            first += 1;
        }
        let near = heard[first..].iter().take_while(|own| own.start_ms <= at + NEAR_MS);
        let nearest = near.min_by_key(|own| own.away(at)).filter(|own| own.away(at) <= NEAR_MS);
        speakers.push(nearest.map(|own| own.stretch.voice).or(speakers.last().copied()).unwrap_or(0));
    }
    speakers
}

/// Short runs between two of one speaker go to that speaker.
fn smooth(speakers: &[usize]) -> Vec<usize> {
    let mut runs: Vec<(usize, usize)> = speakers.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
    for at in 1..runs.len().saturating_sub(1) {
        if runs[at].1 < ISLAND && runs[at - 1].0 == runs[at + 1].0 {
            runs[at].0 = runs[at - 1].0;
        }
    }
    runs.into_iter().flat_map(|(speaker, count)| std::iter::repeat_n(speaker, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(spans: &[(i64, i64, usize)]) -> Vec<Heard> {
        let stretch = |voice| Stretch { from: 0, to: 0, voice, likeness: 0.9, other: None };
        spans
            .iter()
            .map(|(start_ms, end_ms, voice)| Heard { start_ms: *start_ms, end_ms: *end_ms, stretch: stretch(*voice) })
            .collect()
    }

    fn words(starts: impl IntoIterator<Item = i64>) -> Vec<Word> {
        let word = |at| Word { text: "a".into(), start_ms: at, end_ms: at + 200, language: "en".into() };
        starts.into_iter().map(word).collect()
    }

    fn shown(turns: &[Turn]) -> Vec<(usize, i64, i64, Option<usize>)> {
        turns.iter().map(|turn| (turn.speaker, turn.start_ms, turn.end_ms, turn.words)).collect()
    }

    #[test]
    fn words_go_to_the_voice_that_is_heard_with_them() {
        let heard = heard(&[(0, 1000, 0), (1000, 2000, 0), (2500, 4000, 1), (4000, 5000, 0)]);
        let turns = turns(&words([0, 300, 900, 1500, 2300, 2600, 3000, 3500, 4200, 4500]), &heard);
        assert_eq!(shown(&turns), [(0, 0, 1700, Some(4)), (1, 2300, 3700, Some(4)), (0, 4200, 4700, Some(2))]);
        assert!(turns.iter().all(|turn| (turn.likeness - 0.9).abs() < 1e-6));
    }

    #[test]
    fn one_word_alone_is_no_turn_and_a_long_pause_ends_one() {
        let heard = heard(&[(0, 1000, 0), (1000, 1300, 1), (1300, 3000, 0), (20_000, 21_000, 0)]);
        let turns = turns(&words([0, 500, 1050, 1500, 2000, 20_100]), &heard);
        assert_eq!(shown(&turns), [(0, 0, 2200, Some(5)), (0, 20_100, 20_300, Some(1))]);
    }

    #[test]
    fn without_a_transcript_the_stretches_are_the_turns() {
        let heard = heard(&[(0, 1000, 0), (1100, 2000, 0), (2500, 4000, 1)]);
        assert_eq!(shown(&turns(&[], &heard)), [(0, 0, 2000, None), (1, 2500, 4000, None)]);
        assert!(turns(&[], &[]).is_empty());
        assert_eq!(shown(&turns(&words([0, 300]), &[])), [(0, 0, 500, Some(2))]);
    }
}
