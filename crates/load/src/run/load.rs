//! The load while it goes on: its clock, its end, and what each thread counts.

use super::settings::Settings;
use super::site::Site;
use crate::plan::schedule::{Schedule, Turn};
use crate::plan::{Kind, Pace};
use crate::record::{Failure, Tally};
use crate::report::lines::Reason;
use esker_env::Random;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The load while it goes on. Its times are since its start, of which the warm-up is the first part.
pub(super) struct Load {
    pub(super) site: Arc<Site>,
    /// The clock's monotonic time at the start.
    origin: Duration,
    /// Cancelled when no further request is to begin.
    pub(super) over: CancellationToken,
    /// Why, and when; the first reason counts.
    ended: OnceLock<(Reason, Duration)>,
    put_bytes: AtomicU64,
    /// The next object that nobody deletes yet.
    next_object: AtomicU64,
}

/// What the workers of one thread share. Its lock is free almost always: one thread takes it, and once a second the one
/// that collects.
pub(super) struct Lane {
    state: Mutex<State>,
    measure_from: Duration,
    pace: Pace,
}

struct State {
    schedule: Schedule,
    tally: Tally,
    never_begun: u64,
    last_reply: Duration,
}

/// What a lane counted since it was last asked.
pub(super) struct Collected {
    pub(super) tally: Tally,
    /// When the last reply came, of all that ever did.
    pub(super) last_reply: Duration,
}

impl Load {
    /// A load that begins now, and ends at the latest when `stop` is cancelled.
    pub(super) fn new(site: Arc<Site>, stop: &CancellationToken) -> Load {
        Load {
            origin: site.clock.monotonic(),
            over: stop.child_token(),
            ended: OnceLock::new(),
            put_bytes: AtomicU64::new(0),
            next_object: AtomicU64::new(0),
            site,
        }
    }

    fn settings(&self) -> &Settings {
        &self.site.settings
    }

    pub(super) fn now(&self) -> Duration {
        self.site.clock.monotonic().saturating_sub(self.origin)
    }

    /// When it ends by itself.
    pub(super) fn end(&self) -> Duration {
        self.settings().warm_up + self.settings().duration
    }

    /// Ends it early.
    pub(super) fn finish(&self, reason: Reason) {
        self.ended.get_or_init(|| (reason, self.now()));
        self.over.cancel();
    }

    /// Why and when it ended: by itself, unless something else did it.
    pub(super) fn ended(&self) -> (Reason, Duration) {
        self.ended.get().copied().unwrap_or((Reason::Duration, self.end()))
    }

    /// Whether a put of so many bytes may be begun; if not, the load ends.
    pub(super) fn may_put(&self, bytes: u64) -> bool {
        let before = self.put_bytes.fetch_add(bytes, Ordering::Relaxed);
        let may = before.saturating_add(bytes) <= self.settings().put_bytes_max;
        if !may {
            self.finish(Reason::BytesUsedUp);
        }
        may
    }

    /// An object that nobody else deletes; if there is none, the load ends.
    pub(super) fn take_object(&self) -> Option<u64> {
        let number = self.next_object.fetch_add(1, Ordering::Relaxed);
        if number >= self.settings().objects {
            self.finish(Reason::ObjectsUsedUp);
            return None;
        }
        Some(number)
    }
}

impl Lane {
    /// The lane of thread `index`.
    pub(super) fn new(settings: &Settings, index: usize) -> Lane {
        let schedule = Schedule::new(settings.pace, index, settings.threads);
        let state = State { schedule, tally: Tally::default(), never_begun: 0, last_reply: settings.warm_up };
        Lane { state: Mutex::new(state), measure_from: settings.warm_up, pace: settings.pace }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next(&self, now: Duration, random: &dyn Random) -> Turn {
        self.state().schedule.next(now, random)
    }

    /// Counts a turn that was taken and never begun.
    pub(super) fn give_up(&self, turn: Turn) {
        if matches!(turn, Turn::At(at) if at >= self.measure_from) {
            self.state().never_begun += 1;
        }
    }

    /// Counts the turns that nobody took before the end.
    pub(super) fn close(&self, end: Duration, random: &dyn Random) -> u64 {
        let mut state = self.state();
        let missed = state.schedule.missed(end, random);
        state.never_begun + missed
    }

    /// Counts work that was intended at `intended`, unless that was in the warm-up.
    pub(super) fn record(
        &self,
        kind: Kind,
        intended: Duration,
        begun: Duration,
        ended: Duration,
        outcome: Result<u64, Failure>,
    ) {
        if intended < self.measure_from {
            return;
        }
        // Without an open loop there is no other intention than to begin.
        let from = if matches!(self.pace, Pace::Open { .. }) { intended } else { begun };
        let mut state = self.state();
        state.last_reply = state.last_reply.max(ended);
        match outcome {
            Ok(bytes) => state.tally.done(kind, bytes, ended - from, ended - begun),
            Err(failure) => state.tally.failed(kind, failure),
        }
    }

    /// Counts a request that is sent again.
    pub(super) fn retried(&self, kind: Kind, intended: Duration) {
        if intended >= self.measure_from {
            self.state().tally.retried(kind);
        }
    }

    /// Takes what was counted.
    pub(super) fn collect(&self) -> Collected {
        let mut state = self.state();
        Collected { tally: mem::take(&mut state.tally), last_reply: state.last_reply }
    }
}
