//! What a Vietnamese line says: TrueOCR's recogniser. Preprocessing and decoding as in `trueocr/preprocess.py` and `recognizer.py` of
//! TrueOCR 0.1.1 (Apache-2.0), on lines that PP-OCR found.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::choice::Reading;
use super::view::{Grey, Growth, View};
use crate::infer::{Models, Outputs, Session, Tensor};

/// The model, by its name in the registry.
pub(super) const MODEL: &str = "trueocr";
/// Height of the picture that the model takes, pixels: the line, and as much of what is around it.
const HEIGHT: usize = 96;
/// Its width, pixels; longer lines are squeezed.
const WIDTH_MIN: usize = 8;
const WIDTH_MAX: usize = 768;
/// Widths are padded to a multiple of this, and then by as much again, so that the last column sees what it would see in a longer picture.
const WIDTH_STEP: usize = 8;
/// From PP-OCR's rectangle to one as TrueOCR's own detector would draw it, in shares of the height. Where exactly it lies decides over dots
/// and tone marks and is known to no better than a twentieth, so there are several: [`super::choice`] takes the best.
pub(super) const CROPS: [Growth; 3] = [
    Growth { sides: -0.1, above: -0.08, below: -0.06 },
    Growth { sides: -0.1, above: -0.09, below: -0.01 },
    Growth { sides: -0.1, above: -0.08, below: -0.1 },
];
/// What it sees of a line's surroundings: three times 1.4 heights.
const SURROUNDINGS: Growth = Growth { sides: 0.3, above: 1.6, below: 1.6 };
/// Shares of a line's pixels that are darker: its dark tail, its ground, its bright tail.
const TAILS: [f32; 3] = [0.02, 0.5, 0.98];
/// Text is light on dark where the bright tail is so many times as long as the dark one, and by so many levels more.
const BRIGHT_RATIO: f32 = 2.0;
const BRIGHT_MORE: f32 = 8.0;
/// Where both tails are at least this long, levels of 255, light text with a dark outline stands on a picture.
const OUTLINED_MIN: f32 = 40.0;
/// Of outlined text only what is nearly as bright as its bright tail is ink: from so many levels below it, fully from so many.
const FILL: (f32, f32) = (50.0, 5.0);
/// Pixels per line that are looked at to tell its tone, along and across.
const LOOKED_AT: (usize, usize) = (512, 64);
/// The CTC class that stands for no character.
const BLANK: i64 = 0;
/// `meta.json` lists at most so many characters.
const CHARACTERS_MAX: usize = 10_000;

/// The recogniser with its characters.
pub(super) struct TrueOcr {
    session: Arc<Session>,
    characters: Characters,
}

impl TrueOcr {
    /// None where its files are not here.
    ///
    /// # Errors
    /// When they are here and cannot be used.
    pub(super) fn open(models: &Models) -> anyhow::Result<Option<Self>> {
        if !models.has(MODEL) {
            return Ok(None);
        }
        let characters = Characters::parse(&models.files().read(MODEL, "meta.json")?)?;
        Ok(Some(Self { session: models.session(MODEL, "rec.onnx")?, characters }))
    }

    /// Whether it can write this character.
    pub(super) fn knows(&self, character: char) -> bool {
        self.characters.known.contains(&character)
    }

    /// Reads one line of a picture, its rectangle changed as one of [`CROPS`] says. None where there is nothing to read.
    ///
    /// # Errors
    /// When the model fails or gives what is no line of its characters.
    pub(super) fn read(&self, grey: &Grey, view: View, crop: Growth) -> anyhow::Result<Option<Reading>> {
        let ink = Ink::of(grey, view.grown(crop));
        let picture = Tensor::f32(&[1, 1, HEIGHT, ink.width], ink.values)?;
        let widths = Tensor::i64(&[1], vec![ink.filled as i64])?;
        decode(&self.session.run(&[("x", &picture), ("widths", &widths)])?, &self.characters)
    }
}

