//! Parts of `/health` beside store and blobs.

use std::sync::Arc;

use async_trait::async_trait;

use crate::config::Config;
use crate::infer::{FileState, ModelFiles};
use crate::media::Sandbox;
use crate::serve::health::{PartHealth, Probe};

/// Every probe.
pub(super) fn all(config: &Config) -> Vec<Arc<dyn Probe>> {
    vec![Arc::new(Ffmpeg), Arc::new(Confinement), Arc::new(ModelProbe(ModelFiles::new(&config.models.dir)))]
}

struct Ffmpeg;

#[async_trait]
impl Probe for Ffmpeg {
    fn part(&self) -> &'static str {
        "ffmpeg"
    }

    async fn probe(&self) -> PartHealth {
        match Sandbox::detect().ffmpeg() {
            Some(version) => PartHealth::good().with("version", version),
            None => PartHealth::bad("ffmpeg is not here: install the package `ffmpeg`"),
        }
    }
}

/// Whether ffmpeg is kept in its place.
struct Confinement;

#[async_trait]
impl Probe for Confinement {
    fn part(&self) -> &'static str {
        "sandbox"
    }

    async fn probe(&self) -> PartHealth {
        let gaps = Sandbox::detect().gaps();
        if gaps.is_empty() { PartHealth::good() } else { PartHealth::bad(gaps.join("; ")) }
    }
}

struct ModelProbe(ModelFiles);

#[async_trait]
impl Probe for ModelProbe {
    fn part(&self) -> &'static str {
        "models"
    }

    async fn probe(&self) -> PartHealth {
        let states = self.0.list();
        let missing: Vec<&str> =
            states.iter().filter(|model| model.state != FileState::Here).map(|model| model.spec.name.as_str()).collect();
        if missing.is_empty() {
            return PartHealth::good().with("count", states.len());
        }
        PartHealth::bad(format!("not here: {}; run weir models pull", missing.join(", ")))
    }
}
