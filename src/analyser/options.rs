//! Options of analysers, as the configuration gives them: `[analyser.NAME]` without the keys that every analyser has.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Analyser, Sampling};

/// The least `threshold`. What several analysers share of a picture (its objects, its faces) goes down to it, and each takes those from its own
/// threshold on. They are what it would have found alone: of what overlaps the surest is kept, so what is fainter has displaced nothing.
pub(super) const THRESHOLD_LEAST: f32 = 0.1;
/// Samples per second.
const FPS: RangeInclusive<f32> = 0.1..=10.0;
/// Longest side of a model's input, pixels: a sampled picture is not larger.
const SIZES: RangeInclusive<f32> = 320.0..=1280.0;
/// The sides of a model's input are multiples of this.
const SIZE_STEP: f32 = 32.0;

/// By analyser and key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options(pub BTreeMap<String, Map<String, Value>>);

/// Of an analyser that has none, or no others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct None {}

/// The options of one analyser: those that were taken out are no longer among the rest.
#[derive(Debug)]
pub(super) struct Own<'a> {
    analyser: &'a str,
    left: Map<String, Value>,
}

/// What a result key says of a number that the configuration may give: nothing of the usual one.
pub(super) fn parameter(key: &str, value: f32, usual: f32) -> String {
    if value.to_bits() == usual.to_bits() { String::new() } else { format!(" {key} {value}") }
}

impl Options {
    /// The options of one analyser, to be taken one by one.
    pub(super) fn own<'a>(&self, analyser: &'a str) -> Own<'a> {
        Own { analyser, left: self.0.get(analyser).cloned().unwrap_or_default() }
    }

    /// The options of one analyser. `T` denies unknown fields and has a default for every known one.
    ///
    /// # Errors
    /// When a key is unknown or a value not accepted.
    pub(super) fn of<T: DeserializeOwned>(&self, analyser: &str) -> anyhow::Result<T> {
        self.own(analyser).rest()
    }

    /// An analyser that has no options.
    ///
    /// # Errors
    /// When some were given.
    pub(super) fn none(&self, name: &str, analyser: impl Analyser + 'static) -> anyhow::Result<Box<dyn Analyser>> {
        self.own(name).end()?;
        Ok(Box::new(analyser))
    }

    /// How an analyser samples that has no other option than `fps`.
    ///
    /// # Errors
    /// When another was given, or the rate is not accepted.
    pub(super) fn sampling(&self, analyser: &str, usual: Sampling) -> anyhow::Result<Sampling> {
        let mut own = self.own(analyser);
        let sampling = own.sampling(usual)?;
        own.end()?;
        Ok(sampling)
    }
}

