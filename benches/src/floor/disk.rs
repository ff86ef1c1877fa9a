//! The disk floor: threads that each append and sync, and nothing else.

use crate::sample::{Latencies, Sample};
use esker_env::{Allocation, Clock, Disk, DiskFile, DiskResult, OpenMode, OsDisk, Permissions, SystemClock};
use std::path::Path;
use std::time::Duration;

/// Largest piece of one write call, in bytes.
const WRITE_BYTES_MAX: usize = 1 << 20;
/// How far ahead a file is reserved, in bytes.
const RESERVE_BYTES: u64 = 64 << 20;

/// Appends `size` bytes and syncs them, over and over, in as many threads as asked for, each with a file of its own in
/// `dir`. The files are removed.
pub fn measure(dir: &Path, threads: usize, size: usize, time: Duration) -> DiskResult<Sample> {
    let clock = SystemClock::new();
    let bytes = vec![0x5a; size];
    let (bytes, clock) = (&bytes, &clock);
    let turns = std::thread::scope(|scope| {
        let spawn = |thread: usize| {
            scope.spawn(move || append(&dir.join(format!("disk-{thread}")), bytes, time, clock))
        };
        let threads: Vec<_> = (0..threads).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread ends well")).collect::<Vec<_>>()
    });
    let mut rate = 0.0;
    let mut all = Latencies::default();
    for turn in turns {
        let (latencies, elapsed) = turn?;
        rate += latencies.count() as f64 / elapsed.as_secs_f64();
        all.merge(latencies);
    }
    Ok(Sample {
        rate,
        p50: all.quantile(0.5),
        p99: all.quantile(0.99),
        cpu: Duration::ZERO,
        requests: all.count(),
    })
}

fn append(path: &Path, bytes: &[u8], time: Duration, clock: &dyn Clock) -> DiskResult<(Latencies, Duration)> {
    let file = OsDisk.open(path, OpenMode::CreateNew(Permissions::Default))?;
    let mut latencies = Latencies::default();
    let (mut end, mut reserved) = (0, 0);
    let start = clock.monotonic();
    let elapsed = loop {
        let begun = clock.monotonic();
        if begun - start >= time && latencies.count() > 0 {
            break begun - start;
        }
        if end + bytes.len() as u64 > reserved {
            let more = RESERVE_BYTES.max(bytes.len() as u64);
            file.allocate(reserved, more, Allocation::GrowLength)?;
            reserved += more;
        }
        end = write(&*file, bytes, end)?;
        file.sync_data()?;
        latencies.add(clock.monotonic() - begun);
    };
    OsDisk.remove_file(path)?;
    Ok((latencies, elapsed))
}

fn write(file: &dyn DiskFile, bytes: &[u8], mut end: u64) -> DiskResult<u64> {
    for piece in bytes.chunks(WRITE_BYTES_MAX) {
        file.write_at(piece, end)?;
        end += piece.len() as u64;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_appends_at_least_once_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let sample = measure(dir.path(), 3, 3 << 19, Duration::ZERO).unwrap();
        assert!(sample.requests >= 3 && sample.rate > 0.0 && sample.p50 <= sample.p99);
        assert_eq!(OsDisk.list(dir.path()).unwrap(), []);
    }
}
