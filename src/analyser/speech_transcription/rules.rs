//! Which tokens may come next: Whisper's rules for suppressed and timestamp tokens (`SuppressTokens`, `ApplyTimestampRules` of
//! openai/whisper `decoding.py`), and the bar against repeated phrases.

use crate::infer::WhisperTokenizer;

/// The first timestamp of a window lies within its first second: 50 steps of 20 ms.
const FIRST_TIMESTAMP_MAX: usize = 50;
/// Under [`Repetition::Barred`], tokens in a row that may not come twice.
const PHRASE: usize = 4;

/// e to this, 50,000 times, is less than 1e-8.
const NEGLIGIBLE: f32 = -30.0;

/// Whether a phrase may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetition {
    /// As the model likes.
    Free,
    /// No phrase of [`PHRASE`] tokens twice.
    Barred,
}

/// The most likely token that is allowed after `sampled`, with its log-probability. `logits` are used up.
pub(super) fn choose(
    logits: &mut [f32],
    sampled: &[u32],
    tokenizer: &WhisperTokenizer,
    suppressed: &[u32],
    repetition: Repetition,
) -> (u32, f32) {
    let ids = Ids { text_end: tokenizer.end_of_text as usize, first_timestamp: tokenizer.first_timestamp as usize };
    bar(logits, suppressed.iter().chain([&tokenizer.no_timestamps]).map(|id| *id as usize));
    ids.order_timestamps(logits, sampled);
    if repetition == Repetition::Barred {
        bar(logits, repeated(sampled, ids.first_timestamp).into_iter().map(|id| id as usize));
    }
    let (words, times) = logits.split_at(ids.first_timestamp.min(logits.len()));
    if log_sum_exp(times) > words.iter().copied().fold(f32::NEG_INFINITY, f32::max) {
        // A time is more likely than any word, taken over all times.
        bar(logits, 0..ids.first_timestamp);
    }
    let total = log_sum_exp(logits);
    let best = logits.iter().copied().enumerate().reduce(|best, own| if own.1 > best.1 { own } else { best });
    best.map_or((tokenizer.end_of_text, 0.0), |(id, logit)| (id as u32, logit - total))
}

struct Ids {
    text_end: usize,
    first_timestamp: usize,
}

impl Ids {
    /// Times come first, in pairs between segments, and never go back.
    fn order_timestamps(&self, logits: &mut [f32], sampled: &[u32]) {
        let is_time = |id: &u32| *id as usize >= self.first_timestamp;
        let size = logits.len();
        let Some(last) = sampled.last() else {
            bar(logits, 0..self.first_timestamp);
            bar(logits, self.first_timestamp + FIRST_TIMESTAMP_MAX + 1..size);
            return;
        };
        let opened = is_time(last) && sampled.iter().nth_back(1).is_none_or(is_time);
        let closed = is_time(last) && !opened;
        if opened {
            bar(logits, self.first_timestamp..size);
        }
        if closed {
            bar(logits, 0..self.text_end);
        }
        if let Some(time) = sampled.iter().rev().find(|id| is_time(id)) {
            // After a segment's end the same time may open the next one; a segment itself is longer than nothing.
            let from = *time as usize + usize::from(!closed);
            bar(logits, self.first_timestamp..from);
        }
    }
}

fn bar(logits: &mut [f32], ids: impl Iterator<Item = usize>) {
    for id in ids {
        if let Some(logit) = logits.get_mut(id) {
            *logit = f32::NEG_INFINITY;
        }
    }
}

/// Tokens that would complete a phrase that was there before.
fn repeated(sampled: &[u32], first_timestamp: usize) -> Vec<u32> {
    let words: Vec<u32> = sampled.iter().copied().filter(|id| (*id as usize) < first_timestamp).collect();
    let Some(begun) = words.len().checked_sub(PHRASE - 1).map(|from| &words[from..]) else { return Vec::new() };
    words.windows(PHRASE).filter(|phrase| &phrase[..PHRASE - 1] == begun).map(|phrase| phrase[PHRASE - 1]).collect()
}

/// ln Σ exp, without overflow; −∞ when everything is barred.
pub(super) fn log_sum_exp(logits: &[f32]) -> f32 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !top.is_finite() {
        return top;
    }
    // What is this far below the top does not show in the sum, and most are.
    let near = logits.iter().filter(|logit| **logit - top > NEGLIGIBLE);
    top + near.map(|logit| f64::from(logit - top).exp()).sum::<f64>().ln() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten words, 10 ends the text, times from 12 on.
    const IDS: Ids = Ids { text_end: 10, first_timestamp: 12 };

    fn allowed(sampled: &[u32]) -> Vec<usize> {
        let mut logits = vec![0.0; 100];
        IDS.order_timestamps(&mut logits, sampled);
        (0..100).filter(|id| logits[*id].is_finite()).collect()
    }

    #[test]
    fn a_window_begins_with_a_time_within_its_first_second() {
        assert_eq!(allowed(&[]), (12..=62).collect::<Vec<_>>());
    }

    #[test]
    fn words_follow_an_opening_time_and_later_times_a_word() {
        assert_eq!(allowed(&[15]), (0..12).collect::<Vec<_>>());
        assert_eq!(allowed(&[15, 3]), (0..12).chain(16..100).collect::<Vec<_>>());
        assert_eq!(allowed(&[15, 3, 20]), [10, 11].into_iter().chain(20..100).collect::<Vec<_>>(), "the end, or a new segment");
        assert_eq!(allowed(&[15, 3, 20, 20]), (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn a_phrase_does_not_come_twice() {
        assert_eq!(repeated(&[1, 2, 3, 4, 15, 1, 2, 3], 12), [4]);
        assert!(repeated(&[1, 2], 12).is_empty());
    }

    #[test]
    fn log_sum_exp_is_exact_enough() {
        assert!((log_sum_exp(&[1000.0, 1000.0]) - 1000.693).abs() < 1e-3);
        assert!(log_sum_exp(&[f32::NEG_INFINITY]).is_infinite());
    }
}
