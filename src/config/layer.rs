//! What one source says of the configuration.

use figment::providers::{Data, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

use crate::model::OLD_DESCRIPTION;

const DESCRIPTION: &str = "temporal_description";

/// A layer with a name for messages. An old name of an analyser's table stands for the name of now.
pub(super) struct Named {
    name: String,
    inner: Data<Toml>,
}

impl Named {
    pub(super) fn new(name: String, inner: Data<Toml>) -> Self {
        Self { name, inner }
    }
}

impl Provider for Named {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut data = self.inner.data()?;
        data.values_mut().try_for_each(rename)?;
        Ok(data)
    }
}

/// # Errors
/// When both names are there: which of them holds would be a guess.
fn rename(layer: &mut Dict) -> Result<(), String> {
    let Some(Value::Dict(_, analysers)) = layer.get_mut("analyser") else { return Ok(()) };
    let Some(table) = analysers.remove(OLD_DESCRIPTION) else { return Ok(()) };
    if analysers.insert(DESCRIPTION.to_owned(), table).is_some() {
        return Err(format!(
            "`analyser.{OLD_DESCRIPTION}` is the old name of `analyser.{DESCRIPTION}`, which is there too; put the keys of both into the latter"
        ));
    }
    Ok(())
}
