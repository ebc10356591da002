//! Silence: spans whose level stays under −60 dBFS.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::super::hearing::HOP;

/// Mean square of −60 dBFS (a full-scale square wave is 0 dBFS).
const QUIET: f64 = 1e-6;
/// Shorter pauses are not silence.
pub(super) const MIN_MS: usize = 500;
const MIN_SAMPLES: usize = MIN_MS / 10 * HOP;

/// Follows the level in blocks of 10 ms.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Silence {
    energy: f64,
    filled: usize,
    /// The sample after the last whole block.
    heard: usize,
    quiet_since: Option<usize>,
}

impl Silence {
    /// Listens; silences that ended are appended to `spans`, in samples.
    pub(super) fn hear(&mut self, samples: &[f32], spans: &mut Vec<Range<usize>>) {
        for sample in samples {
            self.energy += f64::from(*sample) * f64::from(*sample);
            self.filled += 1;
            if self.filled == HOP {
                self.end_block(spans);
            }
        }
    }

    fn end_block(&mut self, spans: &mut Vec<Range<usize>>) {
        let quiet = self.energy / HOP as f64 <= QUIET;
        if quiet {
            self.quiet_since.get_or_insert(self.heard);
        } else if let Some(since) = self.quiet_since.take() {
            spans.extend(Some(since..self.heard).filter(|span| span.len() >= MIN_SAMPLES));
        }
        self.heard += HOP;
        (self.energy, self.filled) = (0.0, 0);
    }

    /// The silence that the sound ends with.
    pub(super) fn last(&self) -> Option<Range<usize>> {
        self.quiet_since.map(|since| since..self.heard).filter(|span| span.len() >= MIN_SAMPLES)
    }
}
