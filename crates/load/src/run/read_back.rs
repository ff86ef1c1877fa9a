//! Some of what the load put is read again after it, by who remembers no content.

use super::site::{Site, share_out};
use super::worker::Written;
use crate::client::{Call, Connection, Take, Verb};
use crate::record::{Failure, FailureKind};
use crate::report::lines::{Count, ReadBack};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Reads objects again.
pub(super) async fn read_back(site: &Site, written: &[Written], stop: &CancellationToken) -> ReadBack {
    let failures: Mutex<BTreeMap<Failure, u64>> = Mutex::default();
    let job = async |connection: &mut Connection, number: u64| -> Result<(), Failure> {
        let Some(written) = usize::try_from(number).ok().and_then(|number| written.get(number)) else {
            return Ok(());
        };
        if let Err(failure) = read(site, connection, written).await {
            *failures.lock().unwrap_or_else(PoisonError::into_inner).entry(failure).or_default() += 1;
        }
        Ok(())
    };
    // No job fails.
    let checked = share_out(site, written.len() as u64, stop, job).await.unwrap_or_default();
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    ReadBack { checked, failures: Count::all(&failures) }
}

async fn read(site: &Site, connection: &mut Connection, written: &Written) -> Result<(), Failure> {
    let Written { key, size, version } = written;
    let call = |verb| match version {
        Some(version) => Call::version(verb, &site.bucket, key, version),
        None => Call::object(verb, &site.bucket, key, ""),
    };
    let size = match size {
        Some(size) => *size,
        None => {
            let head = connection.send(&call(Verb::Head), Take::Count).await?;
            let missing = || Failure::new(FailureKind::Malformed, "no length");
            head.content_length().ok_or_else(missing)?
        }
    };
    connection.send(&call(Verb::Get), site.take(key, size, 0, size)).await.map(drop)
}
