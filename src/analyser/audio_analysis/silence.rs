//! Silence: spans whose level stays under −60 dBFS.

use std::ops::Range;

use super::HOP;

/// Mean square of −60 dBFS (a full-scale square wave is 0 dBFS).
const QUIET: f64 = 1e-6;
/// Shorter pauses are not silence.
pub(super) const MIN_MS: usize = 500;
const MIN_BLOCKS: usize = MIN_MS / 10;
/// A sound with more silences than this keeps the first ones.
const SPANS_MAX: usize = 10_000;

/// Follows the level in blocks of 10 ms.
#[derive(Default)]
pub(super) struct Silence {
    energy: f64,
    filled: usize,
    blocks: usize,
    quiet_since: Option<usize>,
    spans: Vec<Range<usize>>,
}

impl Silence {
    pub(super) fn hear(&mut self, samples: &[f32]) {
        for sample in samples {
            self.energy += f64::from(*sample) * f64::from(*sample);
            self.filled += 1;
            if self.filled == HOP {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        let quiet = self.energy / HOP as f64 <= QUIET;
        match (quiet, self.quiet_since) {
            (true, None) => self.quiet_since = Some(self.blocks),
            (false, Some(since)) => {
                self.keep(since..self.blocks);
                self.quiet_since = None;
            }
            _ => {}
        }
        self.blocks += 1;
        self.energy = 0.0;
        self.filled = 0;
    }

    fn keep(&mut self, span: Range<usize>) {
        if span.len() >= MIN_BLOCKS && self.spans.len() < SPANS_MAX {
            self.spans.push(span);
        }
    }

    /// Every silence so far, in blocks, the open one included.
    pub(super) fn spans(&mut self) -> Vec<Range<usize>> {
        if let Some(since) = self.quiet_since.take() {
            self.keep(since..self.blocks);
        }
        self.spans.clone()
    }
}
