//! Where there is speech: silero VAD and the rules of its reference (`get_speech_timestamps` of silero-vad 6.2.3), step by step.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::analyser::hearing::MILLISECOND;
use crate::infer::{Models, Session, Tensor};

/// The model's name in the registry.
pub const MODEL: &str = "silero_vad";
/// Samples that the model hears at a time: 32 ms.
const WINDOW: usize = 512;
/// Samples before the window that it hears again.
const CONTEXT: usize = 64;
const STATE_SHAPE: [usize; 3] = [2, 1, 128];

const THRESHOLD: f32 = 0.5;
const END_THRESHOLD: f32 = 0.35;
const MIN_SPEECH: usize = 250 * MILLISECOND;
const MIN_SILENCE: usize = 100 * MILLISECOND;
const PAD: usize = 30 * MILLISECOND;
/// A pause of this length may cut a region that grew too long.
const MIN_PAUSE: usize = 98 * MILLISECOND;
/// The longest region: one window of Whisper with some context on both sides.
const MAX_SPEECH: usize = 28_000 * MILLISECOND - WINDOW - 2 * PAD;

/// Listens in windows and gives out regions of speech, in samples from the beginning.
pub struct Vad {
    model: Arc<Session>,
    state: State,
}

/// What lasts from window to window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The model's own memory.
    memory: Vec<f32>,
    context: Vec<f32>,
    pending: Vec<f32>,
    rules: Rules,
}

impl Vad {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the model does not load.
    pub fn open(models: &Models) -> anyhow::Result<Self> {
        let state = State {
            memory: vec![0.0; STATE_SHAPE.iter().product()],
            context: vec![0.0; CONTEXT],
            pending: Vec::new(),
            rules: Rules::default(),
        };
        Ok(Self { model: models.session(MODEL, "silero_vad.onnx")?, state })
    }

    /// What a listener that goes on from here needs.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Goes on from there.
    pub fn set_state(&mut self, state: State) {
        self.state = state;
    }

    /// Listens on; regions that ended are appended to `regions`.
    ///
    /// # Errors
    /// When the model does not run.
    pub fn hear(&mut self, samples: &[f32], regions: &mut Vec<Range<usize>>) -> anyhow::Result<()> {
        self.state.pending.extend_from_slice(samples);
        let pending = std::mem::take(&mut self.state.pending);
        let mut windows = pending.chunks_exact(WINDOW);
        for window in windows.by_ref() {
            let probability = self.probability(window)?;
            self.state.rules.step(probability, regions);
        }
        self.state.pending = windows.remainder().to_vec();
        Ok(())
    }

    /// The sound ended.
    ///
    /// # Errors
    /// When the model does not run.
    pub fn finish(&mut self, regions: &mut Vec<Range<usize>>) -> anyhow::Result<()> {
        let end = self.state.rules.heard + self.state.pending.len();
        if !self.state.pending.is_empty() {
            let mut window = std::mem::take(&mut self.state.pending);
            window.resize(WINDOW, 0.0);
            let probability = self.probability(&window)?;
            self.state.rules.step(probability, regions);
        }
        self.state.rules.finish(end, regions);
        Ok(())
    }

    /// Where the region begins that is open now.
    pub fn open_since(&self) -> Option<usize> {
        self.state.rules.start.map(|start| start.saturating_sub(PAD))
    }

    /// Samples that were judged.
    pub fn heard(&self) -> usize {
        self.state.rules.heard
    }

    fn probability(&mut self, window: &[f32]) -> anyhow::Result<f32> {
        let state = &mut self.state;
        let input = Tensor::f32(&[1, CONTEXT + WINDOW], [&state.context, window].concat())?;
        let memory = Tensor::f32(&STATE_SHAPE, std::mem::take(&mut state.memory))?;
        let rate = Tensor::scalar_i64(16_000);
        let outputs = self.model.run(&[("input", &input), ("state", &memory), ("sr", &rate)])?;
        state.memory = outputs.get("stateN")?.as_f32()?.to_vec();
        state.context = window[WINDOW - CONTEXT..].to_vec();
        Ok(outputs.get("output")?.as_f32()?.first().copied().unwrap_or_default())
    }
}

/// The reference's state machine over one probability per window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Rules {
    heard: usize,
    start: Option<usize>,
    quiet_since: Option<usize>,
    /// Pauses inside the open region: begin and length.
    pauses: Vec<(usize, usize)>,
    last_end: usize,
}

