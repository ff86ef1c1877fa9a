//! What ends a node: a signal, its own failure, or that the cluster has given it up.
//!
//! The first signal lets the requests under way finish; another one, or a failure, cuts them off.

use crate::start_error::StartError;
use esker_types::NodeState;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

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

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What can end a node from within.
pub(crate) struct Ends {
    /// Becomes `Some` when a metadata replica has failed; none without the metadata role.
    pub(crate) failure: Option<watch::Receiver<Option<String>>>,
    /// Becomes `Some` when the cluster has given the node up.
    pub(crate) gone: watch::Receiver<Option<Given>>,
}

/// That a node was given up, or can't be taken in.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// It was declared lost, or removed.
    Up(NodeState),
    /// The cluster refuses it.
    Refusal(String),
}

/// Waits for the next signal; an error is the node's own failure.
pub(crate) async fn wait(signals: &mut Signals, ends: &mut Ends) -> Result<(), StartError> {
    let failed = async {
        let Some(failure) = &mut ends.failure else { return std::future::pending().await };
        let failed = failure.wait_for(Option::is_some).await;
        failed.ok().and_then(|failed| failed.clone())
    };
    tokio::select! {
        why = failed => Err(StartError::Failed(why.unwrap_or_else(|| "the replica is gone".to_owned()))),
        given = gone(&mut ends.gone) => Err(match given {
            Given::Up(state) => StartError::Gone(state),
            Given::Refusal(why) => StartError::Refused(why),
        }),
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

async fn gone(gone: &mut watch::Receiver<Option<Given>>) -> Given {
    if let Ok(given) = gone.wait_for(Option::is_some).await
        && let Some(given) = given.clone()
    {
        return given;
    }
    std::future::pending().await
}
