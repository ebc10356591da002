//! Sinks: events that carry a topic go to the broker, at least once and in order per key.
//!
//! One holder at a time keeps the place `sink:broker` in the store. Every message carries its event's cursor as `seq`, so that a
//! reader recognises a repeat: `seq` at or below the last one of the same key. With the broker away everything else goes on, and the sink
//! catches up.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, BrokerError, Message};
use crate::model::{Cursor, Event, Topic, WorkerId};
use crate::store::{EventsError, Held, SharedStore, StoreError};

const PLACE: &str = "sink:broker";
const LEASE: Duration = Duration::from_secs(15);
const BATCH: usize = 256;
const RETRY: Duration = Duration::from_secs(1);

/// Publishes until `stop`; errors are logged and tried again.
pub async fn run(store: SharedStore, broker: Arc<dyn Broker>, holder: WorkerId, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match pass(&store, broker.as_ref(), &holder).await {
            Ok(0) => None,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "events are not published now; trying again");
                Some(RETRY)
            }
        };
        let wait = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => store.changed().await,
            }
        };
        tokio::select! {
            () = wait => {}
            () = stop.cancelled() => {}
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Events(#[from] EventsError),
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// Publishes one batch; answers how many events were passed, 0 when there is nothing or another process holds the place.
async fn pass(store: &SharedStore, broker: &dyn Broker, holder: &WorkerId) -> Result<usize, RelayError> {
    let Some(Held { position, fence }) = store.hold(PLACE, holder, LEASE).await? else { return Ok(0) };
    let after: Cursor = position.parse().unwrap_or_default();
    let events = match store.events(after, BATCH).await {
        Err(EventsError::Expired { oldest }) => {
            tracing::error!(%after, %oldest, "events were forgotten before they were published");
            store.advance(PLACE, fence, &oldest.to_string()).await?;
            return Ok(1);
        }
        other => other?,
    };
    let Some(last) = events.last() else { return Ok(0) };
    for &topic in Topic::ALL {
        let of_topic = events.iter().filter(|event| event.topic == Some(topic));
        publish(broker, topic, of_topic.map(message)).await?;
    }
    store.advance(PLACE, fence, &last.cursor.to_string()).await?;
    Ok(events.len())
}

/// Publishes the batch; when the broker refuses it, each message alone, so that only the refused one is left out.
async fn publish(broker: &dyn Broker, topic: Topic, messages: impl Iterator<Item = Message>) -> Result<(), BrokerError> {
    let messages: Vec<Message> = messages.collect();
    if messages.is_empty() {
        return Ok(());
    }
    match broker.publish(topic, &messages).await {
        Err(BrokerError::Refused(_)) => {}
        other => return other.map(|_| count(topic, &messages)),
    }
    for message in messages {
        match broker.publish(topic, std::slice::from_ref(&message)).await {
            Err(BrokerError::Refused(why)) => {
                tracing::error!(%topic, key = message.key, %why, "dead letter: the broker refuses an event");
            }
            other => other.map(|_| count(topic, &[message]))?,
        }
    }
    Ok(())
}

/// The seeds' names for what was published.
fn count(topic: Topic, messages: &[Message]) {
    let bytes: usize = messages.iter().map(|message| message.value.len()).sum();
    metrics::counter!("producer_messages_total", "topic" => topic.as_str()).increment(messages.len() as u64);
    metrics::counter!("producer_bytes_total", "topic" => topic.as_str()).increment(bytes as u64);
}

/// Chunk topics carry the seeds' flat message; the others an envelope.
fn message(event: &Event) -> Message {
    let flat = matches!(event.topic, Some(Topic::VodChunks | Topic::LiveChunks));
    let mut value = match (flat, event.data.as_object()) {
        (true, Some(object)) => object.clone(),
        _ => {
            let mut envelope = serde_json::Map::new();
            envelope.insert("kind".into(), event.kind.clone().into());
            envelope.insert("key".into(), event.key.clone().into());
            envelope.insert("at".into(), event.at.rfc3339().into());
            envelope.insert("data".into(), event.data.clone());
            envelope
        }
    };
    value.insert("seq".into(), event.cursor.to_string().into());
    Message { offset: 0, key: event.key.clone(), value: serde_json::Value::Object(value).to_string().into_bytes() }
}
