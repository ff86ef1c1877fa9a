//! What happened in a simulation, for the reader and as a number that tells two runs apart.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The events of a run. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    events: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    /// Adds an event.
    pub fn note(&self, at: Duration, event: impl fmt::Display) {
        let line = format!("{:>10.3} {event}", at.as_secs_f64());
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// The last events, in order.
    pub fn last(&self, count: usize) -> Vec<String> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events[events.len().saturating_sub(count)..].to_vec()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Equal for equal runs.
    pub fn hash(&self) -> u64 {
        // The hasher without keys is the same in every process.
        let mut hasher = DefaultHasher::new();
        self.events.lock().unwrap_or_else(PoisonError::into_inner).hash(&mut hasher);
        hasher.finish()
    }
}
