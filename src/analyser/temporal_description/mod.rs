//! `temporal_description`: what happens when, in sentences. They are composed from what the other analysers found, or, where a vision endpoint is
//! configured (a model such as Qwen2-VL behind vLLM, llama.cpp or Ollama), written by a model that looks at key frames. Every finding says which:
//! `method`.
//!
//! Composed: `description`, each also a span, one per scene (or per half minute, where there are no scenes); `text` is the sentences, `value` is
//! `{method: "composed", from: [analyser]}`, `confidence` the mean confidence of what it was composed from. At most [`PARTS_MAX`] of them: shorter
//! scenes are put together. Where a model should have described it, `value` has `without_model` too: why it did not.
//!
//! By a model: `description`, each also a span, one per segment of the medium; `value` is `{method: "model", model, endpoint_host, external,
//! frames, events: [{at_ms, text}], confidence: "unknown", limits}`. `external` is whether the pictures left for an address that is neither
//! loopback nor private; `frames` is how many the model was shown. And `event`, one for each of these events at its time, with `value` `{method:
//! "model", confidence: "unknown", limits}`. A model states no confidence: `confidence` is 0.5 and means nothing.
//!
//! What the endpoint does not answer in the agreed form is asked again; then the segment is composed, and the result is `degraded`. The requests
//! are made in [`Pass::rest`], see `docs/adr/0005-a-vision-endpoint.md`. They were tested against a server in the tests that speaks the same form, not
//! against vLLM, llama.cpp or Ollama themselves.

mod answer;
mod asking;
mod compose;
mod frames;
mod gather;
mod settings;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::asking::{Asker, Asking, PAUSE_MAX};
use self::frames::{Cut, KeyFrames};
use self::gather::Gathered;
use self::settings::Settings;
use super::{Analyser, Frame, Options, Pass, Rest, Sampling, Spec, Summary, span, state};
use crate::infer::Models;
use crate::model::{AnalyserStatus, Finding, MediaInfo};

const NAME: &str = "temporal_description";
/// Descriptions of one medium.
const PARTS_MAX: usize = 200;
/// Two a second, as `object_detection` has them decoded anyway: a medium of eight seconds still gives sixteen key frames.
const LOOKING: Sampling = Sampling::Sampled { fps: 2.0 };
/// Beyond timeout and pause: reading the key, making the request.
const MARGIN: Duration = Duration::from_secs(5);

/// Begins the reason of a result that a vision endpoint had no part in although it should have: it is tried again.
pub const UNANSWERED: &str = "without the vision endpoint: ";

/// The analyser.
pub struct TemporalDescription {
    asker: Option<Arc<Asker>>,
}

impl TemporalDescription {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        let settings: Settings = options.of(NAME)?;
        settings.check()?;
        let asker = settings.endpoint()?.map(|endpoint| {
            let (host, address) = (endpoint.host(), endpoint.address().to_owned());
            Arc::new(Asker { settings, host, address, vision: Arc::new(endpoint) })
        });
        Ok(Box::new(Self { asker }))
    }
}

impl Analyser for TemporalDescription {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            optional: &[],
            sampling: if self.asker.is_some() { LOOKING } else { Sampling::Findings },
            after: &[
                "audio_environment",
                "camera_analysis",
                "object_detection",
                "scene_segmentation",
                "speech_transcription",
                "text_overlay",
            ],
            limits: if self.asker.is_some() {
                "Where `method` is `model`, a vision model that the configuration names wrote the text after some still frames: it may be wrong, \
                 tell of what is not there, miss what happens between the frames, and give wrong times; it was not measured here. Where it is \
                 `composed`, the text repeats the errors of other analysers."
            } else {
                "Composed from the findings of other analysers by fixed rules: it repeats their errors, and says nothing of what none of \
                 them looks for, such as who does what to whom. No model that understands film wrote it."
            },
        }
    }

    fn parameters(&self) -> String {
        self.asker.as_ref().map_or_else(String::new, |asker| asker.settings.parameters(&asker.address))
    }

    fn silence(&self) -> Option<Duration> {
        self.asker.as_ref().map(|asker| asker.settings.timeout + PAUSE_MAX + MARGIN)
    }

    fn begin(&self, media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(DescriptionPass::new(self.asker.clone(), media.duration_ms)))
    }
}

struct DescriptionPass {
    asker: Option<Arc<Asker>>,
    duration_ms: i64,
    cut: Cut,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    gathered: Gathered,
    keys: KeyFrames,
    asking: Asking,
}

impl DescriptionPass {
    fn new(asker: Option<Arc<Asker>>, duration_ms: i64) -> Self {
        let defaults = Settings::default();
        let settings = asker.as_ref().map_or(&defaults, |asker| &asker.settings);
        let cut = Cut::of(duration_ms, settings.segment.as_millis() as i64, settings.frames, settings.max_segments);
        Self { asker, duration_ms, cut, state: State::default() }
    }

    fn ask(&mut self) -> Rest {
        let Some(asker) = &self.asker else { return Rest::None };
        self.state.asking.step(asker, &self.cut, &mut self.state.keys)
    }

    /// As if there were no endpoint.
    fn composed(&self) -> Vec<Finding> {
        compose::describe(&self.state.gathered, self.duration_ms, PARTS_MAX)
    }
}

impl Pass for DescriptionPass {
    fn frames(&mut self, batch: &[Frame], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        batch.iter().try_for_each(|frame| self.state.keys.take(&self.cut, frame))
    }

    fn findings(&mut self, analyser: &str, findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for finding in findings {
            self.state.gathered.take(analyser, finding);
        }
        Ok(())
    }

    fn rest(&mut self, _out: &mut Vec<Finding>) -> anyhow::Result<Rest> {
        Ok(self.ask())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&self.state)
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        self.state = state::restore(saved)?;
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        while self.ask() == Rest::More {}
        let asked = self.asker.as_ref().filter(|_| self.state.asking.had_pictures());
        let (mut found, mut reason) = (Vec::new(), None);
        if let Some(asker) = asked {
            found = tell::described(asker, &self.cut, &self.state);
            reason = tell::lacks(&self.state.asking, &self.cut);
        }
        if !self.state.asking.said_anything() {
            found = self.composed();
            tell::note_why(&mut found, reason.as_deref());
        }
        if found.is_empty() {
            let nothing = "no other analyser found anything to tell of";
            return Ok(Summary::skipped(&reason.map_or_else(|| nothing.to_owned(), |reason| format!("{reason}; and {nothing}"))));
        }
        let descriptions = found.iter().filter(|finding| finding.label == "description");
        let spans = descriptions.map(|finding| span::begin(NAME, finding)).collect();
        out.extend(found);
        let status = if reason.is_some() { AnalyserStatus::Degraded } else { AnalyserStatus::Done };
        Ok(Summary { status, reason, spans: Some(spans) })
    }
}

#[cfg(test)]
mod tests;
