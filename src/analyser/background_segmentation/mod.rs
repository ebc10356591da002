//! `background_segmentation`: what of the picture is people in the front, and what is behind them.
//!
//! Findings: one per sample, label `foreground`, by MediaPipe's selfie model; `confidence` is the mean probability inside the mask, the box is that
//! of the mask; `value` is `{share, centroid, mask}`. `share` is the part of the picture, 0 to 1; `centroid` is `[x, y]` in source pixels, null
//! with an empty mask; `mask` is `{width, height, bits}`, see [`mask::Mask::value`]. With the option `isnet` also label `subject`: the same for
//! whatever stands out (an animal, a thing), by ISNet, on one key frame per scene; its `value` has `"method": "isnet"` too.
//! Spans: `foreground` while at least 1 % of the picture is, with `value` `{share}`, the mean of its samples; and every `subject`.
//!
//! A scene begins where the picture differs from the sample before by 24 levels of brightness on average. ISNet takes seconds for a frame, so
//! it is switched off by default, looks at no two frames that are less than ten seconds apart, and at no more than 20 of a video.
//!
//! Where nothing in the picture changed since the last sample, its mask stands.

mod isnet;
mod mask;
mod selfie;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::isnet::{Isnet, Scenes};
use self::mask::Mask;
use self::selfie::Selfie;
use super::region::Region;
use super::resize::Shown;
use super::round::round;
use super::thumbnail::Thumbnail;
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, span, state};
use crate::infer::Models;
use crate::model::{AnalyserResult, AnalyserStatus, Finding, MediaInfo, Span};

const NAME: &str = "background_segmentation";
const SAMPLING: Sampling = Sampling::Sampled { fps: 1.0 };
/// A smaller share of the picture is nobody in the front.
const SHARE_MIN: f32 = 0.01;

/// The analyser.
pub struct BackgroundSegmentation {
    sampling: Sampling,
    settings: Settings,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    isnet: bool,
}

impl BackgroundSegmentation {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        let mut own = options.own(NAME);
        Ok(Box::new(Self { sampling: own.sampling(SAMPLING)?, settings: own.rest()? }))
    }
}

impl Analyser for BackgroundSegmentation {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &["selfie"],
            optional: if self.settings.isnet { &[isnet::MODEL] } else { &[] },
            sampling: self.sampling,
            after: &[],
            limits: "Made for one to a few people near the camera: far and cut off people are missed, statues and cartoon figures may count as \
                     people, edges are rough. One mask for all together; the background is not told apart into things.",
        }
    }

    fn parameters(&self) -> String {
        if self.settings.isnet { "isnet".to_owned() } else { String::new() }
    }

    fn batches(&self) -> bool {
        true
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let isnet = if self.settings.isnet && models.has(isnet::MODEL) { Some(Isnet::open(models)?) } else { None };
        Ok(Box::new(MaskPass {
            selfie: Selfie::open(models)?,
            missing: self.settings.isnet && isnet.is_none(),
            isnet,
            shown: Shown::of(media),
            gap_ms: span::gap_ms(self.sampling, media),
            state: State::default(),
        }))
    }
}

struct MaskPass {
    selfie: Selfie,
    isnet: Option<Isnet>,
    /// ISNet is wanted and not here.
    missing: bool,
    shown: Shown,
    gap_ms: i64,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    samples: u64,
    last: Option<(Thumbnail, Mask)>,
    scenes: Scenes,
    open: Option<(Span, f32)>,
    spans: Vec<Span>,
}

impl Pass for MaskPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let thumbnails = batch.iter().map(thumbnail).collect::<anyhow::Result<Vec<_>>>()?;
        let mut looked = self.look(batch, &thumbnails)?.into_iter();
        for (frame, thumbnail) in batch.iter().zip(&thumbnails) {
            self.state.samples += 1;
            out.extend(self.subject(frame, thumbnail)?);
            // A picture that is like the last one that was looked at has its mask.
            if !self.state.last.as_ref().is_some_and(|(last, _)| last.is_like(thumbnail)) {
                self.state.last = looked.next().map(|mask| (thumbnail.clone(), mask));
            }
            let Some((_, mask)) = &self.state.last else { continue };
            let (finding, share) = (mask.finding("foreground", frame, self.shown), mask.share());
            self.follow(&finding, share);
            out.push(finding);
        }
        Ok(())
    }

    fn batch(&self) -> usize {
        self.selfie.batch()
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&self.state)
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        self.state = state::restore(saved)?;
        Ok(())
    }

    fn finish(mut self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.state.samples == 0 {
            return Ok(Summary::skipped("no frames"));
        }
        self.close();
        let summary = Summary { spans: Some(span::strongest(self.state.spans)), ..Summary::done() };
        if !self.missing {
            return Ok(summary);
        }
        let reason = Some("the model `isnet` is not here: no subjects".to_owned());
        Ok(Summary { status: AnalyserStatus::Degraded, reason, ..summary })
    }
}

fn thumbnail(frame: &Frame) -> anyhow::Result<Thumbnail> {
    let size = [frame.width as f32, frame.height as f32];
    Thumbnail::of(&Region { centre: size.map(|side| side / 2.0), size, roll: 0.0 }, frame)
}

impl MaskPass {
    /// The masks of those pictures that are unlike the one that was looked at before them.
    fn look(&self, batch: &[Frame], thumbnails: &[Thumbnail]) -> anyhow::Result<Vec<Mask>> {
        let mut last = self.state.last.as_ref().map(|(last, _)| last);
        let mut unlike = Vec::new();
        for (frame, thumbnail) in batch.iter().zip(thumbnails) {
            if !last.is_some_and(|last| last.is_like(thumbnail)) {
                unlike.push(frame);
                last = Some(thumbnail);
            }
        }
        self.selfie.look(&unlike)
    }

    /// What stands out, where a scene begins.
    fn subject(&mut self, frame: &Frame, thumbnail: &Thumbnail) -> anyhow::Result<Option<Finding>> {
        let Some(isnet) = &self.isnet else { return Ok(None) };
        if !self.state.scenes.is_key(frame.time_ms, thumbnail) {
            return Ok(None);
        }
        let mut finding = isnet.look(frame)?.finding("subject", frame, self.shown);
        if let Some(value) = &mut finding.value {
            value["method"] = json!("isnet");
        }
        self.state.spans.push(span::begin(NAME, &finding));
        Ok(Some(finding))
    }

    /// Takes a sample into the span that is open, or ends it.
    fn follow(&mut self, finding: &Finding, share: f32) {
        let gap_ms = self.gap_ms;
        let touches = |(span, _): &(Span, f32)| finding.start_ms - span.finding.end_ms <= gap_ms;
        if share < SHARE_MIN || !self.state.open.as_ref().is_some_and(touches) {
            self.close();
        }
        if share < SHARE_MIN {
            return;
        }
        match &mut self.state.open {
            Some((span, sum)) => {
                span::extend(span, finding);
                *sum += share;
            }
            None => self.state.open = Some((span::begin(NAME, finding), share)),
        }
    }

    fn close(&mut self) {
        let Some((mut span, sum)) = self.state.open.take() else { return };
        span.finding.value = Some(json!({ "share": round(sum / span.count.max(1) as f32, 3) }));
        self.state.spans.push(span);
        if self.state.spans.len() > 4 * AnalyserResult::SPANS_MAX {
            self.state.spans = span::strongest(std::mem::take(&mut self.state.spans));
        }
    }
}
