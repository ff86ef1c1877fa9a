//! Clearing up: all versions, delete markers and uploads below the run's prefix, and its bucket if it made one.

use super::prepare::Owner;
use super::site::Site;
use super::{Event, Observer};
use crate::client::{Call, Connection, Take, Verb};
use crate::record::{Failure, FailureKind};
use crate::report::lines::Cleanup;
use esker_s3::encoding::encode;
use esker_s3::xml::read::{self, Listed};
use futures::future::join_all;

/// How many requests of DeleteObjects run at once.
const HANDS: usize = 4;
/// Entries of one of them. A thousand is S3's limit; fewer keep each short.
const BATCH: usize = 250;
/// Entries of a page of a list.
const PAGE: u32 = 1000;

/// Removes everything. `owner` says whether the bucket goes too; none: it is not known to be there.
pub(super) async fn clean_up(site: &Site, owner: Option<Owner>, observer: &mut dyn Observer) -> Cleanup {
    let Some(owner) = owner else { return Cleanup { removed: 0, left: None } };
    let mut removed = 0;
    let work = remove(site, owner, &mut removed, observer);
    let left = match tokio::time::timeout(site.settings.cleanup_timeout, work).await {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure.to_string()),
        Err(_) => Some(format!("not done within {:?}", site.settings.cleanup_timeout)),
    };
    let place = || format!("bucket {}, prefix {}", site.bucket, site.keys.prefix());
    Cleanup { removed, left: left.map(|why| format!("{}: {why}", place())) }
}

async fn remove(
    site: &Site,
    owner: Owner,
    removed: &mut u64,
    observer: &mut dyn Observer,
) -> Result<(), Failure> {
    let mut hands: Vec<Connection> = (0..HANDS).map(|number| site.connection(number)).collect();
    // A request that was given up may still take effect, after its key was passed by: look until there is nothing.
    while remove_versions(site, &mut hands, removed, observer).await? > 0 {}
    let hand = &mut hands[0];
    while abort_uploads(site, hand, removed).await? > 0 {}
    if owner == Owner::Run {
        hand.send(&Call::bucket(Verb::Delete, &site.bucket, ""), Take::Count).await?;
    }
    Ok(())
}

/// Removes what one walk through the list finds, and returns how much that was.
async fn remove_versions(
    site: &Site,
    hands: &mut [Connection],
    removed: &mut u64,
    observer: &mut dyn Observer,
) -> Result<u64, Failure> {
    let mut found = 0;
    let mut after: Option<(String, Option<String>)> = None;
    loop {
        let marker = after.as_ref().map(|(key, version)| (key.as_str(), version.as_deref()));
        let call = Call::list_versions(&site.bucket, site.keys.prefix(), marker, PAGE);
        let page = hands[0].send(&call, Take::Keep).await?;
        let page = read::versions(&page.body).map_err(|_| malformed("a list of versions"))?;
        // Whatever the server lists: nothing else is touched.
        let own = page.entries.into_iter().filter(|entry| entry.key.starts_with(site.keys.prefix()));
        let own: Vec<Listed> = own.collect();
        let batches = own.chunks(BATCH).zip(hands.iter_mut());
        let deletions = batches.map(|(batch, hand)| delete(site, hand, batch));
        join_all(deletions).await.into_iter().collect::<Result<Vec<()>, Failure>>()?;
        found += own.len() as u64;
        *removed += own.len() as u64;
        observer.see(&Event::Removed(*removed));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

async fn delete(site: &Site, hand: &mut Connection, batch: &[Listed]) -> Result<(), Failure> {
    let reply = hand.send(&Call::delete_all(&site.bucket, batch), Take::Keep).await?;
    let failures = read::delete_failures(&reply.body).map_err(|_| malformed("a result of DeleteObjects"))?;
    match failures.first() {
        Some((_, code)) => Err(Failure::status(200, Some(code))),
        None => Ok(()),
    }
}

async fn abort_uploads(site: &Site, hand: &mut Connection, removed: &mut u64) -> Result<u64, Failure> {
    let query = format!("uploads&prefix={}", encode(site.keys.prefix()));
    let page = hand.send(&Call::bucket(Verb::Get, &site.bucket, &query), Take::Keep).await?;
    let page = read::uploads(&page.body).map_err(|_| malformed("a list of uploads"))?;
    let mut aborted = 0;
    for upload in page.uploads.iter().filter(|upload| upload.key.starts_with(site.keys.prefix())) {
        let call = Call::upload(Verb::Delete, &site.bucket, &upload.key, "", &upload.upload_id);
        hand.send(&call, Take::Count).await?;
        aborted += 1;
    }
    *removed += aborted;
    Ok(aborted)
}

fn malformed(what: &str) -> Failure {
    Failure::new(FailureKind::Malformed, format!("{what} that is none"))
}
