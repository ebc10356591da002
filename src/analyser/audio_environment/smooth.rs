//! From probabilities every 100 ms to spans that do not flicker: the most likely path when every change of class costs (Viterbi), decided
//! some seconds later, so that a live stream has its answer too.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// speech, music, noise, silence.
pub(super) const CLASSES: usize = 4;
/// Steps after which a class is decided: 5 s.
const LAG: usize = 50;
/// What a change costs: ln 10^80 for every 20 ms in inaSpeechSegmenter, whose evidence comes five times as often.
const CHANGE: f64 = 80.0 * std::f64::consts::LN_10 / 5.0;
/// Least probability: one step cannot decide.
const LEAST: f64 = 1e-7;

/// The path so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Path {
    scores: [f64; CLASSES],
    /// For every undecided step but the first, and every class: the best class before.
    before: VecDeque<[usize; CLASSES]>,
    begun: bool,
}

impl Path {
    /// Takes the next step; answers the class of the oldest undecided one once it lies [`LAG`] steps back.
    pub(super) fn push(&mut self, probabilities: [f64; CLASSES]) -> Option<usize> {
        let evidence = probabilities.map(|probability| probability.max(LEAST).ln());
        if !self.begun {
            (self.scores, self.begun) = (evidence, true);
            return None;
        }
        let best = top(&self.scores);
        let mut before = [best; CLASSES];
        let mut scores = evidence;
        for (class, score) in scores.iter_mut().enumerate() {
            let stay = self.scores[class];
            if stay >= self.scores[best] - CHANGE {
                before[class] = class;
            }
            *score += stay.max(self.scores[best] - CHANGE);
        }
        // Only differences count; sums would lose their digits over hours.
        let highest = scores[top(&scores)];
        self.scores = scores.map(|score| score - highest);
        self.before.push_back(before);
        if self.before.len() < LAG {
            return None;
        }
        let oldest = self.trace().next_back();
        self.before.pop_front();
        oldest
    }

    /// The classes of all undecided steps, the oldest first.
    pub(super) fn finish(&mut self) -> Vec<usize> {
        if !std::mem::take(&mut self.begun) {
            return Vec::new();
        }
        let mut classes: Vec<usize> = self.trace().collect();
        classes.reverse();
        self.before.clear();
        classes
    }

    /// From the latest step back to the oldest.
    fn trace(&self) -> impl DoubleEndedIterator<Item = usize> {
        let mut class = top(&self.scores);
        let mut classes = vec![class];
        for before in self.before.iter().rev() {
            class = before[class];
            classes.push(class);
        }
        classes.into_iter()
    }
}

fn top(scores: &[f64; CLASSES]) -> usize {
    (1..CLASSES).fold(0, |best, class| if scores[class] > scores[best] { class } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smooth(steps: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let (mut path, mut found) = (Path::default(), Vec::new());
        for class in steps {
            let mut probabilities = [0.001; CLASSES];
            probabilities[class] = 0.997;
            found.extend(path.push(probabilities));
        }
        found.extend(path.finish());
        found
    }

    #[test]
    fn every_step_gets_a_class_and_flickers_go() {
        let mut steps = vec![0; 200];
        steps.extend(vec![1; 100]);
        let expected = steps.clone();
        for at in [20, 21, 90, 250] {
            steps[at] = 2;
        }
        assert_eq!(smooth(steps), expected);
        assert_eq!(smooth(vec![3; 5]), [3; 5]);
        assert_eq!(smooth([]), [0; 0]);
    }

    #[test]
    fn what_lasts_is_followed_at_its_first_step() {
        let steps = [vec![3; 30], vec![0; 12], vec![3; 100]].concat();
        assert_eq!(smooth(steps.clone()), steps);
    }
}
