//! Shots into scenes: shots that look alike and are near each other belong together, with all that lies between them (overlapping
//! links, after Hanjalic, Lagendijk and Biemond 1999).

use super::looks::{common, shares};
use super::network::cosine;
use super::{Entry, Shot};

/// A shot is compared with so many that follow.
const AHEAD: usize = 5;
/// … when they begin at most so much later.
const AHEAD_MS: i64 = 90_000;
/// From this likeness on two shots are of one scene.
const ALIKE: f32 = 0.6;

/// How a shot looks in the mean.
struct Look {
    start_ms: i64,
    colors: Vec<f32>,
    vector: Vec<f32>,
}

/// Consecutive shots, with how unlike the scene before it it is, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) shots: std::ops::Range<usize>,
    pub(super) unlike: f32,
}

/// The scenes of these shots, in order; both lists are in order of time.
pub(super) fn scenes(shots: &[Shot], entries: &[Entry]) -> Vec<Group> {
    let looks: Vec<Look> = shots.iter().map(|shot| look(*shot, entries)).collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut first = 0;
    while first < looks.len() {
        let (mut last, mut at) = (first, first);
        while at <= last {
            let reach = |from: usize| (from + 1..looks.len().min(from + 1 + AHEAD)).rev().find(|to| linked(&looks, from, *to));
            last = last.max(reach(at).unwrap_or(at));
            at += 1;
        }
        groups.push(Group { shots: first..last + 1, unlike: unlike(&looks, first) });
        first = last + 1;
    }
    groups
}

fn linked(looks: &[Look], one: usize, other: usize) -> bool {
    let (Some(one), Some(other)) = (looks.get(one), looks.get(other)) else { return false };
    other.start_ms - one.start_ms <= AHEAD_MS && likeness(one, other) >= ALIKE
}

/// Colours in common; where both have a vector, its cosine counts as much.
fn likeness(one: &Look, other: &Look) -> f32 {
    let colors = common(&one.colors, &other.colors);
    if one.vector.is_empty() || other.vector.is_empty() {
        colors
    } else {
        f32::midpoint(colors, cosine(&one.vector, &other.vector).max(0.0))
    }
}

fn unlike(looks: &[Look], first: usize) -> f32 {
    let before = looks.iter().take(first).skip(first.saturating_sub(AHEAD));
    let after = || looks.iter().skip(first).take(AHEAD);
    let most = before.flat_map(|one| after().map(move |other| likeness(one, other))).fold(0.0, f32::max);
    (1.0 - most).clamp(0.0, 1.0)
}

fn look(shot: Shot, entries: &[Entry]) -> Look {
    let (mut colors, mut vector) = (Vec::new(), Vec::new());
    for (entry, weight) in during(shot, entries) {
        add(&mut colors, &shares(&entry.looks.colors), weight);
        if let Some(content) = &entry.content {
            let parts: Vec<f32> = content.vector.iter().map(|part| f32::from(*part)).collect();
            add(&mut vector, &parts, weight);
        }
    }
    let total: f32 = during(shot, entries).map(|(_, weight)| weight).sum();
    for share in &mut colors {
        *share /= total.max(f32::MIN_POSITIVE);
    }
    Look { start_ms: shot.start_ms, colors, vector }
}

fn add(sums: &mut Vec<f32>, parts: &[f32], weight: f32) {
    sums.resize(sums.len().max(parts.len()), 0.0);
    sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part * weight);
}

/// The entries that were seen during a shot, with how many of its milliseconds (at least one); where there was no sample in it, the
/// last one before.
pub(super) fn during(shot: Shot, entries: &[Entry]) -> impl Iterator<Item = (&Entry, f32)> {
    let from = entries.partition_point(|entry| entry.end_ms < shot.start_ms);
    let to = entries.partition_point(|entry| entry.start_ms < shot.end_ms).max(from);
    let inside = entries.get(from..to).filter(|inside| !inside.is_empty());
    let inside = inside.or_else(|| entries.get(from.saturating_sub(1)..from)).unwrap_or_default();
    inside.iter().map(move |entry| (entry, (entry.end_ms.min(shot.end_ms) - entry.start_ms.max(shot.start_ms)).max(1) as f32))
}

#[cfg(test)]
mod tests {
    use super::super::looks::Looks;
    use super::*;

    /// A film of shots of two seconds, each of one of several colour sets, with one entry each.
    fn film(kinds: &[u8]) -> (Vec<Shot>, Vec<Entry>) {
        let shot = |at: usize| Shot { start_ms: at as i64 * 2000, end_ms: at as i64 * 2000 + 2000 };
        let entry = |(at, kind): (usize, &u8)| {
            let mut colors = vec![0; 128];
            colors[usize::from(*kind) * 3] = 150;
            colors[usize::from(*kind) * 3 + 1] = 105;
            let looks = Looks { colors, ..Looks::default() };
            Entry { start_ms: at as i64 * 2000, end_ms: at as i64 * 2000 + 1000, looks, ..Entry::default() }
        };
        ((0..kinds.len()).map(shot).collect(), kinds.iter().enumerate().map(entry).collect())
    }

    fn ranges(kinds: &[u8]) -> Vec<std::ops::Range<usize>> {
        let (shots, entries) = film(kinds);
        scenes(&shots, &entries).into_iter().map(|group| group.shots).collect()
    }

    #[test]
    fn a_dialogue_is_one_scene() {
        assert_eq!(ranges(&[1, 2, 1, 2, 1, 5, 6, 5]), [0..5, 5..8]);
    }

    #[test]
    fn what_comes_back_much_later_is_another_scene() {
        assert_eq!(ranges(&[1, 2, 3, 4, 5, 6, 7, 1]), (0..8).map(|at| at..at + 1).collect::<Vec<_>>());
        assert!(ranges(&[]).is_empty());
        assert_eq!(ranges(&[3]), [0..1]);
    }

    #[test]
    fn a_shot_without_a_sample_looks_like_what_was_seen_last() {
        let (mut shots, entries) = film(&[1, 2]);
        shots.insert(1, Shot { start_ms: 1500, end_ms: 1900 });
        shots[0].end_ms = 1500;
        assert_eq!(scenes(&shots, &entries).iter().map(|group| group.shots.clone()).collect::<Vec<_>>(), [0..2, 2..3]);
        assert_eq!(scenes(&shots, &[]).len(), 1, "nothing was seen, so nothing differs");
    }
}
