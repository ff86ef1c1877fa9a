//! What all parts of a run share: where it works, and as whom.

use super::settings::{Settings, Verify};
use crate::client::{Connection, Identity, Payload, Take};
use crate::plan::{Content, KeySpace};
use crate::record::Failure;
use esker_env::Clock;
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// Where a run works.
pub(super) struct Site {
    pub(super) settings: Settings,
    pub(super) bucket: String,
    pub(super) keys: KeySpace,
    pub(super) content: Content,
    pub(super) clock: Arc<dyn Clock>,
}

impl Site {
    /// A connection of its own for the worker of this number.
    pub(super) fn connection(&self, number: usize) -> Connection {
        let endpoint = &self.settings.endpoints[number % self.settings.endpoints.len()];
        let credentials = &self.settings.credentials;
        let identity = Identity::new(
            &credentials.access_key,
            &credentials.secret_key,
            &credentials.region,
            self.settings.payload_hash,
        );
        Connection::new(endpoint.clone(), identity, self.clock.clone(), self.settings.timeout)
    }

    /// The content of an object of this size from `offset` on, as a body of `bytes`.
    pub(super) fn payload(&self, key: &str, size: u64, offset: u64, bytes: u64) -> Payload {
        let place = self.content.place(key, size, offset);
        Payload::Content { content: self.content.clone(), place, bytes }
    }

    /// What to do with the body of a reply that holds `bytes` of an object from `offset` on.
    pub(super) fn take(&self, key: &str, size: u64, offset: u64, bytes: u64) -> Take {
        match self.settings.verify {
            Verify::Nothing => Take::Count,
            Verify::Everything => {
                let place = self.content.place(key, size, offset);
                Take::Verify { content: self.content.clone(), place, bytes }
            }
        }
    }

    /// The size of a prepared object.
    pub(super) fn prepared_size(&self, number: u64) -> u64 {
        self.settings.sizes.of(self.settings.seed, number)
    }
}

/// Does numbered jobs over several connections at once, until all are done, one fails, or it is stopped. Returns how
/// many were done.
pub(super) async fn share_out<F>(
    site: &Site,
    jobs: u64,
    stop: &CancellationToken,
    job: F,
) -> Result<u64, Failure>
where
    F: AsyncFn(&mut Connection, u64) -> Result<(), Failure>,
{
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let hands = site.settings.concurrency.clamp(1, HANDS_MAX);
    let hand = async |number| {
        let mut connection = site.connection(number);
        while !stop.is_cancelled() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= jobs {
                break;
            }
            if let Err(failure) = job(&mut connection, number).await {
                // No further job is begun.
                next.store(jobs, Ordering::Relaxed);
                return Err(failure);
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let ended: Vec<Result<(), Failure>> = join_all((0..hands).map(hand)).await;
    ended.into_iter().collect::<Result<Vec<()>, Failure>>()?;
    Ok(done.into_inner())
}

/// Connections that prepare or clear up at once.
const HANDS_MAX: usize = 32;
