//! The accept loop: hyper with deadlines that answer. A slow header or body gets 408, a long header 431; there is a bound on
//! connections, and a shutdown that lets requests end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::body::{Patience, PatientBody, Signals};
use super::error::{Code, PROBLEM_JSON, Problem};
use super::head::{self, Head, Wire};
use super::identity::Peer;

/// After an answer that ends the connection, what the client still sends is read and thrown away for so long, so that the answer
/// is not lost to a reset.
const LINGER: Duration = Duration::from_secs(2);
/// … and no more than this.
const LINGER_BYTES: u64 = 32 << 20;
/// When the system has no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A request header must be here by then.
    pub header_timeout: Duration,
    /// A request header has at most so many bytes.
    pub max_header_bytes: usize,
    /// In so much waiting time …
    pub body_timeout: Duration,
    /// … a body must bring at least so many bytes per second, on average.
    pub body_min_bytes_per_s: u64,
    /// A client that takes nothing of its answer for so long is left.
    pub write_timeout: Duration,
    /// Connections at the same time; more wait.
    pub max_connections: usize,
    /// On shutdown requests get so long to end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(20),
            max_header_bytes: 64 << 10,
            body_timeout: Duration::from_secs(20),
            body_min_bytes_per_s: 1024,
            write_timeout: Duration::from_mins(1),
            max_connections: 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// Serves the router on a TCP listener until `stop`, then lets open requests end.
pub async fn listen(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let listener = Arc::new(listener);
    let accept = move || {
        let listener = Arc::clone(&listener);
        async move {
            let (stream, address) = listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok((stream, Peer::Network(address.ip())))
        }
    };
    accept_loop(accept, router, limits, stop).await;
}

/// Takes connections and serves each in a task of its own.
pub(super) async fn accept_loop<T, A, F>(mut accept: A, router: Router, limits: Limits, stop: CancellationToken)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: FnMut() -> F,
    F: Future<Output = io::Result<(T, Peer)>>,
{
    let (connections, turns, kill) =
        (TaskTracker::new(), Arc::new(Semaphore::new(limits.max_connections)), CancellationToken::new());
    loop {
        let next = async {
            let turn = Arc::clone(&turns).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((turn, accept().await?))
        };
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = next => accepted,
        };
        let (turn, (io, peer)) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "could not take a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = Connection { router: router.clone(), peer, limits, stop: stop.clone(), kill: kill.clone() };
        connections.spawn(async move {
            connection.serve(io).await;
            drop(turn);
        });
    }
    // The listener goes with it: a client that comes now is refused at once instead of waiting in vain.
    drop(accept);
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait()).await.is_err() {
        kill.cancel();
        connections.wait().await;
    }
}

struct Connection {
    router: Router,
    peer: Peer,
    limits: Limits,
    stop: CancellationToken,
    kill: CancellationToken,
}

/// Says that the connection is over, before the connection itself goes.
struct SayClosed(Arc<AtomicBool>);

impl Drop for SayClosed {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Connection {
    async fn serve<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, mut io: T) {
        let first = tokio::select! {
            first = head::read(&mut io, self.limits.max_header_bytes, self.limits.header_timeout) => first,
            () = self.stop.cancelled() => return,
        };
        match first {
            Head::Complete(bytes) => self.requests(bytes, io).await,
            Head::TooLarge => {
                let problem =
                    Problem::new(Code::TooLarge, format!("a request header has at most {} bytes", self.limits.max_header_bytes));
                refuse(io, &problem.with_status(hyper::StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)).await;
            }
            Head::TooSlow => refuse(io, &Problem::new(Code::Timeout, "the request header did not come in time")).await,
            Head::Closed => {}
        }
    }

    async fn requests<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, read: BytesMut, io: T) {
        let closed = Arc::new(AtomicBool::new(false));
        let service = {
            let (router, peer, limits, closed) = (self.router, self.peer, self.limits, Arc::clone(&closed));
            service_fn(move |request| {
                let signals = Signals { closed: Arc::clone(&closed), ..Signals::default() };
                Box::pin(answer(router.clone(), peer, limits, signals, request))
            })
        };
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_header_size(self.limits.max_header_bytes);
        let wire = Wire::new(read, io, self.limits.write_timeout);
        let mut connection = builder.serve_connection(TokioIo::new(wire), service);
        let say_closed = SayClosed(closed);
        let mut ending = false;
        let outcome = loop {
            let done = tokio::select! {
                outcome = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(outcome),
                () = self.stop.cancelled(), if !ending => None,
                () = self.kill.cancelled() => return,
            };
            if let Some(outcome) = done {
                break outcome;
            }
            ending = true;
            Pin::new(&mut connection).graceful_shutdown();
        };
        drop(say_closed);
        match outcome {
            Ok(()) => linger(connection.into_parts().io.into_inner().into_inner()).await,
            Err(error) => tracing::debug!(%error, "a connection ended early"),
        }
    }
}

/// Answers one request; a body that was given up makes the answer 408, whatever the handler made of it.
async fn answer(
    router: Router,
    peer: Peer,
    limits: Limits,
    signals: Signals,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let min_bytes = limits.body_min_bytes_per_s.saturating_mul(limits.body_timeout.as_secs()).max(1);
    let patience = Patience { window: limits.body_timeout, min_bytes };
    let mut request = request.map(|body| Body::new(PatientBody::new(body, patience, signals.clone())));
    request.extensions_mut().insert(peer);
    let response = router.oneshot(request).await?;
    if signals.too_slow.load(Ordering::Acquire) {
        return Ok(Problem::new(Code::Timeout, "the body came too slowly").into_response());
    }
    Ok(response)
}

/// Answers a client that hyper never saw.
async fn refuse<T: AsyncRead + AsyncWrite + Unpin>(mut io: T, problem: &Problem) {
    let body = problem.to_json();
    let status = problem.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let text = format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        status.as_u16(),
        body.len()
    );
    let written = tokio::time::timeout(LINGER, io.write_all(text.as_bytes())).await;
    if matches!(written, Ok(Ok(()))) {
        linger(io).await;
    }
}

/// Closes our side and reads what is still on its way, so that the client gets to read the answer.
async fn linger<T: AsyncRead + AsyncWrite + Unpin>(mut io: T) {
    let reading = async {
        io.shutdown().await?;
        tokio::io::copy(&mut io.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    if let Ok(Err(error)) = tokio::time::timeout(LINGER, reading).await {
        tracing::trace!(%error, "a connection was gone before it was closed");
    }
}
