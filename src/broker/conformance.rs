//! What every broker must do; each backend's tests call it.

use super::{Broker, BrokerError, MESSAGE_MAX_BYTES, Message};
use crate::model::Topic;

/// Runs the suite; `open` opens the same broker again.
pub(super) async fn conforms<B: Broker>(open: impl Fn() -> Result<B, BrokerError>) {
    let broker = open().unwrap();
    let topic = Topic::Detections;
    let messages: Vec<Message> = (0..500)
        .map(|n| Message { offset: 0, key: format!("key-{}", n % 7), value: format!("value {n}").into_bytes() })
        .collect();
    let places = broker.publish(topic, &messages).await.unwrap();
    assert_eq!(places.len(), messages.len());

    for (message, &(partition, offset)) in messages.iter().zip(&places) {
        let read = broker.read(topic, partition, Some(offset - 1), 1).await.unwrap();
        assert_eq!((&read[0].key, &read[0].value, read[0].offset), (&message.key, &message.value, offset));
    }
    for n in 0..7 {
        let of_key: Vec<_> = places.iter().skip(n).step_by(7).collect();
        assert!(of_key.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1 < pair[1].1), "order within a key");
    }

    let too_large = Message { offset: 0, key: "k".into(), value: vec![b'x'; MESSAGE_MAX_BYTES + 1] };
    assert!(matches!(broker.publish(topic, &[too_large]).await, Err(BrokerError::Refused(_))));

    let before = broker.partitions(topic).await.unwrap();
    assert_eq!(before.len() as i32, topic.partitions());
    assert_eq!(before.iter().map(|partition| partition.next - partition.first).sum::<i64>(), 500);
    drop(broker);
    let again = open().unwrap();
    assert_eq!(again.partitions(topic).await.unwrap(), before, "durable");
    assert_eq!(again.read(topic, 0, Some(1_000_000), 10).await.unwrap(), vec![], "beyond the end");
}
