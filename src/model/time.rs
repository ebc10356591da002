//! A moment on the database's clock.

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z, as the database's clock gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// This moment moved by `ms` milliseconds (negative: back), saturating.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0) / 1000
    }

    /// RFC 3339 in UTC with milliseconds, the form in which every time leaves weir.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0).map(|moment| format!("{moment:.3}")).unwrap_or_default()
    }
}