impl Own<'_> {
    /// How the analyser samples: as usual, at the rate of `fps` where that is given.
    ///
    /// # Errors
    /// When the rate is not accepted.
    pub(super) fn sampling(&mut self, usual: Sampling) -> anyhow::Result<Sampling> {
        Ok(match (usual, self.number("fps", &FPS)?) {
            (Sampling::Sampled { .. }, Some(fps)) => Sampling::Sampled { fps },
            (Sampling::Detail { .. }, Some(fps)) => Sampling::Detail { fps },
            _ => usual,
        })
    }

    /// `threshold`: the least confidence of a finding.
    ///
    /// # Errors
    /// When it is not accepted.
    pub(super) fn threshold(&mut self, usual: f32) -> anyhow::Result<f32> {
        Ok(self.number("threshold", &(THRESHOLD_LEAST..=1.0))?.unwrap_or(usual))
    }

    /// `size`: the longest side of what a model looks at, pixels; a multiple of 32, the nearest one. None where it is not said.
    ///
    /// # Errors
    /// When it is not accepted.
    pub(super) fn size(&mut self) -> anyhow::Result<Option<u32>> {
        let size = self.number("size", &SIZES)?;
        Ok(size.map(|size| ((size / SIZE_STEP).round() * SIZE_STEP) as u32))
    }

    /// The options that were not taken. `T` denies unknown fields and has a default for every known one.
    ///
    /// # Errors
    /// When a key is unknown or a value not accepted.
    pub(super) fn rest<T: DeserializeOwned>(self) -> anyhow::Result<T> {
        serde_json::from_value(Value::Object(self.left)).with_context(|| format!("`analyser.{}`", self.analyser))
    }

    /// There are no others.
    ///
    /// # Errors
    /// When there are.
    pub(super) fn end(self) -> anyhow::Result<()> {
        self.rest::<None>().map(drop)
    }

    fn number(&mut self, key: &str, takes: &RangeInclusive<f32>) -> anyhow::Result<Option<f32>> {
        let Some(value) = self.left.remove(key) else { return Ok(None) };
        // A number that JSON does not have, such as NaN, has become null.
        let number = value.as_f64().map(|number| number as f32).filter(|number| takes.contains(number));
        let wrong = || format!("`analyser.{}.{key}` is {value}; it takes {} to {}", self.analyser, takes.start(), takes.end());
        number.with_context(wrong).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::analyser;

    fn given(analyser: &str, options: &Value) -> Options {
        Options(BTreeMap::from([(analyser.to_owned(), options.as_object().cloned().unwrap())]))
    }

    fn refused(analyser: &str, options: &Value) -> String {
        analyser::all(&given(analyser, options)).err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn an_unknown_option_is_named() {
        let error = refused("cut_analysis", &json!({ "colour": "red" }));
        assert!(error.starts_with("`analyser.cut_analysis`: unknown field `colour`"), "{error}");
        assert!(analyser::all(&Options::default()).is_ok());
    }

    #[test]
    fn who_samples_takes_a_rate_and_still_no_others() {
        let usual = analyser::all(&Options::default()).unwrap();
        for spec in usual.iter().map(|analyser| analyser.spec()) {
            let Some(rate) = spec.sampling.fps() else {
                assert!(refused(spec.name, &json!({ "fps": 1 })).contains("unknown field `fps`"), "{}", spec.name);
                continue;
            };
            let all = analyser::all(&given(spec.name, &json!({ "fps": 0.3 }))).unwrap();
            let slower = all.iter().map(|analyser| analyser.spec()).find(|other| other.name == spec.name).unwrap();
            assert_eq!(slower.sampling.fps(), Some(0.3), "{}, else {rate}", spec.name);
            let error = refused(spec.name, &json!({ "fps": 0.3, "colour": "red" }));
            assert!(error.contains("unknown field `colour`"), "{error}");
        }
    }

    #[test]
    fn a_number_that_is_not_accepted_is_named_with_its_range() {
        for value in [json!(0), json!(-1), json!(0.09), json!(10.1), json!(1e300), json!("2"), json!(f64::NAN), json!(true)] {
            let error = refused("body_pose", &json!({ "fps": value }));
            assert_eq!(error, format!("`analyser.body_pose.fps` is {value}; it takes 0.1 to 10"));
        }
        let error = refused("age_estimation", &json!({ "threshold": 0.05 }));
        assert_eq!(error, "`analyser.age_estimation.threshold` is 0.05; it takes 0.1 to 1");
        let error = refused("text_overlay", &json!({ "size": 1281 }));
        assert_eq!(error, "`analyser.text_overlay.size` is 1281; it takes 320 to 1280");
        assert!(refused("content_quality", &json!({ "threshold": 0.5 })).contains("unknown field `threshold`"));
        assert!(refused("object_detection", &json!({ "size": 640 })).contains("needs a `model`"));
    }

    #[test]
    fn a_size_is_a_multiple_of_32() {
        let size = |size: f64| given("a", &json!({ "size": size })).own("a").size().unwrap();
        assert_eq!([320.0, 700.0, 736.0, 1280.0].map(size), [320, 704, 736, 1280].map(Some));
        assert!(Options::default().own("a").size().unwrap().is_none());
    }

    #[test]
    fn a_key_says_what_is_unusual() {
        assert_eq!((parameter("size", 736.0, 736.0), parameter("size", 960.0, 736.0)), (String::new(), " size 960".to_owned()));
    }
}
