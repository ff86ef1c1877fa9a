//! Whether all that clients saw can be true.

use crate::connection::Connection;
use crate::load::{Load, Record, body, listing};
use crate::request::{Request, path_of};
use esker_checker::{Action, Entry, Listed, Listing, Pages, WriteOutcome};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a reading of the result may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Operations that the checker judged.
    pub operations: usize,
    /// Writes of unknown outcome among them.
    pub unknown: usize,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Versions that were listed, and read back byte by byte if they are objects.
    pub versions: usize,
    /// Requests that failed, in trouble as well as not.
    pub failed: usize,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { operations, unknown, acknowledged, versions, failed } = self;
        write!(
            f,
            "{operations} operations linearizable and in one order, {acknowledged} acknowledged writes all there, \
             {versions} versions read back; {unknown} writes of unknown outcome, {failed} requests failed"
        )
    }
}

/// Stops the clients, lists what is there through each of `readers`, reads every version, and checks the history.
pub fn judge(load: Load, bucket: &str, readers: &[SocketAddr]) -> Result<(Verdict, Vec<Listed>), String> {
    let started = std::time::Instant::now();
    let stopped = load.now();
    let mut record = load.stop();
    if !record.wrong.is_empty() {
        let shown = record.wrong.len().min(10);
        return Err(format!("{} wrong answers: {:#?}", record.wrong.len(), &record.wrong[..shown]));
    }
    let after = |extra: Duration| {
        let nanos = u64::try_from(extra.as_nanos()).expect("centuries");
        // The last operations end after the clients were told to stop.
        let last = record.events.iter().map(|event| event.ended.0).max().unwrap_or_default();
        esker_checker::Moment(last.max(stopped.0) + nanos + 1)
    };
    let mut lists = Vec::new();
    for reader in readers {
        let mut connection = Connection::new(*reader, PATIENCE);
        let invoked = after(started.elapsed());
        let sighted = listing(&mut connection, bucket, &record.values)?;
        let pages = if sighted.pages == 1 { Pages::One } else { Pages::Several };
        let returned = after(started.elapsed());
        let versions = sighted.versions.clone();
        lists.push((Listing { invoked, returned, pages, versions }, sighted));
    }
    let versions = lists[0].1.versions.clone();
    read_back_by_all(readers, bucket, &versions)?;
    lists.into_iter().for_each(|(listing, _)| record.history.list(listing));
    esker_checker::check(&record.history).map_err(|violation| kept(&record, &violation.to_string()))?;
    Ok((counted(&record, versions.len()), versions))
}

/// Every object that was listed has its bytes; each gateway reads its share.
pub(super) fn read_back_by_all(
    readers: &[SocketAddr],
    bucket: &str,
    versions: &[Listed],
) -> Result<(), String> {
    std::thread::scope(|scope| {
        let read = readers.iter().enumerate().map(|(index, reader)| {
            let share = versions.iter().skip(index).step_by(readers.len());
            scope.spawn(move || read_back(*reader, bucket, share))
        });
        let read: Vec<_> = read.collect();
        read.into_iter().try_for_each(|read| read.join().expect("it reads"))
    })
}

fn read_back<'a>(
    reader: SocketAddr,
    bucket: &str,
    versions: impl Iterator<Item = &'a Listed>,
) -> Result<(), String> {
    let mut connection = Connection::new(reader, PATIENCE);
    for listed in versions {
        let Entry::Object(value) = listed.entry else { continue };
        let request = Request::new("GET", &path_of(bucket, &listed.key))
            .query("versionId", &listed.version.to_string());
        let name = format!("{} version {} through {reader}", listed.key, listed.version);
        let read = connection.exchange(request).map_err(|trouble| format!("{name}: {trouble:?}"))?;
        if read.status != 200 || read.body != body(value) {
            return Err(format!("{name} of {value} reads back {} {}", read.status, read.body.len()));
        }
    }
    Ok(())
}

/// Keeps a history that did not pass, and says where.
fn kept(record: &Record, violation: &str) -> String {
    let path =
        crate::server::target_dir().join("e2e-tmp").join(format!("history-{}.jsonl", std::process::id()));
    match std::fs::write(&path, record.history.to_json_lines()) {
        Ok(()) => format!("{violation}\nthe history is in {}", path.display()),
        Err(error) => format!("{violation}\nthe history could not be kept: {error}"),
    }
}

fn counted(record: &Record, versions: usize) -> Verdict {
    let outcome = |action: &Action| match action {
        Action::Put { outcome, .. } | Action::Delete { outcome, .. } => Some(*outcome),
        Action::Get { .. } => None,
    };
    let outcomes: Vec<_> = record.history.operations().map(|operation| outcome(&operation.action)).collect();
    Verdict {
        operations: outcomes.len(),
        unknown: outcomes.iter().filter(|outcome| **outcome == Some(WriteOutcome::Unknown)).count(),
        acknowledged: outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Some(WriteOutcome::Done(_))))
            .count(),
        versions,
        failed: record.events.iter().filter(|event| event.failure.is_some()).count(),
    }
}