impl Rules {
    fn step(&mut self, probability: f32, regions: &mut Vec<Range<usize>>) {
        let now = self.heard;
        self.heard += WINDOW;
        if probability >= THRESHOLD {
            if let Some(quiet) = self.quiet_since.take()
                && now - quiet > MIN_PAUSE
            {
                self.pauses.push((quiet, now - quiet));
            }
            if self.start.is_none() {
                self.start = Some(now);
                return;
            }
        }
        let Some(start) = self.start else { return };
        if now - start > MAX_SPEECH {
            self.cut(start, now, regions);
        }
        if probability >= END_THRESHOLD || self.start.is_none() {
            return;
        }
        let quiet = *self.quiet_since.get_or_insert(now);
        if now - quiet >= MIN_SILENCE {
            self.close(quiet, regions);
        }
    }

    /// Ends a region that is too long at its longest pause, or here.
    fn cut(&mut self, start: usize, now: usize, regions: &mut Vec<Range<usize>>) {
        let longest = self.pauses.iter().copied().reduce(|best, pause| if pause.1 > best.1 { pause } else { best });
        self.quiet_since = None;
        self.pauses.clear();
        if let Some((quiet, length)) = longest {
            self.give(start..quiet, PAD.min(length / 2), regions);
            self.start = Some(quiet + length);
            return;
        }
        self.give(start..now, 0, regions);
        self.start = None;
    }

    fn close(&mut self, end: usize, regions: &mut Vec<Range<usize>>) {
        if let Some(start) = self.start.take()
            && end - start > MIN_SPEECH
        {
            self.give(start..end, PAD, regions);
        }
        self.quiet_since = None;
        self.pauses.clear();
    }

    fn finish(&mut self, end: usize, regions: &mut Vec<Range<usize>>) {
        if let Some(start) = self.start.take()
            && end - start.min(end) > MIN_SPEECH
        {
            self.give(start..end, 0, regions);
        }
    }

    /// Pads and gives out. A pause between regions is at least 100 ms, so that two pads of 30 ms never meet, but after a cut.
    fn give(&mut self, region: Range<usize>, pad_after: usize, regions: &mut Vec<Range<usize>>) {
        let padded = region.start.saturating_sub(PAD).max(self.last_end)..region.end + pad_after;
        self.last_end = padded.end;
        regions.push(padded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(probabilities: impl IntoIterator<Item = f32>) -> Vec<Range<usize>> {
        let (mut rules, mut found) = (Rules::default(), Vec::new());
        for probability in probabilities {
            rules.step(probability, &mut found);
        }
        let end = rules.heard;
        rules.finish(end, &mut found);
        found
    }

    fn windows(pattern: &[(f32, usize)]) -> Vec<f32> {
        pattern.iter().flat_map(|(probability, count)| vec![*probability; *count]).collect()
    }

    #[test]
    fn short_speech_and_short_silence_do_not_count() {
        assert!(regions(windows(&[(0.0, 10), (0.9, 7), (0.0, 10)])).is_empty(), "224 ms of speech");
        let found = regions(windows(&[(0.0, 10), (0.9, 10), (0.0, 3), (0.9, 10), (0.0, 10)]));
        assert_eq!((found.len(), &found[0]), (1, &(10 * WINDOW - PAD..33 * WINDOW + PAD)), "96 ms of silence");
        let found = regions(windows(&[(0.0, 10), (0.9, 10), (0.4, 20), (0.9, 10), (0.0, 10)]));
        assert_eq!(found.len(), 1, "between the thresholds speech goes on");
    }

    #[test]
    fn speech_at_both_ends_stays_inside_the_sound() {
        let found = regions(windows(&[(0.9, 20)]));
        assert_eq!((found.len(), &found[0]), (1, &(0..20 * WINDOW)));
    }

    #[test]
    fn a_region_too_long_is_cut_at_its_longest_pause_or_where_it_is() {
        let found = regions(windows(&[(0.9, 500), (0.2, 1), (0.4, 5), (0.9, 400), (0.0, 10)]));
        assert_eq!(found, [0..500 * WINDOW + PAD, 506 * WINDOW - PAD..906 * WINDOW + PAD]);
        let found = regions(windows(&[(0.9, 2000), (0.0, 10)]));
        assert!(found.len() == 3 && found.iter().all(|region| region.len() <= MAX_SPEECH + 2 * WINDOW + 2 * PAD), "{found:?}");
        assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start), "{found:?}");
    }
}
