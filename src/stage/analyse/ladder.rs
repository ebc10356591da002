//! What is tried when the process of an analyser died, before its result is a failure.
//!
//! The first rung is the round of its own that every analyser of a dead process gets: in a new process, where no other model and nothing
//! else takes memory, and with one picture at a time. What died of too much memory even there gets half of its samples, then the
//! model that it can do with. What crashed or hung twice is the medium's fault: it is quarantined.

use serde::{Deserialize, Serialize};

use crate::analyser::{Analyser, Sampling};

/// With how much less an analyser runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ease {
    /// One picture at a time, whatever is cheapest.
    pub single: bool,
    /// Half of the samples.
    pub half: bool,
    /// [`Analyser::fallback`].
    pub fallback: bool,
}

/// An analyser of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// With how much less it runs.
    #[serde(default)]
    pub ease: Ease,
}

/// Begins the reason of a process that took too much memory.
pub const OVER_MEMORY: &str = "over_memory: ";

impl Ease {
    /// The next rung for `analyser`, whose process died by itself because of `why`; and what it is in words. None when there is no other.
    pub(super) fn next(self, analyser: &dyn Analyser, why: &str) -> Option<(Self, String)> {
        if !why.contains(OVER_MEMORY) {
            return None;
        }
        let sampled = matches!(analyser.spec().sampling, Sampling::Sampled { .. } | Sampling::Detail { .. });
        if sampled && !self.half {
            return Some((Self { half: true, ..self }, "half of the samples".to_owned()));
        }
        let fallback = analyser.fallback().filter(|_| !self.fallback)?;
        Some((Self { fallback: true, ..self }, format!("with {} instead", fallback.spec().models.join(", "))))
    }

    /// What the result lacks, in words; none when it is as good as any.
    pub(super) fn lacks(self) -> Option<&'static str> {
        // One picture at a time gives what many at a time do.
        match (self.half, self.fallback) {
            (_, true) => Some("a smaller model looked"),
            (true, false) => Some("half of the samples were looked at"),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::analyser::{Pass, Spec};
    use crate::infer::Models;
    use crate::model::MediaInfo;

    struct Odd(Sampling, bool);

    impl Analyser for Odd {
        fn spec(&self) -> Spec {
            let models = if self.1 { &["large"] } else { &["small"] };
            Spec { name: "odd", version: 1, models, optional: &[], sampling: self.0, after: &[], limits: "" }
        }

        fn fallback(&self) -> Option<Box<dyn Analyser>> {
            self.1.then(|| Box::new(Self(self.0, false)) as _)
        }

        fn begin(&self, _media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
            anyhow::bail!("not here")
        }
    }

    fn rungs(analyser: &Odd, why: &str) -> Vec<String> {
        let (mut ease, mut rungs) = (Ease::default(), Vec::new());
        while let Some((next, words)) = ease.next(analyser, why) {
            ease = next;
            rungs.push(words);
        }
        rungs
    }

    #[test]
    fn memory_is_saved_step_by_step_and_a_crash_is_not_tried_again() {
        let sampled = Odd(Sampling::Sampled { fps: 1.0 }, true);
        assert_eq!(rungs(&sampled, "over_memory: 5 bytes"), ["half of the samples", "with small instead"]);
        assert_eq!(rungs(&sampled, "the pool process ended: signal 11"), [""; 0]);
        assert_eq!(rungs(&Odd(Sampling::Audio, true), "over_memory: 5 bytes"), ["with small instead"]);
        assert_eq!(rungs(&Odd(Sampling::EveryFrame, false), "over_memory: 5 bytes"), [""; 0]);
    }
}
