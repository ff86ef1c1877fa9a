//! One client: does one thing after another, and tells the oracle.

use super::session::{Session, Unread};
use crate::oracle::{Attempt, Oracle, Told};
use crate::trace::Trace;
use crate::world::clock::SimTime;
use crate::world::plan::Versioning;
use esker_checker::{Condition, ReadOutcome, Value, WriteOutcome};
use esker_env::{Random as _, SeededRandom};
use esker_types::ObjectKey;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A client has no more patience than this.
const PATIENCE: Duration = Duration::from_secs(12);

/// The longest pause before each piece of a body.
const SLOW_PAUSE_MILLIS: u64 = 1_000;

/// What a client is given.
pub struct Work {
    /// Its number.
    pub client: u32,
    /// How many keys there are.
    pub keys: usize,
    /// Whether their bucket keeps versions.
    pub versioning: Versioning,
    /// Its way to the cluster.
    pub session: Session,
    /// Whom it tells.
    pub oracle: Oracle,
    /// The simulation's time.
    pub time: SimTime,
    /// What it notes.
    pub trace: Trace,
    /// Its choices.
    pub random: SeededRandom,
    /// False once it is to stop.
    pub go_on: watch::Receiver<bool>,
}

/// The name of one of the keys.
pub fn key_name(at: usize) -> String {
    format!("key-{at}")
}

/// Works until it is told to stop.
pub async fn work(mut work: Work) {
    let mut seen: Vec<Option<Value>> = vec![None; work.keys];
    while *work.go_on.borrow_and_update() {
        work.turn(&mut seen).await;
        let pause = Duration::from_millis(work.random.below(200));
        sleep(pause).await;
    }
}

impl Work {
    fn nanos(&self) -> u64 {
        u64::try_from(self.time.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// One operation. `seen` is what the client last read or wrote at each key.
    async fn turn(&self, seen: &mut [Option<Value>]) {
        let at = usize::try_from(self.random.below(self.keys as u64)).unwrap_or(0);
        let name = key_name(at);
        let key = ObjectKey::parse(&name).expect("a good key");
        if self.random.chance(1, 20) && self.versioning == Versioning::Kept {
            return self.list().await;
        }
        let condition = match (self.random.below(4), seen[at]) {
            (0, Some(value)) => Condition::IfMatch(value),
            (1, _) => Condition::IfAbsent,
            _ => Condition::Always,
        };
        let attempt = match self.random.below(10) {
            0..4 => Attempt::Put(self.oracle.new_value(), condition),
            4 if condition != Condition::IfAbsent => Attempt::Delete(condition),
            _ => Attempt::Get,
        };
        // Some send so slowly that places change meanwhile.
        let slow = self.random.chance(1, 4);
        let pause = Duration::from_millis(if slow { self.random.below(SLOW_PAUSE_MILLIS) } else { 0 });
        let ticket = self.oracle.begin(self.client, &name, attempt, self.nanos());
        let doing = async {
            match attempt {
                Attempt::Put(value, condition) => {
                    Told::Write(self.session.put(&key, value, condition, pause).await)
                }
                Attempt::Delete(condition) => Told::Write(self.session.delete(&key, condition).await),
                Attempt::Get => Told::Read(self.get(&key).await),
            }
        };
        let told = timeout(PATIENCE, doing).await.unwrap_or(match attempt {
            Attempt::Get => Told::Read(ReadOutcome::Failed),
            Attempt::Put(..) | Attempt::Delete(..) => Told::Write(WriteOutcome::Unknown),
        });
        self.oracle.end(ticket, told, self.nanos());
        self.trace
            .note(self.time.elapsed(), format_args!("client {}: {name} {attempt:?}: {told:?}", self.client));
        match (attempt, told) {
            (_, Told::Read(ReadOutcome::Found(value, _))) => seen[at] = Some(value),
            (Attempt::Put(value, _), Told::Write(WriteOutcome::Done(_))) => seen[at] = Some(value),
            _ => {}
        }
    }

    async fn get(&self, key: &ObjectKey) -> ReadOutcome {
        match self.session.get(key, None).await {
            Ok(outcome) => outcome,
            Err(Unread::Failed(_)) => ReadOutcome::Failed,
            Err(Unread::Wrong(what)) => {
                self.oracle.wrong(what);
                ReadOutcome::Failed
            }
        }
    }

    async fn list(&self) {
        let invoked = self.oracle.moment(self.nanos());
        if let Ok(Ok(versions)) = timeout(PATIENCE, self.session.list()).await {
            self.trace.note(
                self.time.elapsed(),
                format_args!("client {}: {} versions", self.client, versions.len()),
            );
            self.oracle.list(invoked, versions, self.nanos());
        }
    }
}
