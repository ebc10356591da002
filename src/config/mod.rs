//! Configuration: `config.default.toml` (compiled in) → file → environment → flags. The only reader of the environment.
//!
//! Loading has no side effects: nothing is opened, nothing is made.

mod check;
mod layer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use figment::Figment;
use figment::providers::{Format, Toml};
use serde::{Deserialize, Serialize};

use self::layer::Named;

/// The lowest layer, and the manual.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// A configuration that cannot be used; the text names the key and says what would be accepted.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(pub String);

/// Everything that can be configured. Meanings are in `config.default.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the manual of every key")]
pub struct Config {
    pub data: PathBuf,
    pub store: String,
    pub blobs: String,
    pub broker: String,
    pub http: Http,
    pub auth: Auth,
    pub upload: Upload,
    pub media: Media,
    pub playback: Playback,
    pub work: Work,
    pub pool: Vec<Pool>,
    pub analyser: BTreeMap<String, Analyser>,
    pub fault: Vec<Fault>,
    pub judge: Judge,
    pub models: Models,
    pub metrics: Metrics,
    pub gc: Gc,
    pub log: Log,
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $kind:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "config.default.toml is the manual of every key")]
        pub struct $name { $($(#[$attr])* pub $field: $kind),+ }
    };
}

table!(
    /// `[http]`
    Http {
        listen: std::net::SocketAddr,
        #[serde(with = "humantime_serde")]
        header_timeout: Duration,
        #[serde(with = "humantime_serde")]
        body_timeout: Duration,
        max_header: ByteSize,
        max_connections: usize,
    }
);
table!(
    /// `[auth]`
    Auth {
        #[serde(with = "humantime_serde")]
        session: Duration,
        secure_cookie: bool,
    }
);
table!(
    /// `[upload]`
    Upload { max_size: ByteSize, disk_reserve: ByteSize }
);
table!(
    /// `[media]`
    Media {
        #[serde(with = "humantime_serde")]
        max_duration: Duration,
        max_pixels: u64,
        max_memory: ByteSize,
        #[serde(with = "humantime_serde")]
        probe_timeout: Duration,
        package_time_factor: u32,
    }
);
table!(
    /// `[playback]`
    Playback {
        #[serde(with = "humantime_serde")]
        address_ttl: Duration,
        gate: Gate,
    }
);
table!(
    /// `[work]`
    Work {
        package: usize,
        analyse: usize,
        other: usize,
        per_owner: u32,
        #[serde(with = "humantime_serde")]
        lease: Duration,
        max_attempts: i32,
        #[serde(with = "humantime_serde")]
        drain: Duration,
    }
);
table!(
    /// `[[pool]]`
    Pool {
        name: String,
        #[serde(alias = "processes")]
        members: usize,
        threads: usize,
        max_memory: ByteSize,
        recycle_after: u32,
        #[serde(with = "humantime_serde")]
        hang_timeout: Duration,
        #[serde(skip_serializing_if = "Option::is_none")]
        device: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        gpu_memory: Option<ByteSize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        model_memory: Option<ByteSize>,
        #[serde(default)]
        pin: Vec<String>,
    }
);
/// `[analyser.NAME]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "config.default.toml is the manual of every key")]
pub struct Analyser {
    #[serde(default = "on")]
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// What only this analyser knows; it refuses what it does not know.
    #[serde(flatten)]
    pub options: serde_json::Map<String, serde_json::Value>,
}

fn on() -> bool {
    true
}

table!(
    /// `[[fault]]`
    Fault { analyser: String, at_ms: i64, kind: FaultKind }
);
/// How a fault on purpose breaks its analyser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "config.default.toml is the manual of every key")]
pub enum FaultKind {
    Crash,
    Hang,
    Allocate,
    Fail,
}
table!(
    /// `[judge]`
    Judge { text_weight: f32, decision_threshold: f32, review_band: f32, list_score: f32 }
);
table!(
    /// `[models]`
    Models { dir: String, runtime: String }
);
table!(
    /// `[metrics]`
    Metrics { listen: String, on_api: bool }
);
table!(
    /// `[gc]`
    Gc {
        #[serde(with = "humantime_serde")]
        interval: Duration,
        #[serde(with = "humantime_serde")]
        after: Duration,
        #[serde(with = "humantime_serde")]
        keep_events: Duration,
        #[serde(with = "humantime_serde")]
        keep_tasks: Duration,
    }
);
table!(
    /// `[log]`
    Log { filter: String }
);

/// What holds playback back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Nothing.
    None,
    /// Anything but a safe verdict or a safe human label.
    Verdict,
}

/// What the caller of [`load`] adds to the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config FILE`; none: `weir.toml` in the working folder, if it is there.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// `--data DIR`.
    pub data: Option<PathBuf>,
    /// `--set key=value`, in order.
    pub set: Vec<String>,
}

