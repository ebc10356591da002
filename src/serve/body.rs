//! A request body that does not wait forever: the client gets a stretch of time in which it must send at least so much.
//!
//! Only time that weir waits for the client counts, not time in which weir is slow to take what is there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::HttpBody;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body came too slowly")]
    TooSlow,
    #[error("the connection closed before the body ended")]
    Closed,
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

/// How patient a body is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Waiting time in which …
    pub(super) window: Duration,
    /// … at least so many bytes must come.
    pub(super) min_bytes: u64,
}

/// What the connection and its bodies tell each other.
#[derive(Debug, Default, Clone)]
pub(super) struct Signals {
    /// The body was given up: the answer is 408.
    pub(super) too_slow: Arc<AtomicBool>,
    /// The connection is over. hyper ends a body cleanly when it drops a connection, so the body must ask.
    pub(super) closed: Arc<AtomicBool>,
}

/// A body with limited patience.
pub(super) struct PatientBody<B = Incoming> {
    inner: B,
    patience: Patience,
    signals: Signals,
    waited: Duration,
    bytes: u64,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> PatientBody<B> {
    pub(super) fn new(inner: B, patience: Patience, signals: Signals) -> Self {
        Self { inner, patience, signals, waited: Duration::ZERO, bytes: 0, waiting: None }
    }

    /// Counts what came; enough of it begins a new stretch.
    fn came(&mut self, bytes: u64) {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes;
        if self.bytes >= self.patience.min_bytes {
            self.bytes = 0;
            self.waited = Duration::ZERO;
        }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.patience.window.saturating_sub(self.waited);
        let (_, timer) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
        timer.as_mut().poll(cx)
    }
}

impl<B> HttpBody for PatientBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    BodyError: From<B::Error>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.came(frame.data_ref().map_or(0, |data| data.len() as u64));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) if self.signals.closed.load(Ordering::Acquire) => Poll::Ready(Some(Err(BodyError::Closed))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.poll_patience(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => {
                    self.signals.too_slow.store(true, Ordering::Release);
                    Poll::Ready(Some(Err(BodyError::TooSlow)))
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::StreamExt;

    use super::*;

    impl From<axum::Error> for BodyError {
        fn from(_: axum::Error) -> Self {
            Self::Closed
        }
    }

    const PATIENCE: Patience = Patience { window: Duration::from_millis(400), min_bytes: 20 };

    /// A client that sends `size` bytes after every pause.
    async fn send(size: usize, pauses: Vec<Duration>) -> (Duration, Option<String>) {
        let parts = futures::stream::iter(pauses).then(move |pause| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![0; size]))
        });
        let mut body = Body::new(PatientBody::new(Body::from_stream(parts), PATIENCE, Signals::default())).into_data_stream();
        let began = Instant::now();
        while let Some(part) = body.next().await {
            if let Err(error) = part {
                return (began.elapsed(), Some(error.to_string()));
            }
        }
        (began.elapsed(), None)
    }

    #[tokio::test]
    async fn gives_up_on_a_trickle_and_not_on_a_steady_flow() {
        let every = |ms, count| vec![Duration::from_millis(ms); count];
        let (after, error) = send(1, every(40, 100)).await;
        assert_eq!(error.as_deref(), Some("the body came too slowly"));
        assert!((400..800).contains(&after.as_millis()), "{after:?}");
        let (after, error) = send(1, every(5000, 1)).await;
        assert!(error.is_some() && after.as_millis() < 2000, "{after:?}");
        assert_eq!(send(10, every(90, 10)).await.1, None, "20 bytes come in 180 ms, again and again");
    }

    #[tokio::test]
    async fn does_not_count_time_in_which_nobody_reads() {
        let parts = futures::stream::iter((0..5).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"x"))));
        let mut body = Body::new(PatientBody::new(Body::from_stream(parts), PATIENCE, Signals::default())).into_data_stream();
        while let Some(part) = body.next().await {
            part.unwrap();
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    #[tokio::test]
    async fn an_end_after_the_connection_closed_is_no_end() {
        let signals = Signals::default();
        let mut body = Body::new(PatientBody::new(Body::empty(), PATIENCE, signals.clone())).into_data_stream();
        signals.closed.store(true, Ordering::Release);
        assert!(matches!(body.next().await, Some(Err(_))));
    }
}
