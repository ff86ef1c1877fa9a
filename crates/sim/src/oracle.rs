//! What clients were promised. *Unknown* is not *absent*: what was not answered may be there or not.

use esker_checker::{
    Action, Condition, Entry, History, Listed, Listing, Moment, Operation, Pages, ReadOutcome,
};
use esker_checker::{Value, WriteOutcome};
use esker_types::VersionUuid;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is known of all clients' operations. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    now: u64,
    next: u64,
    open: BTreeMap<u64, Begun>,
    history: History,
    /// What is certainly wrong.
    wrong: Vec<String>,
    /// How often an operation ended how.
    done: BTreeMap<&'static str, u64>,
}

/// An operation that has no answer yet.
#[derive(Clone, Debug)]
struct Begun {
    client: u32,
    key: String,
    invoked: Moment,
    what: Attempt,
}

/// What a client tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// A put.
    Put(Value, Condition),
    /// A deletion.
    Delete(Condition),
    /// A read.
    Get,
}

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Of a write.
    Write(WriteOutcome),
    /// Of a read.
    Read(ReadOutcome),
}

/// An operation under way.
#[derive(Clone, Copy, Debug)]
pub struct Ticket(u64);

impl Oracle {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A moment of the simulation's own order: later in it is later here.
    pub fn moment(&self, nanos: u64) -> Moment {
        self.lock().moment(nanos)
    }

    /// A value that nobody has written yet.
    pub fn new_value(&self) -> Value {
        let mut state = self.lock();
        state.next += 1;
        Value(state.next)
    }

    /// A client begins.
    pub fn begin(&self, client: u32, key: &str, what: Attempt, nanos: u64) -> Ticket {
        let mut state = self.lock();
        let invoked = state.moment(nanos);
        state.next += 1;
        let ticket = state.next;
        state.open.insert(ticket, Begun { client, key: key.to_owned(), invoked, what });
        Ticket(ticket)
    }

    /// A client has its answer.
    pub fn end(&self, ticket: Ticket, told: Told, nanos: u64) {
        let mut state = self.lock();
        let returned = state.moment(nanos);
        if let Some(begun) = state.open.remove(&ticket.0) {
            state.finish(begun, told, returned);
        }
    }

    /// What is wrong whatever else happened.
    pub fn wrong(&self, what: String) {
        self.lock().wrong.push(what);
    }

    /// Something happened that simulations are to bring about.
    pub fn saw(&self, what: &'static str) {
        *self.lock().done.entry(what).or_default() += 1;
    }

    /// What was found wrong so far.
    pub fn first_wrong(&self) -> Option<String> {
        self.lock().wrong.first().cloned()
    }

    /// All versions of the bucket, as one list shows them.
    pub fn list(&self, invoked: Moment, versions: Vec<Listed>, nanos: u64) {
        let mut state = self.lock();
        let returned = state.moment(nanos);
        state.history.list(Listing { invoked, returned, pages: Pages::One, versions });
    }

    /// Nobody will get an answer any more.
    pub fn close(&self, nanos: u64) {
        let mut state = self.lock();
        let open = std::mem::take(&mut state.open);
        state.give_up(open, nanos);
    }

    /// Clients are gone, and nobody will get their answers. Their numbers are in this range.
    pub fn abandon(&self, clients: Range<u32>, nanos: u64) {
        let mut state = self.lock();
        let gone = |begun: &Begun| clients.contains(&begun.client);
        let (gone, open) = std::mem::take(&mut state.open).into_iter().partition(|(_, begun)| gone(begun));
        state.open = open;
        state.give_up(gone, nanos);
    }

    /// How many operations have no answer yet.
    pub fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// The versions that were acknowledged, by key, with what they are.
    pub fn acknowledged(&self) -> BTreeMap<VersionUuid, (String, Entry)> {
        let state = self.lock();
        let mut found = BTreeMap::new();
        for operation in state.history.operations() {
            let (entry, outcome) = match operation.action {
                Action::Put { value, outcome, .. } => (Entry::Object(value), outcome),
                Action::Delete { outcome, .. } => (Entry::DeleteMarker, outcome),
                Action::Get { .. } => continue,
            };
            if let WriteOutcome::Done(Some(version)) = outcome {
                found.insert(version, (operation.key.clone(), entry));
            }
        }
        found
    }

    /// Compares what the bucket holds in the end with what was promised.
    pub fn check_versions(&self, listed: &[Listed]) -> Result<(), String> {
        let there: BTreeMap<VersionUuid, &Listed> =
            listed.iter().map(|found| (found.version, found)).collect();
        for (version, (key, entry)) in self.acknowledged() {
            match there.get(&version) {
                None => {
                    return Err(format!(
                        "version {version} of {key:?} ({entry:?}) was acknowledged and is gone"
                    ));
                }
                Some(found) if found.key != key || found.entry != entry => {
                    return Err(format!("version {version} was {entry:?} of {key:?} and is {found:?}"));
                }
                Some(_) => {}
            }
        }
        let never = self.never_written();
        let wrong =
            listed.iter().find(|found| matches!(found.entry, Entry::Object(value) if never.contains(&value)));
        wrong.map_or(Ok(()), |found| {
            Err(format!("{found:?} is there, but its client was told that it never will be"))
        })
    }

    /// The values of puts that certainly had no effect.
    fn never_written(&self) -> BTreeSet<Value> {
        let state = self.lock();
        let values = state.history.operations().filter_map(|operation| match operation.action {
            Action::Put { value, outcome: WriteOutcome::Failed | WriteOutcome::Refused, .. } => Some(value),
            _ => None,
        });
        values.collect()
    }

    /// The history so far.
    pub fn history(&self) -> History {
        self.lock().history.clone()
    }

    /// How often operations ended how.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().done.clone()
    }
}

impl State {
    fn moment(&mut self, nanos: u64) -> Moment {
        self.now = nanos.max(self.now + 1);
        Moment(self.now)
    }

    fn give_up(&mut self, open: BTreeMap<u64, Begun>, nanos: u64) {
        let returned = self.moment(nanos);
        for (_, begun) in open {
            let told = match begun.what {
                Attempt::Get => Told::Read(ReadOutcome::Failed),
                Attempt::Put(..) | Attempt::Delete(..) => Told::Write(WriteOutcome::Unknown),
            };
            self.finish(begun, told, returned);
        }
    }

    fn finish(&mut self, begun: Begun, told: Told, returned: Moment) {
        let name = match told {
            Told::Write(WriteOutcome::Done(_)) => "written",
            Told::Write(WriteOutcome::Refused) => "refused",
            Told::Write(WriteOutcome::Failed) => "failed",
            Told::Write(WriteOutcome::Unknown) => "unknown",
            Told::Read(ReadOutcome::Failed) => "unread",
            Told::Read(_) => "read",
        };
        *self.done.entry(name).or_default() += 1;
        let action = match (begun.what, told) {
            (Attempt::Put(value, condition), Told::Write(outcome)) => {
                Action::Put { value, condition, outcome }
            }
            (Attempt::Delete(condition), Told::Write(outcome)) => Action::Delete { condition, outcome },
            (Attempt::Get, Told::Read(outcome)) => Action::Get { outcome },
            (what, told) => unreachable!("a client that tried {what:?} can't be told {told:?}"),
        };
        let Begun { client, key, invoked, .. } = begun;
        self.history.push(Operation { client, key, invoked, returned, action });
    }
}