impl Sources {
    /// With the environment of this process.
    pub fn of_process() -> Self {
        Self { environment: std::env::vars().collect(), ..Self::default() }
    }
}

/// Loads and checks.
///
/// # Errors
/// When a layer cannot be read or a key or value is not accepted.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let figment = layers(sources)?;
    let mut config: Config = figment.extract().map_err(|error| describe(&error))?;
    if config.models.dir.is_empty() {
        config.models.dir = default_model_dir(&sources.environment).display().to_string();
    }
    let data = config.data.display().to_string();
    for address in [&mut config.store, &mut config.blobs, &mut config.broker] {
        *address = address.replace("{data}", &data);
    }
    check::check(&config)?;
    Ok(config)
}

/// Every value with the layer that it came from, one `key = value  # layer` line each.
///
/// # Errors
/// As [`load`].
pub fn show(sources: &Sources) -> Result<Vec<String>, ConfigError> {
    load(sources)?;
    let figment = layers(sources)?;
    let value: figment::value::Value = figment.extract().map_err(|error| describe(&error))?;
    let mut lines = Vec::new();
    flatten("", &value, &mut |key, text| {
        let layer = figment.find_metadata(key).map_or_else(|| "default".to_owned(), layer_name);
        lines.push(format!("{key} = {text}  # {layer}"));
    });
    Ok(lines)
}

fn layers(sources: &Sources) -> Result<Figment, ConfigError> {
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    match &sources.file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| ConfigError(format!("`{}`: {error}", file.display())))?;
            figment = figment.merge(Named::new(format!("`{}`", file.display()), Toml::string(&text)));
        }
        None => {
            if let Ok(text) = std::fs::read_to_string("weir.toml") {
                figment = figment.merge(Named::new("`weir.toml`".to_owned(), Toml::string(&text)));
            }
        }
    }
    for (variable, raw) in &sources.environment {
        if let Some(key) = key_of_variable(variable) {
            figment = figment.merge(Named::new(format!("environment `{variable}`"), one(&key, raw)?));
        }
    }
    for setting in &sources.set {
        let (key, raw) = setting
            .split_once('=')
            .ok_or_else(|| ConfigError(format!("`--set {setting}` has no `=`; write `--set http.listen=127.0.0.1:8080`")))?;
        figment = figment.merge(Named::new(format!("`--set {key}`"), one(key.trim(), raw.trim())?));
    }
    if let Some(data) = &sources.data {
        figment = figment.merge(Named::new("`--data`".to_owned(), one("data", &data.display().to_string())?));
    }
    Ok(figment)
}

/// `WEIR_HTTP__LISTEN` is `http.listen`; of the names without `__` only the top-level addresses are settings.
fn key_of_variable(variable: &str) -> Option<String> {
    let name = variable.strip_prefix("WEIR_")?.to_ascii_lowercase();
    let is_setting = name.contains("__") || matches!(name.as_str(), "data" | "store" | "blobs" | "broker");
    is_setting.then(|| name.replace("__", "."))
}

/// One key as a layer: the value as TOML where it parses as such, else as text.
fn one(key: &str, raw: &str) -> Result<figment::providers::Data<Toml>, ConfigError> {
    let plain = key.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    if !plain {
        return Err(ConfigError(format!("`{key}` is not a key; write it like `http.listen`")));
    }
    let as_is = format!("{key} = {raw}");
    if toml::from_str::<toml::Table>(&as_is).is_ok() {
        return Ok(Toml::string(&as_is));
    }
    Ok(Toml::string(&format!("{key} = {}", toml::Value::String(raw.to_owned()))))
}

fn layer_name(metadata: &figment::Metadata) -> String {
    if metadata.name.starts_with("TOML") { "default".to_owned() } else { metadata.name.to_string() }
}

fn describe(error: &figment::Error) -> ConfigError {
    let key = error.path.join(".");
    let layer = error.metadata.as_ref().map(layer_name).unwrap_or_default();
    let mut text = String::new();
    if !key.is_empty() {
        text.push_str(&format!("`{key}`: "));
    }
    text.push_str(&error.kind.to_string());
    if !layer.is_empty() {
        text.push_str(&format!(" (in {layer})"));
    }
    ConfigError(text)
}

fn default_model_dir(environment: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    cache.unwrap_or_else(|| Path::new("data").to_path_buf()).join("weir/models")
}

fn flatten(prefix: &str, value: &figment::value::Value, line: &mut impl FnMut(&str, String)) {
    if let Some(dict) = value.as_dict() {
        for (name, inner) in dict {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            flatten(&key, inner, line);
        }
        return;
    }
    let text = serde_json::to_string(value).unwrap_or_default();
    line(prefix, hide_password(&text));
}

/// `postgres://USER:PASSWORD@…` → `postgres://USER:****@…`
fn hide_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}:****@{host}", user.split(':').next().unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
