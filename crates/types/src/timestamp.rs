//! Points in time.

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// From whole milliseconds since the epoch.
    pub fn from_millis(millis: u64) -> Timestamp {
        Timestamp(millis.saturating_mul(1000))
    }

    /// Microseconds since the epoch.
    pub fn micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub fn millis(self) -> u64 {
        self.0 / 1000
    }

    /// Whole seconds since the epoch, rounded down, as HTTP dates are.
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// This time plus so many milliseconds.
    pub fn plus_millis(self, millis: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(millis.saturating_mul(1000)))
    }
}
