//! The first request header of a connection, read before hyper sees the connection: hyper closes slow ones without a word, and a
//! client should learn why. The bytes that were read are given back by [`Wire`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What came of a connection's first header.
#[derive(Debug)]
pub(super) enum Head {
    /// It is here; the bytes so far.
    Complete(BytesMut),
    /// It is longer than allowed.
    TooLarge,
    /// It began and did not end in time.
    TooSlow,
    /// The client went away, or never said anything.
    Closed,
}

/// Reads until the empty line that ends a header.
pub(super) async fn read(io: &mut (impl AsyncRead + Unpin), max_bytes: usize, timeout: Duration) -> Head {
    let deadline = Instant::now() + timeout;
    let mut bytes = BytesMut::with_capacity(4096);
    loop {
        match tokio::time::timeout_at(deadline, io.read_buf(&mut bytes)).await {
            Err(_) if bytes.is_empty() => return Head::Closed,
            Err(_) => return Head::TooSlow,
            Ok(Err(_) | Ok(0)) => return Head::Closed,
            Ok(Ok(count)) => {
                let end = end_of_header(&bytes, bytes.len() - count);
                if end.unwrap_or(bytes.len()) > max_bytes {
                    return Head::TooLarge;
                }
                if end.is_some() {
                    return Head::Complete(bytes);
                }
            }
        }
    }
}

/// Where the header ends; `seen` bytes were looked at before. Lines end in CRLF, or in LF alone, as hyper takes them.
fn end_of_header(bytes: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(2);
    let tail = bytes.get(from..)?;
    let crlf = tail.windows(3).position(|window| window == b"\n\r\n").map(|at| from + at + 3);
    let lf = tail.windows(2).position(|window| window == b"\n\n").map(|at| from + at + 2);
    crlf.into_iter().chain(lf).min()
}

/// A connection whose first bytes were read already, and which gives up when the client takes nothing for too long.
pub(super) struct Wire<T> {
    read: BytesMut,
    io: T,
    write_timeout: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<T> Wire<T> {
    pub(super) fn new(read: BytesMut, io: T, write_timeout: Duration) -> Self {
        Self { read, io, write_timeout, stalled: None }
    }

    pub(super) fn into_inner(self) -> T {
        self.io
    }

    /// Lets a write through, or ends it when it has waited too long.
    fn in_time<R>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.write_timeout;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Wire<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, into);
        }
        let count = self.read.len().min(into.remaining());
        into.put_slice(self.read.get(..count).unwrap_or_default());
        self.read.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bytes);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.in_time(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_over_the_seam_of_two_reads() {
        assert_eq!(end_of_header(b"GET / HTTP/1.1\r\n\r\nrest", 0), Some(18));
        assert_eq!(end_of_header(b"GET / HTTP/1.1\r\n\r\n", 17), Some(18));
        assert_eq!(end_of_header(b"GET / HTTP/1.1\n\n", 15), Some(16));
        assert_eq!(end_of_header(b"GET / HTTP/1.1\r\na: b\r\n", 0), None);
        assert_eq!(end_of_header(b"", 0), None);
    }

    #[tokio::test]
    async fn says_why_a_header_did_not_come() {
        let timeout = Duration::from_millis(100);
        let mut slow = client(vec![b"GET / HT"], Some(Duration::from_secs(5)));
        assert!(matches!(read(&mut slow, 1000, timeout).await, Head::TooSlow));
        let mut silent = client(vec![], Some(Duration::from_secs(5)));
        assert!(matches!(read(&mut silent, 1000, timeout).await, Head::Closed));
        let mut gone = client(vec![b"GET / HT"], None);
        assert!(matches!(read(&mut gone, 1000, timeout).await, Head::Closed));
        let mut long = client(vec![b"GET / HTTP/1.1\r\n", &[b'a'; 2000]], None);
        assert!(matches!(read(&mut long, 1000, timeout).await, Head::TooLarge));
    }

    /// A reader that gives these parts, then waits, then ends.
    fn client(parts: Vec<&'static [u8]>, wait: Option<Duration>) -> impl AsyncRead + Unpin {
        let (reader, mut writer) = tokio::io::duplex(64 << 10);
        tokio::spawn(async move {
            for part in parts {
                tokio::io::AsyncWriteExt::write_all(&mut writer, part).await.unwrap();
            }
            tokio::time::sleep(wait.unwrap_or_default()).await;
        });
        reader
    }
}
