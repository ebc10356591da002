//! Prometheus text, and what is counted of requests. Labels are path templates: never an id, never a token.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tracing::Instrument;

/// `/metrics` alone, for an address of its own.
pub fn router(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(move || async move { text(&handle) }))
}

fn text(handle: &PrometheusHandle) -> Response {
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}

/// Counts a request, times it until its header is out, and gives it a span.
pub async fn observe(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("dashboard", MatchedPath::as_str).to_owned();
    let method = method_of(&request);
    let began = Instant::now();
    let span = tracing::info_span!("http", method, path);
    let response = next.run(request).instrument(span).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("api_requests_total", "method" => method, "path" => path.clone(), "status" => status).increment(1);
    metrics::histogram!("api_request_duration_seconds", "method" => method, "path" => path).record(began.elapsed().as_secs_f64());
    response
}

/// A method is the client's word: only known ones become labels.
fn method_of(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
