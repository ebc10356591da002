//! How a command reaches the weir of a data folder: the server that holds it, or this process.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Listen, Running, SOCKET, lock, start};
use crate::config::Config;

/// A way to the weir of a data folder.
pub struct Local {
    socket: PathBuf,
    running: Option<Running>,
}

impl Local {
    /// Reaches the folder's weir; none when the command talks to a `remote` server instead. When no server holds the folder, this
    /// process opens it and does the work.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub async fn reach(config: Config, remote: bool) -> anyhow::Result<Option<Self>> {
        if remote {
            return Ok(None);
        }
        let socket = config.data.join(SOCKET);
        let running = match lock::ask(&config.data).with_context(|| format!("`{}`", config.data.display()))? {
            lock::Asked::Ours(lock) => Some(start(&config, lock, Listen::SocketOnly).await?),
            lock::Asked::Held { .. } => None,
        };
        Ok(Some(Self { socket, running }))
    }

    /// The socket to talk to.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Whether this process does the work.
    pub fn does_the_work(&self) -> bool {
        self.running.is_some()
    }

    /// Stops what was started.
    pub async fn stop(self) {
        if let Some(running) = self.running {
            running.stop().await;
        }
    }
}
