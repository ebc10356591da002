//! Options of analysers, as the configuration gives them: `[analyser.NAME]` without the keys that every analyser has.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Analyser;

/// By analyser and key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options(pub BTreeMap<String, Map<String, Value>>);

/// Of an analyser that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct None {}

impl Options {
    /// The options of one analyser. `T` denies unknown fields and has a default for every known one.
    ///
    /// # Errors
    /// When a key is unknown or a value not accepted.
    pub(super) fn of<T: DeserializeOwned>(&self, analyser: &str) -> anyhow::Result<T> {
        let given = self.0.get(analyser).cloned().unwrap_or_default();
        serde_json::from_value(Value::Object(given)).with_context(|| format!("`analyser.{analyser}`"))
    }

    /// An analyser that has no options.
    ///
    /// # Errors
    /// When some were given.
    pub(super) fn none(&self, name: &str, analyser: impl Analyser + 'static) -> anyhow::Result<Box<dyn Analyser>> {
        self.of::<None>(name)?;
        Ok(Box::new(analyser))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::analyser;

    #[test]
    fn an_unknown_option_is_named() {
        let given = json!({ "colour": "red" }).as_object().cloned().unwrap();
        let options = Options(BTreeMap::from([("cut_analysis".to_owned(), given)]));
        let error = analyser::all(&options).err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(error.starts_with("`analyser.cut_analysis`: unknown field `colour`"), "{error}");
        assert!(analyser::all(&Options::default()).is_ok());
    }
}
