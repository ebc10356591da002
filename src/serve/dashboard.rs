//! The dashboard's files, compiled in, and the headers that every answer carries.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::{Code, Problem};

/// What `make web` built. A debug build reads the folder, a release build carries it.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Files;

/// Shown when the dashboard was not built.
const NOT_BUILT: &str = include_str!("dashboard_missing.html");

/// Scripts and styles from here only; hls.js plays through `blob:` addresses and works in a `blob:` worker.
const POLICY: &str = "default-src 'self'; media-src 'self' blob:; img-src 'self' data: blob:; worker-src 'self' blob:; \
                      object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Any address that is no route: a file of the dashboard, or its page, which finds its own way from the address.
pub async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if !matches!(method, Method::GET | Method::HEAD) {
        return Problem::not_found("no such route").into_response();
    }
    if let Some(found) = Files::get(path).filter(|_| !path.is_empty()) {
        return file(path, &found, &headers);
    }
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return Problem::not_found("no such file").into_response();
    }
    match Files::get("index.html") {
        Some(index) => file("index.html", &index, &headers),
        None => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Html(NOT_BUILT)).into_response(),
    }
}

/// Below `/api` there are no pages.
pub async fn no_route() -> Problem {
    Problem::not_found("no such route; /docs lists them")
}

/// The route is there, with other methods.
pub async fn no_method() -> Problem {
    Problem::new(Code::Unsupported, "this route takes other methods; /docs lists them")
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// What is below `assets/` carries its digest in its name and never changes.
fn file(path: &str, found: &EmbeddedFile, request: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", hex::encode(found.metadata.sha256_hash()));
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = request.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let answer = [(header::CACHE_CONTROL, cache.to_owned()), (header::ETAG, etag)];
    if known {
        return (StatusCode::NOT_MODIFIED, answer).into_response();
    }
    (answer, [(header::CONTENT_TYPE, media_type(path))], found.data.clone().into_owned()).into_response()
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Headers of every answer. The referrer is never sent, because playback addresses carry their token; what does not say otherwise
/// is not stored by any cache.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let defaults = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
