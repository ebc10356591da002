//! Announcements in, events out. Positions are kept in the store, so there is no consumer group in here.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::Topic;

mod embedded;

#[cfg(test)]
mod conformance;

pub use embedded::Embedded;

/// Which broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerUrl {
    /// `embedded:PATH`: append files in a folder of this machine.
    Embedded(PathBuf),
}

impl FromStr for BrokerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("embedded", path)) if !path.is_empty() => Ok(Self::Embedded(PathBuf::from(path))),
            _ => Err(format!("broker: cannot use `{text}`; it takes `embedded:PATH`")),
        }
    }
}

/// Opens it.
///
/// # Errors
/// When its files cannot be used.
pub fn open(url: &BrokerUrl) -> Result<Arc<dyn Broker>, BrokerError> {
    match url {
        BrokerUrl::Embedded(folder) => Ok(Arc::new(Embedded::open(folder)?)),
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Position in its partition; ignored on publish.
    pub offset: i64,
    /// What it is about; chooses the partition.
    pub key: String,
    /// JSON text, at most [`MESSAGE_MAX_BYTES`].
    pub value: Vec<u8>,
}

/// Topic limit of the seeds (`kafka_message_max_bytes`).
pub const MESSAGE_MAX_BYTES: usize = 1_048_576;

/// Why a broker did not do it.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// It will never take this message.
    #[error("message refused: {0}")]
    Refused(String),
    /// It does not answer now.
    #[error("broker: {0}")]
    Down(String),
}

/// What a partition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Topic.
    pub topic: Topic,
    /// Number, from 0.
    pub partition: i32,
    /// First position that is still there.
    pub first: i64,
    /// Position that the next message will get.
    pub next: i64,
}

/// A message broker.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Appends; returns the position of each once all are durable.
    async fn publish(&self, topic: Topic, messages: &[Message]) -> Result<Vec<(i32, i64)>, BrokerError>;
    /// The topic's partitions.
    async fn partitions(&self, topic: Topic) -> Result<Vec<Partition>, BrokerError>;
    /// Messages of one partition beyond `after` (none: from the first), at most `max`.
    async fn read(&self, topic: Topic, partition: i32, after: Option<i64>, max: usize) -> Result<Vec<Message>, BrokerError>;
}
