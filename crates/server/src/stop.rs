//! What ends a node: a signal, or its own failure.
//!
//! The first signal lets the requests under way finish; another one, or a failure, cuts them off.

use crate::run::StartError;
use esker_metadata::MetadataHandle;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask the node to stop. While this exists they no longer end the process by themselves.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Waits for the next signal; an error is the node's own failure.
pub(crate) async fn wait(signals: &mut Signals, handle: &MetadataHandle) -> Result<(), StartError> {
    let mut failure = handle.failure();
    tokio::select! {
        failed = failure.wait_for(Option::is_some) => {
            let why = failed.ok().and_then(|failed| failed.clone());
            Err(StartError::Failed(why.unwrap_or_else(|| "the replica is gone".to_owned())))
        }
        _ = signals.terminate.recv() => {
            tracing::info!("SIGTERM: finishing the requests under way");
            Ok(())
        }
        _ = signals.interrupt.recv() => {
            tracing::info!("interrupted: finishing the requests under way");
            Ok(())
        }
    }
}
