//! The feed: announcements of chunks that others write on the chunk topics.
//!
//! A partition is held by one process at a time (the place `feed:TOPIC:PARTITION`). Bytes are checked outside any transaction; what became
//! of an announcement is recorded in order, with fence and old position as the guard. A bad announcement is a fact, never an error
//! of the batch.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::blob::{BlobError, Blobs};
use crate::broker::{Broker, Message};
use crate::model::{Fact, Guard, Key, Topic, WorkerId};
use crate::store::{RecordError, SharedStore};

const LEASE: Duration = Duration::from_secs(15);
const BATCH: usize = 64;
const POLL: Duration = Duration::from_secs(1);
/// Versions of the announcement that this build understands; a message without `version` is version 0.
const KNOWN_VERSION: u32 = 0;
/// The reason words of a bad announcement are cut to this many characters.
const REASON_CHARS: usize = 200;

/// What the feed needs.
pub struct Feed {
    /// The store.
    pub store: SharedStore,
    /// Where the announced bytes lie.
    pub blobs: Blobs,
    /// Where the announcements come from.
    pub broker: Arc<dyn Broker>,
    /// This installation: what it published itself is passed over.
    pub installation: String,
    /// This process.
    pub holder: WorkerId,
}

/// The seeds' flat message.
#[derive(Debug, Deserialize)]
struct Announcement {
    #[serde(default)]
    version: u32,
    #[serde(default)]
    origin: Option<String>,
    stream_id: String,
    chunk_index: u64,
    size_bytes: u64,
    checksum: String,
    #[serde(default)]
    object_key: Option<String>,
}

impl Feed {
    /// Reads every partition of both chunk topics until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let mut busy = false;
            for topic in [Topic::VodChunks, Topic::LiveChunks] {
                for partition in 0..topic.partitions() {
                    match self.pass(topic, partition).await {
                        Ok(count) => busy |= count > 0,
                        Err(error) => tracing::warn!(%topic, partition, %error, "the feed does not go on now; trying again"),
                    }
                }
            }
            if busy {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Takes up one batch of one partition; answers how many announcements it passed.
    async fn pass(&self, topic: Topic, partition: i32) -> anyhow::Result<usize> {
        let place = format!("feed:{topic}:{partition}");
        let Some(held) = self.store.hold(&place, &self.holder, LEASE).await? else { return Ok(0) };
        let mut after: i64 = held.position.parse().unwrap_or(-1);
        let messages = self.broker.read(topic, partition, Some(after).filter(|&at| at >= 0), BATCH).await?;
        for message in &messages {
            let (stream, outcome) = self.outcome(topic, message).await;
            let fact = Fact::Announced { topic, partition, offset: message.offset, stream, outcome };
            let guard = Guard::Feed { topic, partition, fence: held.fence, after };
            match self.store.record(&[fact], guard).await {
                Ok(_) => after = message.offset,
                Err(RecordError::Stale) => return Ok(0),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(messages.len())
    }

    /// The stream that the announcement names and what becomes of it: `accepted`, `own`, `parked: …` or `rejected: …`.
    async fn outcome(&self, topic: Topic, message: &Message) -> (Option<String>, String) {
        let announcement: Announcement = match serde_json::from_slice(&message.value) {
            Ok(announcement) => announcement,
            Err(error) => return (None, cut(&format!("rejected: not an announcement: {error}"))),
        };
        let stream = Some(announcement.stream_id.chars().take(80).collect());
        let outcome = if announcement.origin.as_deref() == Some(self.installation.as_str()) {
            "own".to_owned()
        } else if announcement.version > KNOWN_VERSION {
            format!("parked: version {} is not known to this build", announcement.version)
        } else {
            match self.check(topic, &announcement).await {
                Ok(()) => "accepted".to_owned(),
                Err(why) => cut(&format!("rejected: {why}")),
            }
        };
        (stream, outcome)
    }

    /// Whether the announced bytes are there and are what the announcement says.
    async fn check(&self, topic: Topic, announcement: &Announcement) -> Result<(), String> {
        let prefix = if topic == Topic::LiveChunks { "live-" } else { "vod-" };
        if !announcement.stream_id.starts_with(prefix) {
            return Err(format!("`stream_id` on `{topic}` begins with `{prefix}`"));
        }
        match announcement.checksum.len() {
            64 => {}
            32 => return Err("checksum is MD5; SHA-256 of the bytes is wanted, 64 hex digits".to_owned()),
            length => return Err(format!("checksum has {length} characters; SHA-256 of the bytes is wanted, 64 hex digits")),
        }
        let default = || format!("live-streams/{}/chunks/{}.ts", announcement.stream_id, announcement.chunk_index);
        let key = announcement.object_key.clone().unwrap_or_else(default);
        let key: Key = key.parse().map_err(|error: crate::model::key::KeyError| error.to_string())?;
        let size = self.blobs.size(&key).await.map_err(|error| error.to_string())?;
        if size != announcement.size_bytes {
            return Err(format!("`{key}` has {size} bytes, announced are {}", announcement.size_bytes));
        }
        let digest = digest(&self.blobs, &key).await.map_err(|error| error.to_string())?;
        if !digest.eq_ignore_ascii_case(&announcement.checksum) {
            return Err(format!("checksum of `{key}` is {digest}"));
        }
        Ok(())
    }
}

async fn digest(blobs: &Blobs, key: &Key) -> Result<String, BlobError> {
    let mut bytes = blobs.stream(key, None).await?;
    let mut hash = Sha256::new();
    while let Some(part) = bytes.try_next().await? {
        hash.update(&part);
    }
    Ok(hex::encode(hash.finalize()))
}

fn cut(text: &str) -> String {
    text.chars().take(REASON_CHARS).collect()
}
