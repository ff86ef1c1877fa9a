//! Keeps background work from taking the disk's whole bandwidth.

use std::time::Duration;

/// A pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// As fast as the disk allows.
    Unlimited,
    /// Bytes per second, at least 1.
    BytesPerSecond(u64),
}

impl Throttle {
    /// Waits as long as `bytes` take at this pace.
    pub async fn pace(self, bytes: u64) {
        if let Throttle::BytesPerSecond(rate) = self {
            let micros = u128::from(bytes) * 1_000_000 / u128::from(rate.max(1));
            let pause = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
            tokio::time::sleep(pause).await;
        }
    }
}
