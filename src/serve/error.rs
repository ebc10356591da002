//! Errors as `application/problem+json` (RFC 9457) with a stable `code`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::blob::BlobError;
use crate::source::announce::AnnounceError;
use crate::source::upload::UploadError;
use crate::store::{EventsError, RecordError, StoreError};

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// There is no such thing.
    NotFound,
    /// The request cannot be understood.
    BadRequest,
    /// Nobody is signed in, or the key is not known.
    Unauthenticated,
    /// The role does not allow it.
    Forbidden,
    /// The `X-CSRF-Token` header is missing or wrong.
    Csrf,
    /// The state of the thing does not allow it.
    Conflict,
    /// The playback address is over.
    Gone,
    /// Playback is held back until the verdict allows it.
    Gated,
    /// The upload has no bytes.
    Empty,
    /// Too many bytes.
    TooLarge,
    /// The disk is too full.
    DiskReserve,
    /// The method or media type is not one that this address takes.
    Unsupported,
    /// The client was too slow.
    Timeout,
    /// The event cursor is older than what is kept.
    CursorExpired,
    /// Too many tries.
    RateLimited,
    /// The video is not judged yet.
    NotJudged,
    /// A part of weir does not answer.
    Down,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound | Self::NotJudged => StatusCode::NOT_FOUND,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Csrf | Self::Gated => StatusCode::FORBIDDEN,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Gone | Self::CursorExpired => StatusCode::GONE,
            Self::Empty => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::DiskReserve => StatusCode::INSUFFICIENT_STORAGE,
            Self::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Down => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// An error answer.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: Code,
    detail: String,
    retry_after_s: Option<u64>,
}

/// An error answer as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `about:blank`: `code` says what it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What went wrong, in words.
    detail: String,
    /// What went wrong, for programs.
    code: Code,
}

/// An answer or an error.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// An error with the status of its code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { status: code.status(), code, detail: detail.into(), retry_after_s: None }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same, saying when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Code::NotFound, detail)
    }

    /// There is no such video.
    pub fn no_video(id: &impl std::fmt::Display) -> Self {
        Self::not_found(format!("no video `{id}`"))
    }

    /// The request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, detail)
    }

    /// The state of the thing does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(Code::Conflict, detail)
    }

    /// A part does not answer: what exactly is logged here, once, and not told.
    pub fn down(error: &impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request could not be answered");
        Self::new(Code::Down, "a part of weir does not answer now; see /health").retry_after(2)
    }

    /// The body as bytes, for where no response type is at hand.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
        }
    }
}

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::down(&error)
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Conflict(why) => Self::conflict(why),
            RecordError::Stale | RecordError::TooLarge(_) | RecordError::Down(_) => Self::down(&error),
        }
    }
}

impl From<EventsError> for Problem {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Expired { oldest } => {
                Self::new(Code::CursorExpired, format!("events before `{oldest}` are gone; start without `after`"))
            }
            EventsError::Store(error) => error.into(),
        }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing(_) => Self::not_found("the object is not here"),
            other => Self::down(&other),
        }
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let code = match &error {
            UploadError::Empty => Code::Empty,
            UploadError::TooLarge { .. } => Code::TooLarge,
            UploadError::DiskReserve { .. } => Code::DiskReserve,
            UploadError::Conflict(_) => Code::Conflict,
            UploadError::Unknown(_) => Code::NotFound,
            UploadError::Invalid(_) | UploadError::Broken(_) => Code::BadRequest,
            UploadError::Down(_) => return Self::down(&error),
        };
        Self::new(code, error.to_string())
    }
}

impl From<AnnounceError> for Problem {
    fn from(error: AnnounceError) -> Self {
        let code = match &error {
            AnnounceError::Invalid(_) => Code::BadRequest,
            AnnounceError::TooLarge { .. } => Code::TooLarge,
            AnnounceError::Down(_) => return Self::down(&error),
        };
        Self::new(code, error.to_string())
    }
}
