//! The socket in the data folder: the command line talks to a running server through it. Only its owner can open it, so whoever
//! comes that way is the operator of this installation.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use super::identity::Peer;
use super::listen::{Limits, accept_loop};

/// Makes the socket at `path`: from now on a client can connect, and waits until it is served. The caller holds the folder's lock, so
/// a socket that is there is one that a crash left.
///
/// # Errors
/// When the socket cannot be made: no such folder, or a path of more than about 100 bytes.
pub fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the router on a socket that was made at `path`, until `stop`, and removes it; requests there count as an admin's.
///
/// # Errors
/// When the socket cannot be removed.
pub async fn listen_unix(
    listener: UnixListener,
    path: &Path,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<()> {
    let listener = Arc::new(listener);
    let accept = move || {
        let listener = Arc::clone(&listener);
        async move { Ok((listener.accept().await?.0, Peer::Local)) }
    };
    accept_loop(accept, router, limits, stop).await;
    std::fs::remove_file(path)
}
