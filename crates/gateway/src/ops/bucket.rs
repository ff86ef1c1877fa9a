//! ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation.

use super::{OpBody, OpContext, owner};
use crate::metadata::ProposeError;
use crate::refusal::s3_error;
use crate::reply::{BUCKET_REGION, Reply, ReplyExt as _, empty, xml};
use crate::route::{Freshness, Route, unexpected};
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Refusal, Step};
use esker_index::query::{Answer, Query};
use esker_index::records::DirectoryState;
use esker_s3::request::operation::ListBuckets;
use esker_s3::xml::read;
use esker_s3::xml::results::{BucketEntry, ListBucketsResult, LocationResult};
use esker_s3::{ErrorCode, S3Error};
use esker_types::limits::LIST_BUCKETS_MAX;
use esker_types::{BucketName, GroupId};
use hyper::http::{StatusCode, header};
use tracing::Instrument as _;

/// Tries to create a bucket whose name is being given back, or whose first creation was interrupted, before the
/// client is asked to try again.
const CREATE_TRIES: usize = 4;

pub(super) async fn list(cx: OpContext<'_>, input: &ListBuckets) -> Result<Reply, S3Error> {
    let region = &cx.core.settings.region;
    let elsewhere = input.bucket_region.as_ref().is_some_and(|wanted| wanted != region);
    let query = Query::Directories {
        prefix: input.prefix.clone(),
        after: input.resume_after.clone(),
        limit: input.max_buckets.map_or(LIST_BUCKETS_MAX, usize::from),
    };
    let (entries, more) = match cx.core.metadata.query(GroupId::DIRECTORY, query).await? {
        _ if elsewhere => (Vec::new(), false),
        Answer::Directories { entries, more } => (entries, more),
        other => return Err(unexpected(&other)),
    };
    let next = entries.last().map(|(name, _)| name.clone()).filter(|_| more);
    let buckets = entries
        .into_iter()
        .filter(|(_, entry)| entry.owner == cx.account)
        .map(|(name, entry)| BucketEntry { name, created: entry.created, region: region.clone() })
        .collect();
    let result = ListBucketsResult { owner: owner(cx.account), buckets, next, prefix: input.prefix.clone() };
    Ok(xml(result.to_xml()))
}

pub(super) async fn head(cx: OpContext<'_>, bucket: &BucketName) -> Result<Reply, S3Error> {
    cx.core.bucket(bucket).await?;
    Ok(empty(StatusCode::OK).with(BUCKET_REGION, &cx.core.settings.region))
}

pub(super) async fn location(cx: OpContext<'_>, bucket: &BucketName) -> Result<Reply, S3Error> {
    cx.core.bucket(bucket).await?;
    Ok(xml(LocationResult { region: &cx.core.settings.region }.to_xml()))
}

/// Takes the name in the directory, opens the incarnation in the group that will order it, then shows it. A
/// creation that stopped half-way is finished by the next one.
pub(super) async fn create(cx: OpContext<'_>, name: &BucketName, body: OpBody) -> Result<Reply, S3Error> {
    read::create_bucket_configuration(&body.document(cx).await?, &cx.core.settings.region)?;
    for _ in 0..CREATE_TRIES {
        match take_name(cx, name).await? {
            Taken::Now(route) => {
                if open_and_show(cx, name, route).await? == Shown::Yes {
                    let location = format!("/{name}");
                    return Ok(empty(StatusCode::OK).with(header::LOCATION, location));
                }
            }
            Taken::Before(route) => remove_if_sealed(cx, name, route).await?,
        }
    }
    // The name is being created and deleted by others faster than this request can follow.
    Err(ErrorCode::OperationAborted.into())
}

enum Taken {
    /// The name is this request's, to open.
    Now(Route),
    /// The account had it already, and it was shown.
    Before(Route),
}

