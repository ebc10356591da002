//! Announcements that come by another way than the broker: they are put on the topic, and the feed takes them up from there.

use std::sync::Arc;

use crate::broker::{Broker, BrokerError, MESSAGE_MAX_BYTES, Message};
use crate::model::Topic;

/// Why an announcement was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// It cannot be a message of this topic.
    #[error("{0}")]
    Invalid(String),
    /// It is longer than a message may be.
    #[error("an announcement has at most {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The broker does not answer.
    #[error("{0}")]
    Down(String),
}

/// Puts announcements on the chunk topics.
#[derive(Clone)]
pub struct Announcer(Arc<dyn Broker>);

impl Announcer {
    /// Over this broker.
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self(broker)
    }

    /// Appends one announcement, a JSON object with a `stream_id`; answers partition and offset once it is durable.
    ///
    /// # Errors
    /// `Invalid`, `TooLarge`, `Down`.
    pub async fn announce(&self, topic: Topic, value: &[u8]) -> Result<(i32, i64), AnnounceError> {
        if value.len() > MESSAGE_MAX_BYTES {
            return Err(AnnounceError::TooLarge { limit: MESSAGE_MAX_BYTES });
        }
        let parsed: serde_json::Value = serde_json::from_slice(value)
            .map_err(|error| AnnounceError::Invalid(format!("an announcement is a JSON object: {error}")))?;
        let Some(stream) = parsed.get("stream_id").and_then(serde_json::Value::as_str).filter(|stream| !stream.is_empty()) else {
            return Err(AnnounceError::Invalid("an announcement is a JSON object with a `stream_id`, a text".to_owned()));
        };
        let message = Message { offset: 0, key: stream.to_owned(), value: value.to_vec() };
        let placed = self.0.publish(topic, &[message]).await.map_err(|error| match error {
            BrokerError::Refused(why) => AnnounceError::Invalid(why),
            BrokerError::Down(why) => AnnounceError::Down(why),
        })?;
        placed.first().copied().ok_or_else(|| AnnounceError::Down("the broker answered no position".to_owned()))
    }
}
