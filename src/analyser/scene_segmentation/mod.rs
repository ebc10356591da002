//! `scene_segmentation`: shots grouped into scenes by colours and by EfficientNet's vectors, and what the picture shows.
//!
//! Findings:
//! * `tag`, when the picture has visibly changed: `text` is the place that its things speak for (`street`, `kitchen`, `stage` …) or else the
//!   likeliest thing; `value` is `{place, classes: [{name, confidence}], method: "heuristic"}`; the model names things, the place is a rule over them.
//! * `scene`: a span; `text` is its commonest place, if any; `value` is `{index, shots, tags: [{tag, confidence}], setting, time_of_day, stats: {indoor, outdoor,
//!   sky, brightness, dark}, method: "heuristic"}`: `setting` is `indoor`, `outdoor` or null, `time_of_day` is `day`, `night` or null. `confidence` is how unlike the scene
//!   before it it is.
//!
//! Spans: the scenes, and each scene's tags over its length. Without EfficientNet scenes are grouped by colour only, and nothing is tagged.

mod group;
mod looks;
mod network;
mod places;
mod scene;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::looks::{Looks, common, shares};
use self::network::{Content, Network};
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, resize, small, span, state};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

const NAME: &str = "scene_segmentation";
const CUTS: &str = "cut_analysis";
const SAMPLING: Sampling = Sampling::Sampled { fps: 1.0 };
/// Pictures with at least so much in common are one entry.
const SAME: f32 = 0.85;
/// A picture with less in common with the one that was tagged last is tagged …
const CHANGED: f32 = 0.7;
/// … when that was at least so long ago.
const TAG_EVERY_MS: i64 = 2000;
/// Entries at most; after that the last one is drawn out.
const ENTRIES_MAX: usize = 20_000;

/// The analyser.
pub struct SceneSegmentation {
    sampling: Sampling,
}

impl SceneSegmentation {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        Ok(Box::new(Self { sampling: options.sampling(NAME, SAMPLING)? }))
    }
}

impl Analyser for SceneSegmentation {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            optional: &[network::MODEL],
            sampling: self.sampling,
            after: &[CUTS],
            limits: "Scenes are groups of shots that look alike, not places or acts. Tags come from 1000 things of ImageNet, among them no \
                     person and no place: places, indoor, outdoor, day and night are rules over things, colours and light, and often \
                     wrong or missing.",
        }
    }

    fn batches(&self) -> bool {
        true
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let network = if models.require(&[network::MODEL]).is_ok() { Some(Network::open(models)?) } else { None };
        Ok(Box::new(ScenePass { duration_ms: media.duration_ms, network, state: State::default() }))
    }
}

struct ScenePass {
    duration_ms: i64,
    network: Option<Network>,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    entries: Vec<Entry>,
    /// When a picture was tagged last, and its colours.
    tagged: Option<(i64, Vec<u8>)>,
    shots: Vec<Shot>,
}

/// Samples in a row that look the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Entry {
    start_ms: i64,
    end_ms: i64,
    looks: Looks,
    content: Option<Content>,
}

/// From the findings of `cut_analysis`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Shot {
    start_ms: i64,
    end_ms: i64,
}

impl Pass for ScenePass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let (mut seen, mut due) = (Vec::with_capacity(batch.len()), Vec::new());
        let mut tagged = self.state.tagged.clone();
        for frame in batch {
            resize::pixels(frame)?;
            let looks = Looks::of(&*small::thumb(frame)?);
            let is_due = self.network.is_some() && is_due(tagged.as_ref(), frame.time_ms, &looks);
            if is_due {
                tagged = Some((frame.time_ms, looks.colors.clone()));
                due.push(frame);
            }
            seen.push((frame, looks, is_due));
        }
        let contents = self.network.as_ref().map(|network| network.look(&due)).transpose()?;
        let mut contents = contents.unwrap_or_default().into_iter();
        for (frame, looks, is_due) in seen {
            let content = is_due.then(|| contents.next()).flatten();
            out.extend(content.as_ref().and_then(|content| tag(frame, content)));
            self.state.push(frame.time_ms, looks, content);
        }
        Ok(())
    }

    fn batch(&self) -> usize {
        self.network.as_ref().map_or(1, Network::batch)
    }

    fn findings(&mut self, analyser: &str, findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let shots = findings.iter().filter(|finding| analyser == CUTS && finding.label == "shot");
        self.state.shots.extend(shots.map(|finding| Shot { start_ms: finding.start_ms, end_ms: finding.end_ms }));
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&self.state)
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        self.state = state::restore(saved)?;
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        let State { entries, mut shots, .. } = self.state;
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(Summary::skipped("no frames"));
        };
        if shots.is_empty() {
            shots.push(Shot { start_ms: first.start_ms, end_ms: self.duration_ms.max(last.end_ms) });
        }
        shots.sort_by_key(|shot| (shot.start_ms, shot.end_ms));
        let (mut scenes, mut tags) = (Vec::new(), Vec::new());
        for (index, group) in group::scenes(&shots, &entries).into_iter().enumerate() {
            let (scene, more) = scene::told(index, &group, &shots, &entries);
            scenes.push(scene);
            tags.extend(more);
        }
        let spans = scenes.iter().chain(&tags).map(|finding| span::begin(NAME, finding)).collect();
        out.append(&mut scenes);
        Ok(Summary { spans: Some(span::strongest(spans)), ..Summary::done() })
    }
}

/// Whether the picture is worth a look of the model: it holds something, and has visibly changed since the one that was tagged last.
fn is_due(tagged: Option<&(i64, Vec<u8>)>, time_ms: i64, looks: &Looks) -> bool {
    let changed = tagged.is_none_or(|(tagged_ms, colors)| {
        time_ms.saturating_sub(*tagged_ms) >= TAG_EVERY_MS && common(&shares(colors), &shares(&looks.colors)) < CHANGED
    });
    changed && !looks.blank
}

impl State {
    fn push(&mut self, time_ms: i64, looks: Looks, content: Option<Content>) {
        if content.is_some() {
            self.tagged = Some((time_ms, looks.colors.clone()));
        }
        let full = self.entries.len() >= ENTRIES_MAX;
        let last = self.entries.last_mut();
        let same = last
            .filter(|last| full || (content.is_none() && common(&shares(&last.looks.colors), &shares(&looks.colors)) >= SAME));
        match same {
            Some(last) => last.end_ms = time_ms,
            None => self.entries.push(Entry { start_ms: time_ms, end_ms: time_ms, looks, content }),
        }
    }
}

fn tag(frame: &Frame, content: &Content) -> Option<Finding> {
    let (word, confidence) = content.place.clone().or_else(|| content.classes.first().cloned())?;
    let classes: Vec<_> =
        content.classes.iter().map(|(name, confidence)| json!({ "name": name, "confidence": confidence })).collect();
    Some(Finding {
        start_ms: frame.time_ms,
        end_ms: frame.time_ms,
        frame: Some(frame.index),
        label: "tag".into(),
        confidence,
        text: Some(word),
        value: Some(json!({ "place": content.place.as_ref().map(|place| &place.0), "classes": classes, "method": "heuristic" })),
        ..Finding::default()
    })
}
