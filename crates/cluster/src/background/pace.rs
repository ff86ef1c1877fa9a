//! A bound on the bytes per second that background work moves, so that clients' requests keep their share of disks and
//! network.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What may be moved at once after a pause, in time at the full rate.
const BURST: Duration = Duration::from_millis(250);

/// A token bucket. Shared by all that moves bytes in the background of one node.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_second: NonZeroU64,
    /// When the bytes that were taken so far are paid for.
    paid: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(bytes_per_second: NonZeroU64) -> Pace {
        Pace { bytes_per_second, paid: Mutex::new(Instant::now()) }
    }

    /// Waits until so many bytes may be moved. Who comes first is served first.
    pub(super) async fn take(&self, bytes: u64) {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second.get());
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let begin = {
            let now = Instant::now();
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            // What was not used in a pause is lost, but for a burst.
            let from = now.checked_sub(BURST).map_or(*paid, |earliest| earliest.max(*paid));
            *paid = from + cost;
            from
        };
        sleep_until(begin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_the_rest_takes_its_time() {
        let pace = Pace::new(NonZeroU64::new(1 << 20).unwrap());
        tokio::time::advance(Duration::from_secs(60)).await;
        let begin = Instant::now();
        for _ in 0..41 {
            pace.take(256 << 10).await;
        }
        // 41 takes of a quarter of a second each; the last one is not waited for, nor is the burst.
        let taken = begin.elapsed();
        assert!(taken >= Duration::from_millis(9_700) && taken <= Duration::from_millis(9_800), "{taken:?}");
    }
}
