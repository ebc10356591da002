//! Frames of sound: windows of a fixed length at fixed steps, wherever the pieces were cut.

use serde::{Deserialize, Serialize};

/// Cuts sound into frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::analyser) struct Frames {
    window: usize,
    hop: usize,
    pending: Vec<f32>,
}

impl Frames {
    /// Frames of `window` samples, one every `hop`, which is at most `window`. Frame `n` begins at sample `n × hop`.
    pub(in crate::analyser) fn new(window: usize, hop: usize) -> Self {
        debug_assert!(hop > 0 && hop <= window, "frames that leave sound out");
        Self { window, hop, pending: Vec::new() }
    }

    /// As [`Frames::new`], with half a window of silence before the sound: frame `n` lies around sample `n × hop`.
    pub(in crate::analyser) fn centred(window: usize, hop: usize) -> Self {
        Self { pending: vec![0.0; window / 2], ..Self::new(window, hop) }
    }

    /// Gives every frame that the sound so far fills.
    ///
    /// # Errors
    /// What `take` answers.
    pub(in crate::analyser) fn cut(
        &mut self,
        samples: &[f32],
        mut take: impl FnMut(&[f32]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.pending.extend_from_slice(samples);
        let mut from = 0;
        while let Some(frame) = self.pending.get(from..from + self.window) {
            take(frame)?;
            from += self.hop;
        }
        self.pending.drain(..from);
        Ok(())
    }

    /// What no frame has begun after: samples since the begin of the next frame.
    pub(in crate::analyser) fn rest(&self) -> &[f32] {
        &self.pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_the_same_whatever_the_pieces() {
        let sound: Vec<f32> = (0..1000_u16).map(f32::from).collect();
        let cut = |size: usize| {
            let (mut frames, mut found) = (Frames::new(30, 7), Vec::new());
            for piece in sound.chunks(size) {
                frames
                    .cut(piece, |frame| {
                        found.push((frame[0], frame.len()));
                        Ok(())
                    })
                    .unwrap();
            }
            (found, frames)
        };
        let whole = cut(1000);
        assert_eq!(whole.0.len(), (1000 - 30) / 7 + 1);
        assert_eq!(whole.0[3], (21.0, 30));
        for size in [1, 6, 7, 29, 31, 400] {
            assert_eq!(cut(size), whole, "pieces of {size}");
        }
    }

    #[test]
    fn centred_frames_begin_with_half_a_window_of_silence() {
        let (mut frames, mut found) = (Frames::centred(4, 2), Vec::new());
        frames
            .cut(&[1.0, 2.0, 3.0, 4.0], |frame| {
                found.push(frame.to_vec());
                Ok(())
            })
            .unwrap();
        assert_eq!(found, [[0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0]]);
        assert_eq!(frames.rest(), [3.0, 4.0]);
    }
}
