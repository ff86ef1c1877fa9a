//! Kills a writing process with SIGKILL, again and again on one store, and checks what is left: an exact prefix of its commits
//! over both keyspaces, at least as long as what it was promised.
#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use esker_kv::{Batch, Direction, Durability, Engine, EngineKind, KeyRange, Keyspace, Options, open};

const KIND: &str = "ESKER_KV_CRASH_ENGINE";
const DIR: &str = "ESKER_KV_CRASH_DIR";
const ROUNDS: u64 = 10;
/// Commit `n` deletes the rows of commit `n - WINDOW`.
const WINDOW: u64 = 150;

fn open_small(kind: EngineKind, dir: &Path) -> Arc<dyn Engine> {
    // Small buffers, so that the kill also meets table writes, compactions and log cleaning.
    let options = Options { cache_bytes: 1 << 20, memtable_bytes: 32 << 10, write_buffer_bytes: 48 << 10 };
    open(kind, dir, &options).unwrap()
}

fn row(n: u64) -> Bytes {
    Bytes::copy_from_slice(&n.to_be_bytes())
}

/// A value that tells commits apart; every eleventh is too large for one page.
fn value(n: u64) -> Bytes {
    let count = if n.is_multiple_of(11) { 20_000 } else { 100 };
    row(n).iter().copied().cycle().take(count).collect()
}

/// The newest commit in the store, if any, after checking that the store is exactly what commits `0..=newest` make.
fn newest_commit(engine: &dyn Engine, a: &Keyspace, b: &Keyspace) -> Option<u64> {
    let view = engine.view().unwrap();
    let head = view.get(b, b"head").unwrap()?;
    let newest = u64::from_be_bytes(head.as_ref().try_into().unwrap());
    let first = (newest + 1).saturating_sub(WINDOW);
    let expected: Vec<_> = (first..=newest).map(|n| (row(n), value(n))).collect();
    for space in [a, b] {
        let range = KeyRange::from_to(row(0), row(u64::MAX));
        let rows: Vec<_> = view
            .range(space, range, Direction::Forward)
            .unwrap()
            .filter(|r| r.as_ref().is_ok_and(|(k, _)| k != "head"))
            .collect::<Result<_, _>>()
            .unwrap();
        let keys = |rows: &[(Bytes, Bytes)]| rows.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&rows), keys(&expected), "rows of {space:?} up to {newest}");
        assert!(rows == expected, "values of {space:?} up to {newest}");
    }
    Some(newest)
}

/// Commits for ever, and prints the number of each commit once it is promised to be durable.
fn write_until_killed(kind: EngineKind, dir: &Path) -> ! {
    let engine = open_small(kind, dir);
    let [a, b] = ["a", "b"].map(|name| engine.open_keyspace(name).unwrap());
    let mut next = newest_commit(engine.as_ref(), &a, &b).map_or(0, |newest| newest + 1);
    loop {
        let n = next;
        let mut batch = Batch::new();
        for space in [&a, &b] {
            batch.put(space, row(n), value(n));
            if let Some(old) = n.checked_sub(WINDOW) {
                batch.delete(space, row(old));
            }
        }
        batch.put(&b, "head", row(n));
        let durability = if n % 3 == 2 { Durability::Synced } else { Durability::Buffered };
        engine.commit(batch, durability).unwrap();
        if durability == Durability::Synced {
            let mut out = std::io::stdout().lock();
            writeln!(out, "durable {n}").unwrap();
            out.flush().unwrap();
        }
        if n % 64 == 63 {
            engine.open_keyspace("passing").unwrap();
            engine.compact(&a).unwrap();
            engine.drop_keyspace("passing").unwrap();
        }
        next += 1;
    }
}

/// The body of the process to be killed; without its orders in the environment there is nothing to do.
#[test]
fn writer_process() {
    if let (Ok(kind), Ok(dir)) = (std::env::var(KIND), std::env::var(DIR)) {
        write_until_killed(kind.parse().unwrap(), Path::new(&dir));
    }
}

/// Starts a writer, kills it after it promised `promises` commits, and returns the last promise that it got out.
fn run_and_kill(kind: EngineKind, dir: &Path, promises: u64) -> u64 {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer_process", "--nocapture"])
        .env(KIND, kind.to_string())
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut promised = None;
    let mut seen = 0;
    // The pipe ends when the killed process is gone; what it wrote before still counts.
    for line in BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok) {
        let Some((_, number)) = line.split_once("durable ") else { continue };
        // A line that the kill cut short was not promised.
        promised = number.parse().ok().max(promised);
        seen += 1;
        if seen == promises {
            writer.kill().unwrap();
        }
    }
    let status = writer.wait().unwrap();
    assert!(status.code().is_none(), "the writer failed before it was killed: {status}");
    promised.unwrap()
}

fn killed_writers_leave_a_prefix(kind: EngineKind) {
    let dir = tempfile::tempdir().unwrap();
    let rounds = if std::env::var_os("ESKER_LONG").is_some() { 10 * ROUNDS } else { ROUNDS };
    for round in 0..rounds {
        // Spread over start-up, steady writing and compaction, and different in each round.
        let promised = run_and_kill(kind, dir.path(), 1 + round * 37 % 83);
        let engine = open_small(kind, dir.path());
        let [a, b] = ["a", "b"].map(|name| engine.open_keyspace(name).unwrap());
        let newest = newest_commit(engine.as_ref(), &a, &b).unwrap();
        assert!(newest >= promised, "round {round}: promised {promised}, found {newest}");
    }
}

#[test]
fn a_killed_fjall_keeps_an_exact_prefix() {
    killed_writers_leave_a_prefix(EngineKind::Fjall);
}

#[test]
fn a_killed_sled_keeps_an_exact_prefix() {
    killed_writers_leave_a_prefix(EngineKind::Sled);
}
