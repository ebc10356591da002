//! Fades through black, from the mean brightness of each frame (after the threshold detector of PySceneDetect, BSD-3-Clause).

use serde::{Deserialize, Serialize};

/// A frame is black when the mean of its RGB bytes is below this.
const BLACK: f32 = 12.0;

/// A black span with a picture after it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Fade {
    /// First black frame and its time.
    pub(super) first: (u64, i64),
    /// First frame with a picture again and its time.
    pub(super) end: (u64, i64),
    /// The least mean brightness in the span, 0 to 255.
    pub(super) darkest: f32,
}

impl Fade {
    /// The frame in the middle of the black span.
    pub(super) fn frame(self) -> u64 {
        u64::midpoint(self.first.0, self.end.0)
    }

    /// The time in the middle of the black span.
    pub(super) fn time_ms(self) -> i64 {
        i64::midpoint(self.first.1, self.end.1)
    }

    /// 1 for full black, towards 0 for a span that is only dim.
    pub(super) fn confidence(self) -> f32 {
        (1.0 - self.darkest / BLACK).clamp(0.0, 1.0)
    }

    /// Whether a cut at this frame lies in the span or at one of its ends.
    pub(super) fn touches(self, frame: u64) -> bool {
        (self.first.0..=self.end.0).contains(&frame)
    }
}

/// Follows the brightness of a video.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Fades {
    black: Option<Fade>,
    found: Vec<Fade>,
}

impl Fades {
    /// Takes the next frame's mean brightness, 0 to 255.
    pub(super) fn push(&mut self, frame: u64, time_ms: i64, brightness: f32) {
        if brightness < BLACK {
            let at = (frame, time_ms);
            let span = self.black.get_or_insert(Fade { first: at, end: at, darkest: brightness });
            span.darkest = span.darkest.min(brightness);
            return;
        }
        if let Some(span) = self.black.take() {
            self.found.push(Fade { end: (frame, time_ms), ..span });
        }
    }

    /// The fades, in order. Black until the end is the video's end, not a fade.
    pub(super) fn finish(self) -> Vec<Fade> {
        self.found
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use super::*;

    fn fades_of(brightness: &[f32]) -> Vec<Fade> {
        let mut fades = Fades::default();
        for (frame, &mean) in brightness.iter().enumerate() {
            fades.push(frame as u64, frame as i64 * 40, mean);
        }
        fades.finish()
    }

    #[test]
    fn lies_in_the_middle_of_the_black_span() {
        let found = fades_of(&[80.0, 40.0, 6.0, 0.0, 0.0, 6.0, 40.0, 80.0]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].frame(), found[0].time_ms()), (4, 160));
        assert_eq!(found[0].confidence(), 1.0);
        assert!(found[0].touches(2) && found[0].touches(6) && !found[0].touches(1) && !found[0].touches(7));
    }

    #[test]
    fn black_at_the_beginning_counts_and_at_the_end_does_not() {
        assert_eq!(
            fades_of(&[0.0, 0.0, 0.0, 0.0, 90.0, 90.0, 0.0, 0.0]).iter().map(|fade| fade.frame()).collect::<Vec<_>>(),
            [2]
        );
        assert_eq!(fades_of(&[0.0; 9]), []);
    }

    #[test]
    fn a_dim_span_is_less_certain() {
        let found = fades_of(&[90.0, 9.0, 90.0]);
        assert!((found[0].confidence() - 0.25).abs() < 1e-6);
    }
}
