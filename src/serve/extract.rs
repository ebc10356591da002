//! What handlers take out of a request; what does not fit is a [`Problem`].

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::error::{Code, Problem};

/// JSON bodies may be this long.
pub const JSON_BYTES: usize = 256 << 10;

/// The one parameter of the path, an id. A text that is no id names nothing: 404.
pub struct Id<T>(pub T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|error| Problem::not_found(error.body_text()))?;
        text.parse().map(Self).map_err(|error: T::Err| Problem::not_found(error.to_string()))
    }
}

/// The query string.
pub struct Args<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Args<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(args) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::bad_request(format!("query: {}", error.body_text())))?;
        Ok(Self(args))
    }
}

/// A JSON body. The content type must say so: that keeps forms of other sites out.
pub struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::Unsupported, "the body is `application/json`"));
        }
        json_of(request).await.map(Self)
    }
}

/// Whether the request says that its body is JSON.
pub fn is_json(headers: &axum::http::HeaderMap) -> bool {
    content_type(headers).is_some_and(|kind| kind == "application/json")
}

/// The content type without its parameters, lower case.
pub fn content_type(headers: &axum::http::HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads the body as JSON of at most [`JSON_BYTES`].
///
/// # Errors
/// `too_large`, `bad_request`.
pub async fn json_of<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let bytes = bytes_of(request, JSON_BYTES).await?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::bad_request(format!("body: {error}")))
}

/// Reads the body, at most `limit` bytes.
///
/// # Errors
/// `too_large`, `bad_request` when it breaks off.
pub async fn bytes_of(request: Request, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut stream = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| Problem::bad_request(format!("the body broke off: {error}")))?;
        if bytes.len() + part.len() > limit {
            return Err(Problem::new(Code::TooLarge, format!("the body has at most {limit} bytes")));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// A limit of a list: at most `max`, `default` where none is given.
pub fn limit_of(asked: Option<u32>, default: u32, max: u32) -> u32 {
    asked.unwrap_or(default).clamp(1, max)
}
