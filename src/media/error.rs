//! Why a medium could not be used.

/// Why a medium could not be used. The text is `code: words`; the code is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// It has no bytes.
    #[error("empty: the file has no bytes")]
    Empty,
    /// It is nothing that weir plays; the words name the rule.
    #[error("unsupported_media: {0}")]
    Unsupported(String),
    /// It ends before what is needed to play it.
    #[error("truncated: {0}")]
    Truncated(String),
    /// It asks for more than is allowed; the words name the limit.
    #[error("over_limit: {0}")]
    OverLimit(String),
    /// The work took too long.
    #[error("timeout: {0}")]
    Timeout(String),
    /// The caller went away.
    #[error("cancelled")]
    Cancelled,
    /// ffmpeg, ffprobe or this machine failed in a way that says nothing of the medium.
    #[error("tool: {0}")]
    Tool(String),
}

impl MediaError {
    /// The stable word before the colon.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Unsupported(_) => "unsupported_media",
            Self::Truncated(_) => "truncated",
            Self::OverLimit(_) => "over_limit",
            Self::Timeout(_) => "timeout",
            Self::Cancelled => "cancelled",
            Self::Tool(_) => "tool",
        }
    }

    /// Whether the medium is at fault, so that no other try helps.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Timeout(_) | Self::Cancelled | Self::Tool(_))
    }

    /// A failure of this machine while it did `what`.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        Self::Tool(format!("{what}: {error}"))
    }
}