async fn take_name(cx: OpContext<'_>, name: &BucketName) -> Result<Taken, S3Error> {
    let groups = &cx.core.settings.data_groups;
    let at = usize::try_from(cx.core.random.below(groups.len().max(1) as u64)).unwrap_or(0);
    let group = groups.get(at).copied().unwrap_or(GroupId::DIRECTORY);
    let command = CommandBody::CreateBucket { name: name.clone(), owner: cx.account.to_owned(), group };
    match cx.core.metadata.propose(GroupId::DIRECTORY, command, None).await {
        Ok(Done::BucketCreating { bucket, group }) => Ok(Taken::Now(Route { bucket, group })),
        Ok(other) => Err(unexpected(&other)),
        Err(ProposeError::Refused(Refusal::BucketAlreadyOwnedByYou { bucket, group })) => {
            let route = Route { bucket, group };
            match cx.core.directory_entry(name).await? {
                Some(entry) if entry.id == bucket && entry.state == DirectoryState::Active => {
                    Ok(Taken::Before(route))
                }
                // Another's creation stopped half-way, or is under way; finishing it twice is harmless.
                _ => Ok(Taken::Now(route)),
            }
        }
        Err(error) => Err(s3_error(error)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Yes,
    /// The name was given back meanwhile.
    No,
}

async fn open_and_show(cx: OpContext<'_>, name: &BucketName, route: Route) -> Result<Shown, S3Error> {
    let Route { bucket, group } = route;
    let open = CommandBody::OpenBucket { bucket, name: name.clone(), owner: cx.account.to_owned() };
    cx.core.metadata.propose(group, open, None).await.map_err(s3_error)?;
    let show = CommandBody::ActivateBucket { name: name.clone(), bucket };
    match cx.core.metadata.propose(GroupId::DIRECTORY, show, None).await {
        Ok(_) => Ok(Shown::Yes),
        Err(ProposeError::Refused(Refusal::NoSuchBucket)) => Ok(Shown::No),
        Err(error) => Err(s3_error(error)),
    }
}

/// 409 if the bucket is there; if it is sealed, gives back its name, which its deletion left taken.
async fn remove_if_sealed(cx: OpContext<'_>, name: &BucketName, route: Route) -> Result<(), S3Error> {
    let query = Query::Bucket { bucket: route.bucket };
    match cx.core.metadata.query(route.group, query).await? {
        Answer::Bucket(Some(_)) => {
            Err(S3Error::new(ErrorCode::BucketAlreadyOwnedByYou).with_extra("BucketName", name.as_str()))
        }
        Answer::Bucket(None) => remove_name(cx, name, route).await.map_err(s3_error),
        other => Err(unexpected(&other)),
    }
}

async fn remove_name(cx: OpContext<'_>, name: &BucketName, route: Route) -> Result<(), ProposeError> {
    cx.core.routes.forget(name, route);
    let remove = CommandBody::RemoveBucket { name: name.clone(), bucket: route.bucket };
    cx.core.metadata.propose(GroupId::DIRECTORY, remove, None).await.map(|_| ())
}

/// Seals the incarnation, which is when the bucket is gone; then gives back the name, and cleans up behind.
pub(super) async fn delete(cx: OpContext<'_>, name: &BucketName) -> Result<Reply, S3Error> {
    let (mut route, mut freshness) = cx.core.route(name).await?;
    loop {
        let seal = CommandBody::SealBucket { bucket: route.bucket };
        match cx.core.metadata.propose(route.group, seal, None).await {
            Ok(_) => break,
            Err(ProposeError::Refused(Refusal::NoSuchBucket)) => {
                route = cx.core.next_route(name, route, freshness).await?;
                freshness = Freshness::Fresh;
            }
            Err(ProposeError::Refused(Refusal::BucketNotEmpty)) => {
                return Err(S3Error::new(ErrorCode::BucketNotEmpty).with_extra("BucketName", name.as_str()));
            }
            Err(error) => return Err(s3_error(error)),
        }
    }
    if let Err(error) = remove_name(cx, name, route).await {
        // A sealed bucket is gone for every client; creating it again, or the reconciler, frees the name.
        tracing::warn!(bucket = %name, ?error, "a deleted bucket's name is not free yet");
    }
    purge(cx, route);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Aborts what uploads are left and removes the incarnation, in the background. The reconciler finishes it if
/// this does not.
fn purge(cx: OpContext<'_>, route: Route) {
    let metadata = std::sync::Arc::clone(&cx.core.metadata);
    let task = async move {
        loop {
            let command = CommandBody::PurgeBucket { bucket: route.bucket };
            match metadata.propose(route.group, command, None).await {
                Ok(Done::Step(Step::More)) => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::info!(
                        bucket = route.bucket.0,
                        ?error,
                        "left a deleted bucket to the reconciler"
                    );
                    return;
                }
            }
        }
    };
    cx.core.tasks.spawn(task.in_current_span());
}
