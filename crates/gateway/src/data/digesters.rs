//! MD5s of uploads that go on at once, computed side by side.
//!
//! Whoever has bytes to digest puts them in a queue and waits for its turn. Whoever has the turn takes what waits, up to
//! eight bodies, and digests a slice of each in turn; bodies that come meanwhile join in. So an upload alone is not held
//! up, and the more there are, the fewer lanes of the processor stay empty.

use bytes::{Buf as _, Bytes};
use esker_s3::md5::{Feed, Md5, update_all};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bodies that are digested side by side.
const BODIES: usize = 8;
/// Bytes of each body between two looks at the queue: some 25 µs of work for eight of them.
const SLICE_BYTES: usize = 64 << 10;

/// The queue, and the turn.
#[derive(Debug, Default)]
pub(crate) struct Digesters {
    waiting: Mutex<VecDeque<Job>>,
    turn: Mutex<()>,
}

#[derive(Debug)]
struct Job {
    md5: Md5,
    pieces: VecDeque<Bytes>,
    done: SyncSender<Md5>,
}

impl Digesters {
    /// Takes pieces into an MD5. Blocks for as long as it takes. `None` if whoever had the turn panicked.
    pub(crate) fn update(&self, md5: Md5, pieces: VecDeque<Bytes>) -> Option<Md5> {
        let (done, result) = sync_channel(1);
        lock(&self.waiting).push_back(Job { md5, pieces, done });
        let _turn = lock(&self.turn);
        match result.try_recv() {
            Ok(md5) => Some(md5),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => self.work_until(&result),
        }
    }

    /// Digests what waits. Once the caller's own result is there no more is begun, so that nobody works for others only.
    fn work_until(&self, result: &Receiver<Md5>) -> Option<Md5> {
        let mut jobs: Vec<Job> = Vec::with_capacity(BODIES);
        let mut own = None;
        loop {
            if own.is_none() {
                let mut waiting = lock(&self.waiting);
                let free = waiting.len().min(BODIES - jobs.len());
                jobs.extend(waiting.drain(..free));
            }
            if jobs.is_empty() {
                return own;
            }
            digest_slices(&mut jobs);
            for job in jobs.extract_if(.., |job| job.pieces.is_empty()) {
                // Nobody waits for it any more if its request was dropped as the process ends.
                let _ = job.done.send(job.md5);
            }
            own = own.or_else(|| result.try_recv().ok());
        }
    }
}

/// Takes the next bytes of each job into its MD5.
fn digest_slices(jobs: &mut [Job]) {
    let mut feeds = Vec::with_capacity(jobs.len());
    for Job { md5, pieces, .. } in &mut *jobs {
        let bytes = pieces.front().map_or(&[][..], |piece| &piece[..piece.len().min(SLICE_BYTES)]);
        feeds.push(Feed { md5, bytes });
    }
    update_all(&mut feeds);
    for Job { pieces, .. } in jobs {
        let Some(piece) = pieces.front_mut() else { continue };
        piece.advance(piece.len().min(SLICE_BYTES));
        if piece.is_empty() {
            pieces.pop_front();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(number: usize) -> VecDeque<Bytes> {
        let length = 1000 + number * 37_777;
        let all: Vec<u8> = (0..length).map(|n| n.wrapping_mul(number + 3).to_le_bytes()[0]).collect();
        all.chunks(100_000).map(Bytes::copy_from_slice).collect()
    }

    #[test]
    fn many_bodies_at_once_are_digested_as_each_alone() {
        let digesters = Digesters::default();
        std::thread::scope(|scope| {
            for number in 0..40 {
                let digesters = &digesters;
                scope.spawn(move || {
                    let mut md5 = Md5::default();
                    for _ in 0..3 {
                        md5 = digesters.update(md5, body(number)).expect("nobody panicked");
                    }
                    let all = body(number).into_iter().flatten().collect::<Vec<u8>>().repeat(3);
                    assert_eq!(md5.finish(), Md5::of(&all), "body {number}");
                });
            }
        });
        assert!(lock(&digesters.waiting).is_empty());
    }

    #[test]
    fn no_bytes_change_nothing() {
        let md5 = Digesters::default().update(Md5::default(), VecDeque::new()).expect("nobody panicked");
        assert_eq!(md5.finish(), Md5::of(b""));
    }
}
