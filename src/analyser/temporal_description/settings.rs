//! `[analyser.temporal_description]`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::json;

use super::NAME;
use crate::infer::vision::{Allowed, Endpoint, Resolver};

/// Key frames of one medium: bounds memory together with [`frames::JPEG_BYTES`](super::frames::JPEG_BYTES).
const KEY_FRAMES_MAX: usize = 1024;

/// The options; their meanings are in `config.default.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    pub(super) endpoint: String,
    pub(super) model: String,
    pub(super) api_key_file: PathBuf,
    pub(super) allow_external: bool,
    #[serde(with = "humantime_serde")]
    pub(super) segment: Duration,
    pub(super) frames: usize,
    pub(super) max_segments: usize,
    #[serde(with = "humantime_serde")]
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    #[serde(with = "humantime_serde")]
    pub(super) budget: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            model: "qwen2-vl".to_owned(),
            api_key_file: PathBuf::new(),
            allow_external: false,
            segment: Duration::from_mins(1),
            frames: 16,
            max_segments: 30,
            timeout: Duration::from_mins(1),
            retries: 2,
            budget: Duration::from_mins(5),
        }
    }
}

impl Settings {
    /// # Errors
    /// The first key with a value that is not accepted.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let key = |name: &str| format!("`analyser.{NAME}.{name}`");
        let seconds = |name: &str, value: Duration, least: u64, most: u64| {
            let takes = Duration::from_secs(least)..=Duration::from_secs(most);
            ensure!(takes.contains(&value), "{} is {value:?}; it takes {least}s to {most}s", key(name));
            Ok(())
        };
        seconds("segment", self.segment, 2, 3600)?;
        seconds("timeout", self.timeout, 1, 600)?;
        seconds("budget", self.budget, 1, 86_400)?;
        ensure!(self.retries <= 10, "{} is {}; it takes 0 to 10", key("retries"), self.retries);
        ensure!((1..=64).contains(&self.frames), "{} is {}; it takes 1 to 64", key("frames"), self.frames);
        // Two pictures a second are looked at, and the shortest segment of a longer medium is half of `segment`.
        let most = self.segment.as_secs() as usize;
        ensure!(
            self.frames <= most,
            "{} is {}; of a `segment` of {:?} it takes at most {most}",
            key("frames"),
            self.frames,
            self.segment
        );
        let most = KEY_FRAMES_MAX / self.frames;
        let segments = 1..=most;
        ensure!(
            segments.contains(&self.max_segments),
            "{} is {}; with {} `frames` it takes 1 to {most}",
            key("max_segments"),
            self.max_segments,
            self.frames
        );
        ensure!(!self.model.trim().is_empty(), "{} is empty; it takes the name that the endpoint gives the model", key("model"));
        Ok(())
    }

    /// The endpoint; none where none is configured. Nothing is opened.
    ///
    /// # Errors
    /// When its address is not accepted.
    pub(super) fn endpoint(&self) -> anyhow::Result<Option<Endpoint>> {
        if self.endpoint.is_empty() {
            return Ok(None);
        }
        let allowed = if self.allow_external { Allowed::External } else { Allowed::Inside };
        let endpoint = Endpoint::new(&self.endpoint, &self.model, allowed, Resolver::system()).map_err(anyhow::Error::msg);
        let endpoint = endpoint.with_context(|| format!("`analyser.{NAME}.endpoint`"))?;
        let with_key = !self.api_key_file.as_os_str().is_empty();
        Ok(Some(if with_key { endpoint.with_key(self.api_key_file.clone()) } else { endpoint }))
    }

    /// What of them changes a result, as a stable text. Neither the key nor how patient weir is.
    pub(super) fn parameters(&self, address: &str) -> String {
        json!({
            "endpoint": address,
            "model": self.model,
            "segment_ms": self.segment.as_millis() as u64,
            "frames": self.frames,
            "max_segments": self.max_segments,
            "prompt": super::answer::PROMPT,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_and_named() {
        assert!(Settings::default().check().is_ok());
        let of = |value: serde_json::Value| serde_json::from_value::<Settings>(value).unwrap();
        for (value, key) in [
            (json!({ "segment": "1s" }), "segment` is 1s; it takes 2s to 3600s"),
            (json!({ "timeout": "0s" }), "timeout"),
            (json!({ "budget": "2days" }), "budget"),
            (json!({ "retries": 11 }), "retries"),
            (json!({ "frames": 65 }), "frames"),
            (json!({ "segment": "10s" }), "at most 10"),
            (json!({ "max_segments": 65 }), "1 to 64"),
            (json!({ "max_segments": 0 }), "max_segments"),
            (json!({ "model": " " }), "model"),
        ] {
            let error = of(value).check().unwrap_err().to_string();
            assert!(error.starts_with("`analyser.temporal_description.") && error.contains(key), "{error}");
        }
        let error = of(json!({ "endpoint": "http://8.8.8.8/v1" })).endpoint().unwrap_err();
        assert!(format!("{error:#}").contains("allow_external"), "{error:#}");
        assert!(Settings::default().endpoint().unwrap().is_none());
    }

    #[test]
    fn parameters_hold_what_changes_a_result_and_no_key() {
        let settings = Settings { api_key_file: "/run/key".into(), ..Settings::default() };
        let all = settings.parameters("http://127.0.0.1:1/v1/chat/completions");
        for word in ["qwen2-vl", "127.0.0.1:1", "\"frames\":16", "\"segment_ms\":60000"] {
            assert!(all.contains(word), "{all}");
        }
        assert!(!all.contains("/run/key"), "{all}");
        assert_eq!(
            all,
            Settings { timeout: Duration::from_secs(5), ..settings }.parameters("http://127.0.0.1:1/v1/chat/completions")
        );
    }
}
