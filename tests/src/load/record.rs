//! What clients noted: a history for the checker, and how each gateway served.

use esker_checker::{History, Moment, Operation, Value};
use std::collections::HashMap;
use std::time::Instant;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It read.
    Read,
    /// It wrote.
    Write,
}

/// A request, as far as it tells how a gateway serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The gateway.
    pub gateway: usize,
    /// What it was for.
    pub kind: Kind,
    /// When it began.
    pub begun: Moment,
    /// When it ended.
    pub ended: Moment,
    /// What failed; none if it was served, or refused for what it asked.
    pub failure: Option<String>,
}

/// All that clients noted.
#[derive(Default)]
pub struct Record {
    /// What they did and were told.
    pub history: History,
    /// How they were served.
    pub events: Vec<Event>,
    /// Answers that no fault excuses.
    pub wrong: Vec<String>,
    /// The values that were put, by ETag.
    pub values: HashMap<String, Value>,
}

impl Record {
    pub(super) fn note(&mut self, operation: Option<Operation>, event: Event) {
        self.history.extend(operation);
        self.events.push(event);
    }

    /// The requests of a kind that a gateway served, begun after a moment.
    pub fn served(&self, gateway: usize, kind: Kind, after: Moment) -> usize {
        let served = |event: &&Event| {
            event.gateway == gateway && event.kind == kind && event.begun >= after && event.failure.is_none()
        };
        self.events.iter().filter(served).count()
    }
}

/// Now, since `started`.
pub(super) fn moment(started: Instant) -> Moment {
    Moment(u64::try_from(started.elapsed().as_nanos()).expect("centuries"))
}
