//! Words and their times: what the decoder's alignment heads look at, warped onto the sound (`find_alignment` of openai/whisper `timing.py`).

use std::ops::Range;

use super::whisper::{Attention, Token};
use crate::infer::WhisperTokenizer;

/// One encoder position.
const POSITION_MS: i64 = 20;
/// Width of the median filter over positions.
const MEDIAN: usize = 7;
/// Written without spaces: every character that the tokens complete is a word.
const UNSPACED: [&str; 6] = ["zh", "ja", "th", "lo", "my", "yue"];

/// One word, in milliseconds from the window's begin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) tokens: Range<usize>,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    /// Mean probability of its tokens.
    pub(super) confidence: f32,
}

/// The words of `text` with their times. `speech` are the regions that the voice activity detector found: a word does not reach into the
/// silence beside them.
pub(super) fn words(
    tokenizer: &WhisperTokenizer,
    language: &str,
    text: &[Token],
    attention: Option<Attention>,
    speech: &[Range<i64>],
) -> Vec<Word> {
    let pieces: Vec<Vec<u8>> = text.iter().map(|token| tokenizer.bytes(token.id)).collect();
    let starts = attention.map_or_else(|| spread(&pieces, speech), |attention| warp(&likeness(attention)));
    let at = |token: usize| starts.get(token).or(starts.last()).map_or(0, |position| *position as i64 * POSITION_MS);
    let timed = |(tokens, text_of): (Range<usize>, String)| {
        let probability: f32 = text[tokens.clone()].iter().map(|token| token.logprob.exp()).sum();
        let (start_ms, end_ms) = within(speech, at(tokens.start), at(tokens.end));
        Word { text: text_of, start_ms, end_ms, confidence: probability / tokens.len() as f32, tokens }
    };
    split(&pieces, UNSPACED.contains(&language)).into_iter().map(timed).collect()
}

/// Where each token and the end would begin, in positions, if every byte took the same time of the speech.
fn spread(pieces: &[Vec<u8>], speech: &[Range<i64>]) -> Vec<usize> {
    let length: i64 = speech.iter().map(|region| region.end - region.start).sum();
    let bytes: usize = pieces.iter().map(Vec::len).sum();
    let mut before = 0;
    let mut starts = vec![0];
    starts.extend(pieces.iter().map(|piece| {
        before += piece.len();
        before
    }));
    let place = |before: usize| {
        let mut left = length * before as i64 / bytes.max(1) as i64;
        for region in speech {
            if left <= region.end - region.start {
                return ((region.start + left) / POSITION_MS) as usize;
            }
            left -= region.end - region.start;
        }
        0
    };
    starts.into_iter().map(place).collect()
}

/// Tokens of each word and its text. A word begins at a space (in unspaced scripts: at every character); marks belong to the word before.
fn split(pieces: &[Vec<u8>], unspaced: bool) -> Vec<(Range<usize>, String)> {
    let mut words: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let complete = words.last().is_none_or(|(_, bytes)| std::str::from_utf8(bytes).is_ok());
        let marks = std::str::from_utf8(piece).is_ok_and(|text| !text.chars().any(char::is_alphanumeric));
        let begins = complete && (unspaced || piece.first() == Some(&b' ')) && !marks;
        match words.last_mut() {
            Some((tokens, bytes)) if !begins => {
                tokens.end = index + 1;
                bytes.extend_from_slice(piece);
            }
            _ => words.push((index..index + 1, piece.clone())),
        }
    }
    let text = |(tokens, bytes): (Range<usize>, Vec<u8>)| (tokens, String::from_utf8_lossy(&bytes).trim().to_owned());
    words.into_iter().map(text).filter(|(_, text)| !text.is_empty()).collect()
}

/// Cuts a word to the region of speech that it shares most with; one that shares with none stays as it is.
fn within(speech: &[Range<i64>], start: i64, end: i64) -> (i64, i64) {
    let shared = |region: &&Range<i64>| end.min(region.end) - start.max(region.start);
    match speech.iter().max_by_key(shared) {
        Some(region) if shared(&region) > 0 => (start.max(region.start), end.min(region.end)),
        _ => (start, end.max(start)),
    }
}

/// Mean over the heads of attention that is a share of the whole, compared with that of the other tokens, and smoothed.
fn likeness(attention: Attention) -> Vec<Vec<f32>> {
    let heads = attention.len().max(1) as f32;
    let mut mean: Vec<Vec<f32>> = Vec::new();
    for mut head in attention {
        for row in &mut head {
            softmax(row);
        }
        standardise(&mut head);
        let smooth: Vec<Vec<f32>> = head.iter().map(|row| median(row)).collect();
        if mean.is_empty() {
            mean = smooth;
            continue;
        }
        for (sum, row) in mean.iter_mut().zip(&smooth) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }
    mean.iter_mut().flatten().for_each(|value| *value /= heads);
    mean
}

fn softmax(row: &mut [f32]) {
    let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = (*value - top).exp();
        sum += *value;
    }
    for value in row.iter_mut() {
        *value /= sum;
    }
}

