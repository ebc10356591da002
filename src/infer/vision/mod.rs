//! Asking a model that another server runs, with pictures: a vision endpoint in the form of OpenAI's chat completions, as vLLM, llama.cpp and
//! Ollama serve it (<https://platform.openai.com/docs/api-reference/chat/create>).
//!
//! This is weir's only outward connection while it analyses, see `docs/adr/0005-a-vision-endpoint.md`. It is made by [`Endpoint`], and only
//! to loopback and private addresses unless the configuration says otherwise; see [`address`].

pub mod address;
mod chat;
mod endpoint;
mod resolve;

use std::time::Duration;

use serde_json::Value;

pub use self::endpoint::{Allowed, Endpoint};
pub use self::resolve::Resolver;

/// A piece of what is asked, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part<'a> {
    /// Words.
    Text(&'a str),
    /// A picture, as the bytes of a JPEG file.
    Jpeg(&'a [u8]),
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What the model is to do, above all else.
    pub instructions: &'a str,
    /// What it is to look at.
    pub parts: &'a [Part<'a>],
    /// The JSON schema that the answer must match. Servers differ in how well they keep it: the caller checks.
    pub schema: &'a Value,
}

/// How long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Nothing is asked before that.
    pub pause: Duration,
    /// From the look-up of the name to the last byte of the answer.
    pub timeout: Duration,
}

/// What came of a question.
#[derive(Debug)]
pub struct Reply {
    /// The answer, or why there is none.
    pub answer: Result<Answer, VisionError>,
    /// How long it took, the pause included.
    pub took: Duration,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the model wrote: should be JSON that matches the schema.
    pub text: String,
    /// Whether the endpoint's address is neither loopback nor private.
    pub external: bool,
}

/// A model that looks at pictures and writes.
pub trait Vision: Send + Sync {
    /// Asks, and waits for the answer.
    fn ask(&self, question: &Question<'_>, terms: Terms) -> Reply;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VisionError {
    /// The endpoint is not asked: its address is not allowed, it redirects, its key cannot be read.
    #[error("refused: {0}")]
    Refused(String),
    /// It answered that it does not.
    #[error("the endpoint answered {status}: {words}")]
    Status {
        /// Of HTTP.
        status: u16,
        /// The begin of what it said.
        words: String,
    },
    /// It did not answer in time.
    #[error("no answer in {} s", .0.as_secs())]
    Timeout(Duration),
    /// There is no connection, or it broke.
    #[error("the endpoint is not reached: {0}")]
    Unreachable(String),
    /// The answer is too long or has another form.
    #[error("not an answer: {0}")]
    Form(String),
}

impl VisionError {
    /// Whether asking again, or asking anything else, would end the same way.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            // Request timeout, too early, too many requests.
            Self::Status { status, .. } => (400..500).contains(status) && ![408, 425, 429].contains(status),
            Self::Timeout(_) | Self::Unreachable(_) | Self::Form(_) => false,
        }
    }

    /// Whether the endpoint should be left alone for a moment.
    pub fn wants_pause(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::Unreachable(_))
    }
}
