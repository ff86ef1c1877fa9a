//! The committer's thread.

use super::batch::CommitBatch;
use super::{Request, Requests, exclusive};
use crate::core::Core;
use esker_env::{OneThread, disk_delay};
use esker_rpc::StorageError;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// The most requests that share a commit: bounds what one fdatasync and one index commit are worth.
const BATCH_MAX: usize = 1024;

/// How long a store that closes waits for the next sign of life of a put in progress.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// The committer of one store.
#[derive(Debug)]
pub(crate) struct Committer {
    requests: Option<Requests>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread, or the task where there are no threads. It ends when it is closed, or when all ways to it
    /// are gone.
    pub(crate) fn spawn(core: Arc<Core>) -> io::Result<Committer> {
        let (requests, receiver) = Requests::new();
        if OneThread::is_here() {
            tokio::spawn(run_in_turn(core, receiver, requests.arrived()));
            return Ok(Committer { requests: Some(requests), thread: None });
        }
        let builder = std::thread::Builder::new().name("storage-commit".into());
        let thread = builder.spawn(move || {
            let _retires = RetireOnPanic(&core);
            run(&core, &receiver);
        })?;
        Ok(Committer { requests: Some(requests), thread: Some(thread) })
    }

    /// A way to the committer.
    ///
    /// # Panics
    /// Never: it is there until the committer is dropped.
    pub(crate) fn requests(&self) -> &Requests {
        self.requests.as_ref().unwrap_or_else(|| unreachable!("taken by drop only"))
    }

    /// Asks for something and awaits the answer.
    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, StorageError>>) -> Request,
    ) -> Result<T, StorageError> {
        let (reply, answer) = oneshot::channel();
        let closed = || StorageError::Failed("the store is closed".into());
        self.requests().send(request(reply)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// Waits for the thread, and with it for the last fragment on its way to the disk: each holds a way to the
/// committer. So a store that was dropped doesn't write behind the back of the next one.
impl Drop for Committer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Retires the disk if the thread panics: nobody would make writes durable any more, and health must say so.
struct RetireOnPanic<'a>(&'a Core);

impl Drop for RetireOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The panic's own message is on standard error.
            drop(self.0.retire("the committer panicked"));
        }
    }
}

/// What the thread does after a request.
enum Next {
    Continue,
    Stop,
}

fn run(core: &Core, receiver: &Receiver<Request>) {
    while let Ok(first) = receiver.recv() {
        if let Next::Stop = commit(core, receiver, first) {
            return;
        }
    }
}

/// The committer as a task.
async fn run_in_turn(core: Arc<Core>, receiver: Receiver<Request>, arrived: Arc<Notify>) {
    let _retires = RetireOnPanic(&core);
    loop {
        let next = receiver.try_recv();
        match next {
            Ok(first) => {
                disk_delay().await;
                if let Next::Stop = commit(&core, &receiver, first) {
                    return;
                }
            }
            Err(TryRecvError::Empty) => arrived.notified().await,
            Err(TryRecvError::Disconnected) => return,
        }
    }
}

/// Commits a request with those that wait behind it.
fn commit(core: &Core, receiver: &Receiver<Request>, first: Request) -> Next {
    let mut batch = CommitBatch::new(core);
    let mut request = Some(first);
    for _ in 0..BATCH_MAX {
        let Some(current) = request.take() else { break };
        if let Next::Stop = handle(core, receiver, &mut batch, current) {
            return Next::Stop;
        }
        request = receiver.try_recv().ok();
    }
    if let Some(last) = request
        && let Next::Stop = handle(core, receiver, &mut batch, last)
    {
        return Next::Stop;
    }
    batch.finish();
    exclusive::seal_ready(core);
    Next::Continue
}

fn handle<'a>(
    core: &'a Core,
    receiver: &Receiver<Request>,
    batch: &mut CommitBatch<'a>,
    request: Request,
) -> Next {
    match request {
        Request::Put { write, replaces, reply } => batch.put(write, replaces, reply),
        Request::Forget(abandoned) => batch.forget(*abandoned),
        Request::Delete { blobs, reply } => batch.delete(&blobs, reply),
        Request::Moved { moves, reply } => batch.moved(moves, reply),
        Request::Fence { fences, reply } => batch.fence(&fences, reply),
        Request::Rebury { tombstones, reply } => batch.rebury(&tombstones, reply),
        Request::ReserveMoves { segment, fragments, reply } => {
            // If the caller went away, dropping the slots leaves dead space and nothing else.
            let _ = reply.send(exclusive::reserve_moves(core, batch, segment, &fragments));
        }
        Request::Remove { segment, reply } => {
            std::mem::replace(batch, CommitBatch::new(core)).finish();
            let _ = reply.send(exclusive::remove(core, segment));
        }
        Request::Close { reply } => {
            std::mem::replace(batch, CommitBatch::new(core)).finish();
            finish_writes(core, receiver);
            let _ = reply.send(exclusive::close(core));
            return Next::Stop;
        }
    }
    Next::Continue
}

/// Settles the puts that were in progress when the store began to close, so that none of them turns up later.
fn finish_writes(core: &Core, receiver: &Receiver<Request>) {
    while !core.writes.is_zero() {
        // A put whose caller doesn't drive it any more can't end; what it leaves is as after a crash.
        let Ok(request) = receiver.recv_timeout(CLOSE_WAIT) else { return };
        let mut batch = CommitBatch::new(core);
        match request {
            Request::Close { .. } => {}
            request => drop(handle(core, receiver, &mut batch, request)),
        }
        batch.finish();
    }
}
