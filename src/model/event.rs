//! Events: facts as other systems see them, in the order of a cursor.

use serde::{Deserialize, Serialize};

use super::Micros;
use super::video::states;

states!(
    /// Topics of the broker.
    Topic {
        /// Announcements of recorded chunks; also weir's own uploads.
        VodChunks = "vod-chunks",
        /// Announcements of live chunks.
        LiveChunks = "live-chunks",
        /// What analysers found.
        Detections = "detections",
        /// Verdicts and human labels.
        Verdicts = "verdicts",
        /// Who did what.
        Audit = "audit",
    }
);

impl Topic {
    /// How many partitions the topic has.
    pub fn partitions(self) -> i32 {
        match self {
            Self::LiveChunks => 6,
            Self::VodChunks | Self::Detections | Self::Verdicts | Self::Audit => 3,
        }
    }
}

/// Where a reader of events stands: (epoch, transaction, row). On SQLite epoch and transaction are constant 0.
/// As text `EPOCH.XID.ID`, opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    /// Grows when a database is restored or moved.
    pub epoch: i64,
    /// Transaction id (PostgreSQL).
    pub xid: i64,
    /// Row id.
    pub id: i64,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.epoch, self.xid, self.id)
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl TryFrom<String> for Cursor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('.').map(str::parse::<i64>);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(epoch)), Some(Ok(xid)), Some(Ok(id)), None) => Ok(Self { epoch, xid, id }),
            _ => Err(format!(
                "`{}` is not an event cursor; give back the `next` of a page or an event's id",
                text.chars().take(64).collect::<String>()
            )),
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place.
    pub cursor: Cursor,
    /// When it was recorded, to show.
    pub at: Micros,
    /// Where sinks publish it.
    pub topic: Option<Topic>,
    /// What it is about; order is kept per key.
    pub key: String,
    /// Stable name, for example `video.ready`.
    pub kind: String,
    /// The rest.
    pub data: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_the_same_name_everywhere() {
        for topic in Topic::ALL {
            assert_eq!(serde_json::to_value(topic).unwrap(), topic.as_str());
        }
    }
}
