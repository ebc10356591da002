//! One OS thread that starts every child.
//!
//! The kernel sends a child its parent-death signal when the *thread* that started it ends, so a child must not come from a thread
//! of a pool that shrinks. This thread lives as long as the process.

use std::io;
use std::sync::LazyLock;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

struct Request {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

static SPAWNER: LazyLock<Option<mpsc::Sender<Request>>> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel(64);
    let thread = std::thread::Builder::new().name("media-spawn".to_owned()).spawn(move || serve(receiver));
    thread.map(|_| sender).ok()
});

fn serve(mut requests: mpsc::Receiver<Request>) {
    while let Some(Request { mut command, runtime, reply }) = requests.blocking_recv() {
        let _entered = runtime.enter();
        // A caller that is gone drops the child here, which kills it: see `kill_on_drop` below.
        let _gone = reply.send(command.spawn());
    }
}

/// Starts a child, in a process group of its own, from the lasting thread. It is killed when the value is dropped.
///
/// # Errors
/// When the program is not there, or processes cannot be made.
pub async fn spawn(mut command: Command) -> io::Result<Child> {
    command.kill_on_drop(true).process_group(0);
    let spawner = SPAWNER.as_ref().ok_or_else(|| io::Error::other("the thread that starts children could not be made"))?;
    let (reply, answer) = oneshot::channel();
    let request = Request { command, runtime: Handle::current(), reply };
    spawner.send(request).await.map_err(|_| io::Error::other("the thread that starts children is gone"))?;
    answer.await.map_err(|_| io::Error::other("the thread that starts children is gone"))?
}
