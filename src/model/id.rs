//! Ids. Each is its own type, parsed once at the edge; a value of the type is safe inside an object key and a URL.

use serde::{Deserialize, Serialize};

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}")]
pub struct IdError {
    /// What was given, cut to 64 characters.
    pub given: String,
    /// What would be accepted.
    pub wanted: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// Makes an id from random bytes, which the caller takes from its source of randomness.
            pub fn from_random(bytes: [u8; 12]) -> Self {
                Self(format!("{}{}", $prefix, hex::encode(bytes)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_id(text, $prefix) {
                    return Ok(Self(text.to_owned()));
                }
                Err(IdError { given: text.chars().take(64).collect(), wanted: $wanted })
            }
        }
    };
}

/// `prefix` and then 12 to 64 lower-case hex digits.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        (12..=64).contains(&digits.len()) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

id!(
    /// A recording (`stream_id` and `video_id` on the routes).
    VideoId, "vod-", "a video id: `vod-` and at least 12 lower-case hex digits"
);
id!(
    /// One upload: the first part of the original's object key.
    UploadId, "up-", "an upload id: `up-` and at least 12 lower-case hex digits"
);
id!(
    /// A row of the task queue.
    TaskId, "task-", "a task id: `task-` and at least 12 lower-case hex digits"
);
id!(
    /// A person's account.
    AccountId, "acc-", "an account id: `acc-` and at least 12 lower-case hex digits"
);
id!(
    /// An API key's row, not its secret.
    ApiKeyId, "key-", "an API key id: `key-` and at least 12 lower-case hex digits"
);
id!(
    /// A playback session's row, not its token.
    PlaySessionId, "play-", "a playback session id: `play-` and at least 12 lower-case hex digits"
);
id!(
    /// One worker process.
    WorkerId, "worker-", "a worker id: `worker-` and at least 12 lower-case hex digits"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_its_own_form_and_nothing_else() {
        let id = VideoId::from_random([7; 12]);
        assert_eq!(id.as_str().parse::<VideoId>().unwrap(), id);
        for bad in ["", "vod-", "vod-12345", "vod-../../etc/passwd", "vod-ABCDEFABCDEF", "live-0123456789ab"] {
            assert!(bad.parse::<VideoId>().is_err(), "{bad}");
        }
    }
}
