//! From a bucket's name to the incarnation and the Raft group that order its versions.
//!
//! Positive routes are cached: an incarnation's id is never reused, so a stale route reaches nothing rather
//! than the wrong bucket, and is then looked up again. Negative ones are not: a bucket that was created through
//! another gateway is seen at once.

use crate::cache::Generations;
use crate::core::Core;
use crate::metadata::ProposeError;
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Refusal};
use esker_index::query::{Answer, BucketSummary, Query};
use esker_index::records::{DirectoryEntry, DirectoryState};
use esker_s3::{ErrorCode, S3Error};
use esker_types::{BucketId, BucketName, GroupId};
use std::sync::{Mutex, PoisonError};

/// Most routes that are kept.
const ROUTES_MAX: usize = 20_000;

/// Where a bucket's versions are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The incarnation.
    pub(crate) bucket: BucketId,
    /// Its group.
    pub(crate) group: GroupId,
}

/// Whether a route is known to have been right when the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It was looked up for this request.
    Fresh,
    /// It was looked up for an earlier one.
    Cached,
}

/// The routes that were used lately.
pub(crate) struct Routes(Mutex<Generations<BucketName, Route>>);

impl Routes {
    pub(crate) fn new() -> Routes {
        Routes(Mutex::new(Generations::new(ROUTES_MAX)))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Generations<BucketName, Route>) -> T) -> T {
        // Every change leaves the cache whole, so a panic elsewhere does not make it unusable.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets a route that led nowhere.
    pub(crate) fn forget(&self, name: &BucketName, route: Route) {
        self.with(|routes| routes.remove_if(name, |cached| *cached == route));
    }
}

impl Core {
    /// The directory's entry of a name, visible to clients or not.
    pub(crate) async fn directory_entry(&self, name: &BucketName) -> Result<Option<DirectoryEntry>, S3Error> {
        let query = Query::Directory { name: name.clone() };
        match self.metadata.query(GroupId::DIRECTORY, query).await? {
            Answer::Directory(entry) => Ok(entry),
            other => Err(unexpected(&other)),
        }
    }

    /// A bucket's route, from the cache or the directory.
    pub(crate) async fn route(&self, name: &BucketName) -> Result<(Route, Freshness), S3Error> {
        match self.routes.with(|routes| routes.get(name)) {
            Some(route) => Ok((route, Freshness::Cached)),
            None => Ok((self.fresh_route(name).await?, Freshness::Fresh)),
        }
    }

    /// A bucket's route, from the directory.
    pub(crate) async fn fresh_route(&self, name: &BucketName) -> Result<Route, S3Error> {
        match self.directory_entry(name).await? {
            Some(entry) if entry.state == DirectoryState::Active => {
                let route = Route { bucket: entry.id, group: entry.group };
                self.routes.with(|routes| routes.insert(name.clone(), route));
                Ok(route)
            }
            _ => Err(no_such_bucket(name)),
        }
    }

    /// The route to use after `route` led nowhere.
    ///
    /// # Errors
    /// `NoSuchBucket` if there is no other.
    pub(crate) async fn next_route(
        &self,
        name: &BucketName,
        route: Route,
        freshness: Freshness,
    ) -> Result<Route, S3Error> {
        self.routes.forget(name, route);
        if freshness == Freshness::Fresh {
            return Err(no_such_bucket(name));
        }
        let next = self.fresh_route(name).await?;
        if next == route {
            // The directory still has the name, but the incarnation is sealed: the bucket is being deleted.
            self.routes.forget(name, route);
            return Err(no_such_bucket(name));
        }
        Ok(next)
    }

    /// A route that was right when the request came, for a command that names stored data: a refusal settles
    /// the data, so the command can't be tried again along another route.
    pub(crate) async fn confirmed_route(&self, name: &BucketName) -> Result<Route, S3Error> {
        let (route, freshness) = self.route(name).await?;
        match freshness {
            Freshness::Fresh => Ok(route),
            Freshness::Cached => self.bucket(name).await.map(|(route, _)| route),
        }
    }

    /// A bucket's state.
    pub(crate) async fn bucket(&self, name: &BucketName) -> Result<(Route, BucketSummary), S3Error> {
        let pick = |answer| match answer {
            Answer::Bucket(summary) => Some(summary),
            _ => None,
        };
        self.ask(name, |bucket| Query::Bucket { bucket }, pick).await
    }

    /// Asks a bucket's group. `pick` takes the expected answer apart: its outer `None` means another kind of
    /// answer, its inner one that the incarnation is gone.
    pub(crate) async fn ask<T>(
        &self,
        name: &BucketName,
        question: impl Fn(BucketId) -> Query,
        pick: fn(Answer) -> Option<Option<T>>,
    ) -> Result<(Route, T), S3Error> {
        let (mut route, mut freshness) = self.route(name).await?;
        loop {
            let query = question(route.bucket);
            let answer = self.metadata.query(route.group, query).await?;
            match pick(answer) {
                Some(Some(answer)) => return Ok((route, answer)),
                Some(None) => {
                    route = self.next_route(name, route, freshness).await?;
                    freshness = Freshness::Fresh;
                }
                None => return Err(ErrorCode::InternalError.into()),
            }
        }
    }

    /// Commits a command of a bucket; `command` must name no stored data, since a refusal settles that.
    pub(crate) async fn command(
        &self,
        name: &BucketName,
        command: impl Fn(BucketId) -> CommandBody,
    ) -> Result<Done, S3Error> {
        let (mut route, mut freshness) = self.route(name).await?;
        loop {
            match self.metadata.propose(route.group, command(route.bucket), None).await {
                Err(ProposeError::Refused(Refusal::NoSuchBucket)) => {
                    route = self.next_route(name, route, freshness).await?;
                    freshness = Freshness::Fresh;
                }
                other => return other.map_err(crate::refusal::s3_error),
            }
        }
    }
}

/// 404 that names the bucket.
pub(crate) fn no_such_bucket(name: &BucketName) -> S3Error {
    S3Error::new(ErrorCode::NoSuchBucket).with_extra("BucketName", name.as_str())
}

/// The metadata layer answered another question than the one asked: a fault of ours.
pub(crate) fn unexpected(answer: &dyn std::fmt::Debug) -> S3Error {
    tracing::error!(?answer, "the metadata layer gave an answer of the wrong kind");
    ErrorCode::InternalError.into()
}