/// The characters of the classes from 1 on.
#[derive(Debug)]
struct Characters {
    by_class: Vec<String>,
    known: HashSet<char>,
}

impl Characters {
    fn parse(meta: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Meta {
            charset: Vec<String>,
        }
        let Meta { charset } = serde_json::from_slice(meta).context("`meta.json` of `trueocr`")?;
        ensure!(
            (1..=CHARACTERS_MAX).contains(&charset.len()) && charset.iter().all(|character| !character.is_empty()),
            "`meta.json` of `trueocr` lists {} characters; 1 to {CHARACTERS_MAX}, none of them empty, are accepted",
            charset.len()
        );
        let known = charset.iter().flat_map(|character| character.chars()).collect();
        Ok(Self { by_class: charset, known })
    }
}

/// A line as the model takes it: paper 0, ink 1.
#[derive(Debug)]
struct Ink {
    /// [`HEIGHT`] rows, padded with paper on the right.
    values: Vec<f32>,
    /// Columns that show the picture.
    filled: usize,
    /// With the padding.
    width: usize,
}

impl Ink {
    fn of(grey: &Grey, line: View) -> Self {
        let tone = Tone::of(grey, &line);
        let view = line.grown(SURROUNDINGS);
        let filled = ((HEIGHT as f32 * view.width() / view.height()).round() as usize).clamp(WIDTH_MIN, WIDTH_MAX);
        let width = filled.next_multiple_of(WIDTH_STEP) + WIDTH_STEP;
        let mut values = vec![0.0; HEIGHT * width];
        let pixels = view.picture((filled, HEIGHT), |place| [grey.at(place).map_or(0.0, |level| tone.ink(level))]);
        for (at, [ink]) in pixels.enumerate() {
            values[at / filled * width + at % filled] = ink;
        }
        Self { values, filled, width }
    }
}

/// What of a line is ink.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tone {
    DarkOnLight,
    LightOnDark,
    /// Light with a dark outline, with the level of its bright tail. Not in TrueOCR, which takes the outline for the letters: of 64 such
    /// lines it reads one, and half of them so.
    Outlined(f32),
}

impl Tone {
    fn of(grey: &Grey, line: &View) -> Self {
        let side = |pixels: f32, most: usize| (pixels.round() as usize).clamp(1, most);
        let (across, down) = (side(line.width(), LOOKED_AT.0), side(line.height(), LOOKED_AT.1));
        let part = |at: usize, of: usize| (at as f32 + 0.5) / of as f32;
        let places = (0..across * down).map(|at| line.at(part(at % across, across), part(at / across, down)));
        let mut levels: Vec<f32> = places.filter_map(|place| grey.at(place)).collect();
        levels.sort_by(f32::total_cmp);
        let level = |share: f32| levels.get((share * levels.len().saturating_sub(1) as f32).round() as usize).copied();
        let [Some(dark), Some(ground), Some(bright)] = TAILS.map(level) else { return Self::DarkOnLight };
        if bright - ground > BRIGHT_RATIO * (ground - dark) + BRIGHT_MORE {
            Self::LightOnDark
        } else if bright - ground >= OUTLINED_MIN && ground - dark >= OUTLINED_MIN {
            Self::Outlined(bright)
        } else {
            Self::DarkOnLight
        }
    }

    /// How much of a pixel of this level, 0 to 255, is ink: 0 to 1.
    fn ink(self, level: f32) -> f32 {
        match self {
            Self::DarkOnLight => 1.0 - level / 255.0,
            Self::LightOnDark => level / 255.0,
            Self::Outlined(bright) => ((level - (bright - FILL.0)) / (FILL.0 - FILL.1)).clamp(0.0, 1.0),
        }
    }
}

/// The best path of CTC, which the model gives as classes with their probabilities: repeats once, blanks left out. None where no
/// character remains.
fn decode(outputs: &Outputs, characters: &Characters) -> anyhow::Result<Option<Reading>> {
    let [ids, certainties, lengths] = [outputs.get("ids")?, outputs.get("conf")?, outputs.get("lengths")?];
    path(ids, certainties, lengths, characters)
}