/// Per position, over the tokens: mean 0, standard deviation 1.
fn standardise(rows: &mut [Vec<f32>]) {
    let count = rows.len() as f32;
    let positions = rows.first().map_or(0, Vec::len);
    for position in 0..positions {
        let mean = rows.iter().map(|row| row[position]).sum::<f32>() / count;
        let deviation = (rows.iter().map(|row| (row[position] - mean).powi(2)).sum::<f32>() / count).sqrt();
        for row in rows.iter_mut() {
            row[position] = if deviation > 0.0 { (row[position] - mean) / deviation } else { 0.0 };
        }
    }
}

/// Running median; the ends are mirrored.
fn median(row: &[f32]) -> Vec<f32> {
    let half = MEDIAN / 2;
    if row.len() <= half {
        return row.to_vec();
    }
    let mirrored = |index: isize| {
        let last = row.len() as isize - 1;
        let index = if index < 0 { -index } else { index };
        row[(if index > last { 2 * last - index } else { index }) as usize]
    };
    let middle = |at: usize| {
        let mut near: Vec<f32> = (0..MEDIAN).map(|step| mirrored(at as isize + step as isize - half as isize)).collect();
        near.sort_by(f32::total_cmp);
        near[half]
    };
    (0..row.len()).map(middle).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Both,
    Token,
    Position,
}

/// Dynamic time warping: the position at which each token begins on the path of the greatest likeness.
fn warp(likeness: &[Vec<f32>]) -> Vec<usize> {
    let columns = likeness.first().map_or(0, Vec::len);
    let mut steps = vec![vec![Step::Position; columns]; likeness.len()];
    let mut above = vec![f32::INFINITY; columns + 1];
    above[0] = 0.0;
    for (row, steps) in likeness.iter().zip(&mut steps) {
        let mut costs = vec![f32::INFINITY; columns + 1];
        for column in 0..columns {
            let (both, token, position) = (above[column], above[column + 1], costs[column]);
            let (least, step) = match (both, token, position) {
                (both, token, position) if both < token && both < position => (both, Step::Both),
                (both, token, position) if token < both && token < position => (token, Step::Token),
                (_, _, position) => (position, Step::Position),
            };
            costs[column + 1] = least - row[column];
            steps[column] = step;
        }
        above = costs;
    }
    let mut starts = vec![0; likeness.len()];
    let (mut row, mut column) = (likeness.len(), columns);
    while row > 0 && column > 0 {
        starts[row - 1] = column - 1;
        match steps[row - 1][column - 1] {
            Step::Both => (row, column) = (row - 1, column - 1),
            Step::Token => row -= 1,
            Step::Position => column -= 1,
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(pieces: &[&str]) -> Vec<Vec<u8>> {
        pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect()
    }

    fn texts(pieces: &[Vec<u8>], unspaced: bool) -> Vec<String> {
        split(pieces, unspaced).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn words_begin_at_spaces_and_marks_belong_to_the_word_before() {
        let pieces = bytes(&[" And", " so", ",", " my", " fell", "ow", " -", " Amer", "icans", "."]);
        assert_eq!(texts(&pieces, false), ["And", "so,", "my", "fellow -", "Americans."]);
        assert_eq!(split(&pieces, false)[3].0, 4..7);
        let mut pieces = bytes(&["你好", "吗", "。"]);
        pieces.push("好".as_bytes()[..2].to_vec());
        pieces.push("好".as_bytes()[2..].to_vec());
        assert_eq!(texts(&pieces, true), ["你好", "吗。", "好"]);
    }

    #[test]
    fn without_attention_the_bytes_are_spread_over_the_speech() {
        let pieces = bytes(&[" one", " two", " three!!"]);
        assert_eq!(spread(&pieces, &[1000..2000, 5000..6000]), [50, 75, 100, 300]);
        assert_eq!(spread(&[], &[]), [0]);
    }

    #[test]
    fn warping_follows_the_diagonal_of_likeness() {
        let row =
            |from: usize, to: usize| (0..10).map(|at| if (from..to).contains(&at) { 1.0 } else { -1.0 }).collect::<Vec<f32>>();
        assert_eq!(warp(&[row(0, 3), row(3, 7), row(7, 10)]), [0, 3, 7]);
        assert_eq!(warp(&[]), Vec::<usize>::new());
    }

    #[test]
    fn a_word_does_not_reach_into_silence() {
        let speech = [100..500, 900..1500];
        assert_eq!(within(&speech, 0, 300), (100, 300));
        assert_eq!(within(&speech, 400, 1200), (900, 1200), "the region that it shares most with");
        assert_eq!(within(&speech, 600, 700), (600, 700));
        assert_eq!(within(&[], 600, 500), (600, 600));
    }

    #[test]
    fn the_median_drops_single_peaks() {
        let mut row = vec![0.0; 20];
        row[9] = 5.0;
        assert!(median(&row).iter().all(|value| value.abs() < f32::EPSILON));
        assert_eq!(median(&[1.0, 2.0]), [1.0, 2.0]);
    }

    #[test]
    fn likeness_is_highest_where_a_token_looks_and_others_do_not() {
        let look = |at: usize| (0..30).map(|position| if position / 10 == at { 5.0 } else { 0.0 }).collect::<Vec<f32>>();
        let found = likeness(vec![vec![look(0), look(1), look(2)]; 2]);
        assert_eq!(warp(&found), [0, 10, 20]);
    }
}
