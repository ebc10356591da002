//! Object keys. The first element is the seeds' bucket; every other part is an id or a fixed word, never a user's text.

use serde::{Deserialize, Serialize};

use super::{TaskId, UploadId, VideoId};

/// The key of one object, or of a folder of objects: relative, `/`-separated, no empty or dotted element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// A text that is not an object key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an object key: relative, elements of letters, digits, `-`, `_` and `.`, none of them starting with `.`")]
pub struct KeyError(String);

impl Key {
    /// The bytes of one upload, as they came.
    pub fn original(upload: &UploadId) -> Self {
        Self(format!("vod-raw/{upload}/source"))
    }

    /// Where one attempt of a stage writes: `vod-variants/{video}/{task}-{token}`. A later attempt has another token, so
    /// a key is never written twice.
    pub fn attempt(video: &VideoId, task: &TaskId, token: i64) -> Self {
        Self(format!("vod-variants/{video}/{task}-{token}"))
    }

    /// Like [`Key::attempt`], for playlists: `manifests/{video}/{task}-{token}`.
    pub fn manifests(video: &VideoId, task: &TaskId, token: i64) -> Self {
        Self(format!("manifests/{video}/{task}-{token}"))
    }

    /// This key with one more element (or several, `/`-separated).
    ///
    /// # Errors
    /// When the result would not be a key.
    pub fn join(&self, rest: &str) -> Result<Self, KeyError> {
        format!("{}/{rest}", self.0).parse()
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `self` is `folder` or lies under it.
    pub fn is_under(&self, folder: &Key) -> bool {
        self.0.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl std::str::FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let ok = text.len() <= 512 && text.split('/').all(is_element);
        if ok { Ok(Self(text.to_owned())) } else { Err(KeyError(text.chars().take(80).collect())) }
    }
}

fn is_element(element: &str) -> bool {
    !element.is_empty()
        && !element.starts_with('.')
        && element.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_leave_the_folder() {
        for bad in ["", "/etc", "a//b", "a/../b", "a/.hidden", "a/b c", "a\\b", "a/é"] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
        let folder: Key = "vod-raw/up-1".parse().unwrap();
        assert!(folder.join("source").unwrap().is_under(&folder));
        assert!(!"vod-raw/up-12".parse::<Key>().unwrap().is_under(&folder));
    }
}