fn path(ids: &Tensor, certainties: &Tensor, lengths: &Tensor, characters: &Characters) -> anyhow::Result<Option<Reading>> {
    let [batch, steps] = ids.dims::<2>()?;
    ensure!(
        batch == 1 && certainties.shape() == ids.shape() && lengths.shape() == [1],
        "`trueocr` gives shapes {:?}, {:?}, {:?}; [1, steps] twice and [1] are needed",
        ids.shape(),
        certainties.shape(),
        lengths.shape()
    );
    let length = lengths.as_i64()?.first().and_then(|length| usize::try_from(*length).ok()).filter(|length| *length <= steps);
    let length = length.with_context(|| format!("`trueocr` gives a length that is not in 0 to {steps}"))?;
    let (mut text, mut sum, mut count) = (String::new(), 0.0, 0_u32);
    let mut last = BLANK;
    for (&class, &certainty) in ids.as_i64()?.iter().zip(certainties.as_f32()?).take(length) {
        ensure!((0.0..=1.01).contains(&certainty), "`trueocr` gives `{certainty}`, which is no probability");
        if class != BLANK && class != last {
            let character = usize::try_from(class - 1).ok().and_then(|at| characters.by_class.get(at));
            text.push_str(character.with_context(|| format!("`trueocr` gives class `{class}`, which has no character"))?);
            sum += certainty;
            count += 1;
        }
        last = class;
    }
    Ok(Reading::of(&text, sum, count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analyser::Frame;

    fn characters() -> Characters {
        Characters::parse(r#"{"charset": ["a", "ơ", " "], "max_width": 768}"#.as_bytes()).unwrap()
    }

    fn read(ids: &[i64], certainty: f32, length: i64) -> anyhow::Result<Option<Reading>> {
        let shape = [1, ids.len()];
        let certainties = Tensor::f32(&shape, vec![certainty; ids.len()]).unwrap();
        path(&Tensor::i64(&shape, ids.to_vec()).unwrap(), &certainties, &Tensor::i64(&[1], vec![length]).unwrap(), &characters())
    }

    #[test]
    fn repeats_are_one_character_and_what_is_behind_the_length_is_nothing() {
        let reading = read(&[1, 1, 0, 1, 3, 3, 2, 0, 1], 0.75, 8).unwrap().unwrap();
        assert_eq!((reading.text.as_str(), reading.confidence), ("aa ơ", 0.75));
        assert_eq!(read(&[0, 3, 0], 0.5, 3).unwrap(), None);
        assert_eq!(read(&[], 0.5, 0).unwrap(), None);
        assert_eq!(read(&[1], 0.5, 0).unwrap(), None);
    }

    #[test]
    fn what_is_no_reading_is_an_error() {
        for (class, certainty, length) in [
            (4, 0.5, 1),
            (-1, 0.5, 1),
            (i64::MIN + 1, 0.5, 1),
            (i64::MAX, 0.5, 1),
            (1, f32::NAN, 1),
            (1, f32::INFINITY, 1),
            (1, -0.1, 1),
            (1, 0.5, 2),
            (1, 0.5, -1),
            (1, 0.5, i64::MAX),
        ] {
            assert!(read(&[class], certainty, length).is_err(), "{class} {certainty} {length}");
        }
        let (ids, one) = (Tensor::i64(&[1, 2], vec![1, 2]).unwrap(), Tensor::i64(&[1], vec![1]).unwrap());
        for shape in [vec![1, 3], vec![2], vec![1, 1, 2], vec![2, 1]] {
            assert!(path(&ids, &Tensor::zeros(&shape), &one, &characters()).is_err(), "{shape:?}");
        }
        assert!(path(&Tensor::zeros(&[1, 2]), &Tensor::zeros(&[1, 2]), &one, &characters()).is_err(), "classes that are floats");
        assert!(path(&ids, &Tensor::zeros(&[1, 2]), &Tensor::zeros(&[1]), &characters()).is_err(), "a length that is a float");
        assert!(path(&ids, &Tensor::zeros(&[1, 2]), &Tensor::i64(&[0], vec![]).unwrap(), &characters()).is_err());
    }

    #[test]
    fn what_are_no_characters_is_an_error() {
        for bad in ["", "{}", r#"{"charset": []}"#, r#"{"charset": [""]}"#, r#"{"charset": "abc"}"#, r#"{"charset": [1]}"#] {
            assert!(Characters::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let many = serde_json::json!({ "charset": vec!["a"; CHARACTERS_MAX + 1] }).to_string();
        assert!(Characters::parse(many.as_bytes()).is_err());
    }

    /// A bar of 40 × 6 in the middle of 80 × 40.
    fn bar(ground: u8, ink: u8) -> Grey {
        let level = |x: usize, y: usize| if (20..60).contains(&x) && (17..23).contains(&y) { ink } else { ground };
        let rgb: Vec<u8> = (0..80 * 40).flat_map(|at| [level(at % 80, at / 80); 3]).collect();
        Grey::of(&Frame::new(0, 0, 80, 40, rgb)).unwrap()
    }

    /// Around the bar, a third of it ink.
    fn line() -> View {
        View { origin: [15.0, 12.0], along: [50.0, 0.0], down: [0.0, 16.0] }
    }

    #[test]
    fn of_outlined_text_only_the_fill_is_ink() {
        // A white bar with a black rim on grey.
        let level = |x: usize, y: usize| match (x, y) {
            (20..60, 17..23) => 250,
            (17..63, 14..26) => 5,
            _ => 120,
        };
        let rgb: Vec<u8> = (0..80 * 40).flat_map(|at| [level(at % 80, at / 80); 3]).collect();
        let grey = Grey::of(&Frame::new(0, 0, 80, 40, rgb)).unwrap();
        assert!(matches!(Tone::of(&grey, &line()), Tone::Outlined(bright) if bright > 240.0));
        let ink = Ink::of(&grey, line());
        let at = |x: usize, y: usize| ink.values[y * ink.width + x];
        assert!(at(42, 48) > 0.99 && at(42, 42) < 0.6 && at(5, 48) < 0.01);
    }

    #[test]
    fn ink_is_one_on_light_and_on_dark_paper() {
        for (ground, ink) in [(255, 0), (0, 255)] {
            let ink = Ink::of(&bar(ground, ink), line());
            assert_eq!((ink.filled, ink.width), (85, 96));
            let at = |x: usize, y: usize| ink.values[y * ink.width + x];
            assert!(at(42, 48) > 0.99 && at(42, 20) < 0.01 && at(0, 48) < 0.01, "{ground}");
            assert!(at(84, 2) < 0.01, "beyond the picture is paper");
            assert!((85..96).all(|x| at(x, 48) == 0.0), "padding");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_line_is_cut_out(x in -50.0_f32..150.0, y in -50.0_f32..90.0, turn in 0.0_f32..6.3, wide in 1.0_f32..2000.0, high in 1.0_f32..200.0) {
            let (along, down) = ([wide * turn.cos(), wide * turn.sin()], [-high * turn.sin(), high * turn.cos()]);
            let ink = Ink::of(&bar(200, 30), View { origin: [x, y], along, down }.grown(CROPS[0]));
            prop_assert_eq!(ink.values.len(), HEIGHT * ink.width);
            prop_assert!(ink.filled < ink.width && ink.values.iter().all(|value| (0.0..=1.0).contains(value)));
        }

        #[test]
        fn any_path_is_a_reading_or_an_error(ids in prop::collection::vec(-2_i64..6, 0..40), certainty in -0.5_f32..1.5, length in -2_i64..50) {
            if let Ok(Some(reading)) = read(&ids, certainty, length) {
                prop_assert!(!reading.text.is_empty() && (0.0..=1.0).contains(&reading.confidence));
            }
        }
    }
}
