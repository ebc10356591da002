//! Cursor pages of lists.

use serde::{Deserialize, Serialize};

/// One page of a list and the token that continues it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, newest first unless the query says otherwise.
    pub items: Vec<T>,
    /// Give it back to read on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<PageToken>,
}

/// Where a page ended: the sort key and the id of its last row. Opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PageToken {
    /// Sort key of the last row.
    pub at: i64,
    /// Id of the last row, which breaks ties.
    pub id: String,
}

impl From<PageToken> for String {
    fn from(token: PageToken) -> Self {
        hex::encode(format!("{}:{}", token.at, token.id))
    }
}

impl TryFrom<String> for PageToken {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for PageToken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "`cursor` is not a page token; give back the `next` of the page before".to_owned();
        if text.len() > 256 {
            return Err(wrong());
        }
        let plain = hex::decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(wrong)?;
        let (at, id) = plain.split_once(':').ok_or_else(wrong)?;
        Ok(Self { at: at.parse().map_err(|_| wrong())?, id: id.to_owned() })
    }
}
