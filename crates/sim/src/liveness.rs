//! When nothing fails any more, all becomes well: in bounded time, and nothing is missing.

use crate::clients::Session;
use crate::clients::key_name;
use crate::oracle::{Attempt, Oracle, Told};
use crate::world::clock::SimTime;
use crate::world::gateway::Reach;
use crate::world::plan::{Ending, Scale};
use esker_checker::{Condition, Entry, ReadOutcome, WriteOutcome};
use esker_index::query::{Answer, GroupSummary, Query};
use esker_types::{BlobId, GroupId, ObjectKey, VersionId};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// A write succeeds within this time.
const WRITE_LIMIT: Duration = Duration::from_secs(40);
/// Moves and repairs end within this time.
const REST_LIMIT: Duration = Duration::from_secs(150);
/// Data that nobody uses is gone within this time: uploads that were given up are looked for last.
const CLEAN_LIMIT: Duration = Duration::from_secs(400);
const PAUSE: Duration = Duration::from_millis(250);
const CLEAN_PAUSE: Duration = Duration::from_secs(2);
/// The key that is written when all is well.
const KEY: &str = "liveness";
/// The number of the client that looks at the end.
const AUDITOR: u32 = u32::MAX;
/// More blobs than a node has.
const BLOBS_MAX: usize = 100_000;

/// Waits until all is well, and compares what is there with what was promised.
///
/// # Errors
/// What is not well in time, or missing.
pub async fn check(reach: &Reach, end: &End<'_>) -> Result<(), String> {
    writes_succeed(&reach.session, end.oracle).await?;
    work_ends(reach).await?;
    let blobs = nothing_is_missing(reach, end).await?;
    match end.scale.ending {
        Ending::Complete => Ok(()),
        Ending::Clean => {
            nothing_is_left_over(reach, &blobs).await?;
            every_replica_has(reach, &blobs).await
        }
    }
}

/// What is known of the simulation that ends.
pub struct End<'a> {
    /// What was promised.
    pub oracle: &'a Oracle,
    /// How large it was.
    pub scale: &'a Scale,
    /// The time.
    pub time: &'a SimTime,
}

impl End<'_> {
    fn keys(&self) -> impl Iterator<Item = String> {
        (0..self.scale.keys).map(key_name)
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.time.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

async fn writes_succeed(session: &Session, oracle: &Oracle) -> Result<(), String> {
    let begin = Instant::now();
    let key = ObjectKey::parse(KEY).expect("a good key");
    loop {
        let value = oracle.new_value();
        if let Ok(WriteOutcome::Done(_)) =
            timeout(WRITE_LIMIT, session.put(&key, value, Condition::Always, Duration::ZERO)).await
        {
            let read = timeout(WRITE_LIMIT, session.get(&key, None)).await;
            return match read {
                Ok(Ok(ReadOutcome::Found(found, _))) if found == value => Ok(()),
                other => Err(format!("{value} was written when all was well, and read as {other:?}")),
            };
        }
        if begin.elapsed() >= WRITE_LIMIT {
            return Err(format!("no write succeeded within {} s", WRITE_LIMIT.as_secs()));
        }
        sleep(PAUSE).await;
    }
}

async fn work_ends(reach: &Reach) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        let left = match work_left(reach).await {
            Ok(None) => return Ok(()),
            Ok(Some(left)) => left,
            Err(error) => error,
        };
        if begin.elapsed() >= REST_LIMIT {
            return Err(format!("after {} s there is still work: {left}", REST_LIMIT.as_secs()));
        }
        sleep(PAUSE).await;
    }
}

