//! Objects over HTTP: entity tags, conditional and range requests (RFC 9110), streamed from the blobs.
//!
//! A key is written once, so the key itself makes a strong entity tag.

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::{Answer, Problem};
use super::identity::sha256_hex;
use crate::blob::Blobs;
use crate::model::Key;

/// How an object is answered.
#[derive(Debug, Clone, Copy)]
pub struct Serving {
    /// Its media type.
    pub content_type: &'static str,
    /// `Cache-Control`.
    pub cache: &'static str,
}

/// What the range header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Nothing,
}

/// Answers an object: 200, 206, 304 or 416.
///
/// # Errors
/// `not_found` when it is not there.
pub async fn object(blobs: &Blobs, key: &Key, serving: Serving, request: &HeaderMap) -> Answer<Response> {
    let etag = etag(key);
    let size = blobs.size(key).await?;
    if not_modified(request, &etag) {
        return respond(StatusCode::NOT_MODIFIED, &etag, serving, Body::empty());
    }
    let (status, range) = match wanted(request, &etag, size) {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => {
            let mut response = respond(StatusCode::RANGE_NOT_SATISFIABLE, &etag, serving, Body::empty())?;
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            set(&mut response, header::CONTENT_RANGE, format!("bytes */{size}"))?;
            return Ok(response);
        }
    };
    let body = if range.is_empty() { Body::empty() } else { Body::from_stream(blobs.stream(key, Some(range.clone())).await?) };
    let mut response = respond(status, &etag, serving, body)?;
    set(&mut response, header::CONTENT_LENGTH, (range.end - range.start).to_string())?;
    if status == StatusCode::PARTIAL_CONTENT {
        set(&mut response, header::CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1))?;
    }
    Ok(response)
}

fn respond(status: StatusCode, etag: &str, serving: Serving, body: Body) -> Answer<Response> {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(serving.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(serving.cache));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set(&mut response, header::ETAG, etag.to_owned())?;
    Ok(response)
}

fn set(response: &mut Response, name: header::HeaderName, value: String) -> Answer<()> {
    let value = HeaderValue::try_from(value).map_err(|error| Problem::down(&error))?;
    response.headers_mut().insert(name, value);
    Ok(())
}

fn etag(key: &Key) -> String {
    let digest = sha256_hex(key.as_str().as_bytes());
    format!("\"{}\"", digest.get(..32).unwrap_or(&digest))
}

fn not_modified(request: &HeaderMap, etag: &str) -> bool {
    let tags = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|line| line.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// One range is answered; several, or one that cannot be read, get the whole object, which RFC 9110 allows.
fn wanted(request: &HeaderMap, etag: &str, size: u64) -> Wanted {
    if request.get(header::IF_RANGE).is_some_and(|condition| condition.as_bytes() != etag.as_bytes()) {
        return Wanted::Whole;
    }
    let Some(text) = request.get(header::RANGE).and_then(|range| range.to_str().ok()) else { return Wanted::Whole };
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Wanted::Whole;
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(length)) if first.is_empty() => size.saturating_sub(length)..size,
        _ => return Wanted::Whole,
    };
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        wanted(&headers, "\"tag\"", 100)
    }

    #[test]
    fn reads_ranges_as_rfc_9110_has_them() {
        assert_eq!(asked("bytes=0-9"), Wanted::Part(0..10));
        assert_eq!(asked("bytes=90-"), Wanted::Part(90..100));
        assert_eq!(asked("bytes=-5"), Wanted::Part(95..100));
        assert_eq!(asked("bytes=-500"), Wanted::Part(0..100));
        assert_eq!(asked("bytes=99-1000"), Wanted::Part(99..100));
        assert_eq!(asked("bytes=0-18446744073709551615"), Wanted::Part(0..100));
        for nothing in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(asked(nothing), Wanted::Nothing, "{nothing}");
        }
        for whole in ["bytes=9-0", "bytes=0-1,5-6", "lines=0-1", "bytes=x-", "bytes=-"] {
            assert_eq!(asked(whole), Wanted::Whole, "{whole}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=0-9".parse().unwrap());
        headers.insert(header::IF_RANGE, "\"other\"".parse().unwrap());
        assert_eq!(wanted(&headers, "\"tag\"", 100), Wanted::Whole);
    }
}
