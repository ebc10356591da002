//! Which language is spoken.

use serde::{Deserialize, Serialize};

/// A window decides the language of the sound when it is at least this sure.
const SURE: f32 = 0.5;
/// A later window is written in another language when it is at least this sure.
const VERY_SURE: f32 = 0.9;

/// The language of the sound so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Language {
    /// Place in the tokenizer's list.
    settled: Option<usize>,
}

impl Language {
    /// The language in which to write a window with these probabilities, and how sure it is of it.
    pub(super) fn of_window(&mut self, probabilities: &[f32]) -> Option<(usize, f32)> {
        let (best, probability) =
            probabilities.iter().copied().enumerate().reduce(|best, own| if own.1 > best.1 { own } else { best })?;
        match self.settled {
            None if probability >= SURE => self.settled = Some(best),
            Some(settled) if probability < VERY_SURE => return Some((settled, probabilities.get(settled).copied()?)),
            _ => {}
        }
        Some((best, probability))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sure_window_decides_until_another_is_very_sure() {
        let mut language = Language::default();
        assert_eq!(language.of_window(&[0.3, 0.4, 0.3]), Some((1, 0.4)), "unsure: its own best, for this window");
        assert_eq!(language.of_window(&[0.8, 0.1, 0.1]), Some((0, 0.8)));
        assert_eq!(language.of_window(&[0.2, 0.7, 0.1]), Some((0, 0.2)));
        assert_eq!(language.of_window(&[0.02, 0.95, 0.03]), Some((1, 0.95)));
        assert_eq!(language.of_window(&[0.4, 0.4, 0.2]), Some((0, 0.4)));
        assert_eq!(language.of_window(&[]), None);
    }
}
