//! What is done before the load: a bucket, and objects in it.

use super::settings::Settings;
use super::site::{Site, share_out};
use super::{Event, Observer, RunError};
use crate::client::{Call, Connection, Take, Verb};
use crate::record::Failure;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// Whose the bucket is, and so who removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The run made it.
    Run,
    /// It was there.
    User,
}

/// Makes the bucket, or finds the one that was named.
pub(super) async fn bucket(
    settings: &Settings,
    name: &str,
    connection: &mut Connection,
) -> Result<Owner, RunError> {
    let failed = |what: &str| {
        let what = format!("{what} {name}");
        move |failure| RunError::Setup { what, failure }
    };
    if settings.bucket.is_some() {
        let call = Call::bucket(Verb::Head, name, "");
        connection.send(&call, Take::Count).await.map_err(failed("the bucket"))?;
        if settings.needs_versions() {
            let call = Call::bucket(Verb::Get, name, "versioning");
            let reply = connection.send(&call, Take::Keep).await.map_err(failed("the versioning of"))?;
            let state = String::from_utf8_lossy(&reply.body).into_owned();
            if !state.contains("<Status>Enabled</Status>") {
                return Err(RunError::Unversioned(name.to_owned()));
            }
        }
        return Ok(Owner::User);
    }
    let call = Call::bucket(Verb::Put, name, "");
    connection.send(&call, Take::Count).await.map_err(failed("making the bucket"))?;
    if settings.needs_versions() {
        let call = Call::enable_versioning(name);
        connection.send(&call, Take::Count).await.map_err(failed("enabling versions in"))?;
    }
    Ok(Owner::Run)
}

/// Puts the objects that the load reads, lists or deletes. Returns how many were put; fewer than are needed only if it
/// was stopped.
pub(super) async fn objects(
    site: &Site,
    observer: &mut dyn Observer,
    stop: &CancellationToken,
) -> Result<u64, RunError> {
    let settings = &site.settings;
    if !settings.workload.needs_objects() {
        return Ok(0);
    }
    let versions = u64::from(settings.versions);
    let total = settings.objects * versions;
    let bytes: u64 = match settings.sizes.fixed_size() {
        Some(size) => size.saturating_mul(total),
        None => (0..settings.objects).map(|number| site.prepared_size(number)).sum::<u64>() * versions,
    };
    if bytes > settings.put_bytes_max {
        return Err(RunError::TooMuch { bytes, max: settings.put_bytes_max });
    }
    let (put, observer) = (AtomicU64::new(0), Mutex::new(observer));
    let job = async |connection: &mut Connection, job: u64| -> Result<(), Failure> {
        // One worker puts all versions of an object only by chance; each version has the same size and content.
        let number = job % settings.objects;
        let (key, size) = (site.keys.prepared(number), site.prepared_size(number));
        let call = Call::object(Verb::Put, &site.bucket, &key, "").payload(site.payload(&key, size, 0, size));
        connection.send(&call, Take::Count).await?;
        let done = put.fetch_add(1, Ordering::Relaxed) + 1;
        observer.lock().unwrap_or_else(PoisonError::into_inner).see(&Event::Prepared { done, total });
        Ok(())
    };
    let failed = |failure| RunError::Setup { what: "putting the objects to work on".to_owned(), failure };
    share_out(site, total, stop, job).await.map_err(failed)
}
