//! Waiting for engines that announce no event.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long to wait before looking again. Short against a table write, long against a look.
const INTERVAL: Duration = Duration::from_millis(2);

/// Pauses the thread between two looks at a condition that nobody signals.
pub(crate) fn before_looking_again() {
    let never = (Mutex::new(()), Condvar::new());
    let guard = never.0.lock().unwrap_or_else(PoisonError::into_inner);
    drop(never.1.wait_timeout(guard, INTERVAL));
}