/// What moves or is to be repaired, if anything.
async fn work_left(reach: &Reach) -> Result<Option<String>, String> {
    let view = reach.views.refresh().await.map_err(|error| error.to_string())?;
    if let Some(state) = view.placements().iter().find(|state| state.moves()) {
        return Ok(Some(format!("a move: {state:?}")));
    }
    if let Some(state) =
        view.placements().iter().find(|state| state.replicas.iter().any(|node| view.present(*node).is_none()))
    {
        return Ok(Some(format!("a lost node is named: {state:?}")));
    }
    match reach.session.metadata.query(GroupId::DIRECTORY, Query::GroupSummary).await {
        Ok(Answer::GroupSummary(GroupSummary { repairs: 0, .. })) => Ok(None),
        Ok(Answer::GroupSummary(summary)) => Ok(Some(format!("{summary:?}"))),
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Every acknowledged version is there and can be read, and every blob of it is on every node that should have it.
/// Returns the blobs.
async fn nothing_is_missing(reach: &Reach, end: &End<'_>) -> Result<BTreeMap<BlobId, u64>, String> {
    let session = &reach.session;
    let listed = session.list().await.map_err(|error| error.to_string())?;
    end.oracle.check_versions(&listed)?;
    let mut blobs = BTreeMap::new();
    for version in listed.iter().filter(|found| found.entry != Entry::DeleteMarker) {
        let key = ObjectKey::parse(&version.key).map_err(|error| format!("{error:?}"))?;
        let id = Some(VersionId::Id(version.version));
        match session.get(&key, id).await {
            Ok(ReadOutcome::Found(value, _)) if Entry::Object(value) == version.entry => {}
            other => return Err(format!("{version:?} was read as {other:?}")),
        }
        blobs.extend(session.blobs_of(&key, id).await.map_err(|error| format!("{error:?}"))?);
    }
    for name in end.keys() {
        let key = ObjectKey::parse(&name).expect("a good key");
        let ticket = end.oracle.begin(AUDITOR, &name, Attempt::Get, end.nanos());
        let found = session.get(&key, None).await.map_err(|error| format!("{name}: {error:?}"))?;
        end.oracle.end(ticket, Told::Read(found), end.nanos());
        blobs.extend(session.blobs_of(&key, None).await.map_err(|error| format!("{error:?}"))?);
    }
    let key = ObjectKey::parse(KEY).expect("a good key");
    blobs.extend(session.blobs_of(&key, None).await.map_err(|error| format!("{error:?}"))?);
    every_replica_has(reach, &blobs).await?;
    Ok(blobs)
}

async fn every_replica_has(reach: &Reach, blobs: &BTreeMap<BlobId, u64>) -> Result<(), String> {
    let view = reach.views.refresh().await.map_err(|error| error.to_string())?;
    for (blob, length) in blobs {
        let state = view.placement_of(*blob).ok_or("blobs have no places")?;
        for node in &state.replicas {
            let storage = reach.nodes.get(&view, *node).map_err(|error| error.to_string())?;
            let stat = storage.stat(&[*blob]).await.map_err(|error| format!("{node}: {error}"))?;
            if stat != [Some(*length)] {
                return Err(format!("node {node} should have {blob:?} of {length} bytes, and has {stat:?}"));
            }
        }
    }
    Ok(())
}

/// In time there is no garbage, and no node has a blob that it should not have.
async fn nothing_is_left_over(reach: &Reach, blobs: &BTreeMap<BlobId, u64>) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        let left = match left_over(reach, blobs).await {
            Ok(None) => return Ok(()),
            Ok(Some(left)) => left,
            Err(error) => error,
        };
        if begin.elapsed() >= CLEAN_LIMIT {
            return Err(format!("after {} s there is still something: {left}", CLEAN_LIMIT.as_secs()));
        }
        sleep(CLEAN_PAUSE).await;
    }
}

async fn left_over(reach: &Reach, blobs: &BTreeMap<BlobId, u64>) -> Result<Option<String>, String> {
    match reach.session.metadata.query(GroupId::DIRECTORY, Query::GroupSummary).await {
        Ok(Answer::GroupSummary(summary)) if summary.garbage_entries == 0 && summary.garbage_bytes == 0 => {}
        other => return Ok(Some(format!("{other:?}"))),
    }
    let view = reach.views.refresh().await.map_err(|error| error.to_string())?;
    for (node, _) in view.nodes().iter().filter(|(node, _)| view.present(*node).is_some()) {
        let storage = reach.nodes.get(&view, *node).map_err(|error| error.to_string())?;
        let page = storage.list(None, None, BLOBS_MAX).await.map_err(|error| format!("{node}: {error}"))?;
        let wanted = |blob: BlobId| {
            blobs.contains_key(&blob)
                && view.placement_of(blob).is_some_and(|state| state.replicas.contains(node))
        };
        if let Some(info) = page.blobs.iter().find(|info| !wanted(info.blob)) {
            return Ok(Some(format!("{node} has {info:?}")));
        }
    }
    Ok(None)
}
