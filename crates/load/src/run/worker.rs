//! A worker: one connection, one request at a time, until the load is over.

use super::load::{Lane, Load};
use super::steps::State;
use super::timer::Timer;
use crate::client::{Call, Connection, Reply, Take};
use crate::plan::schedule::Turn;
use crate::plan::{Kind, spread};
use crate::record::Failure;
use esker_env::{Random, SeededRandom};
use std::sync::Arc;
use std::time::Duration;

/// The first pause before a request is sent again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(25);

/// A worker.
pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) load: Arc<Load>,
    pub(super) random: SeededRandom,
    pub(super) state: State,
    lane: Arc<Lane>,
    connection: Connection,
}

/// An object that a worker put, and did not delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) key: String,
    /// None if others put the same key, with other sizes.
    pub(super) size: Option<u64>,
    /// None: the current one.
    pub(super) version: Option<String>,
}

impl Worker {
    pub(super) fn new(number: usize, load: &Arc<Load>, lane: &Arc<Lane>) -> Worker {
        let seed = spread(load.site.settings.seed) ^ spread(number as u64);
        Worker {
            number,
            random: SeededRandom::new(seed),
            state: State::new(&load.site.settings, &load.site.keys, number),
            lane: lane.clone(),
            connection: load.site.connection(number),
            load: load.clone(),
        }
    }

    /// Works until the load is over. Returns some of what it put.
    pub(super) async fn run(mut self, mut timer: Timer) -> Vec<Written> {
        let over = self.load.over.clone();
        // A failure is found again, and counted, by the first request.
        let _ = self.connection.ready().await;
        loop {
            let now = self.load.now();
            if over.is_cancelled() || now >= self.load.end() {
                break;
            }
            let turn = self.lane.next(now, &self.random);
            let due = match turn {
                Turn::Now => now,
                Turn::NotBefore(at) | Turn::At(at) => at,
            };
            if due >= self.load.end() {
                break;
            }
            if let Some(wait) = due.checked_sub(now).filter(|wait| !wait.is_zero()) {
                let waited = tokio::select! {
                    waited = timer.wait(wait) => waited.is_ok(),
                    () = over.cancelled() => false,
                };
                if !waited {
                    self.give_up(turn);
                    break;
                }
            }
            let begun = self.load.now();
            if begun >= self.load.end() {
                self.give_up(turn);
                break;
            }
            self.step(if matches!(turn, Turn::At(_)) { due } else { begun }).await;
        }
        self.state.into_written()
    }

    fn give_up(&self, turn: Turn) {
        let (_, end) = self.load.ended();
        if !matches!(turn, Turn::At(at) if at >= end) {
            self.lane.give_up(turn);
        }
    }

    /// Sends a request that was intended at `intended`, counts it, and returns the reply of success.
    /// `payload` is what the request itself carries, in bytes.
    pub(super) async fn perform(
        &mut self,
        kind: Kind,
        intended: Duration,
        call: Call,
        take: Take,
        payload: u64,
    ) -> Option<Reply> {
        self.perform_checked(kind, intended, call, take, payload, |_| Ok(())).await
    }

    /// The same, for a reply that can be wrong in ways of its own.
    pub(super) async fn perform_checked(
        &mut self,
        kind: Kind,
        intended: Duration,
        call: Call,
        take: Take,
        payload: u64,
        check: impl FnOnce(&Reply) -> Result<(), Failure>,
    ) -> Option<Reply> {
        let begun = self.load.now();
        let outcome = self.attempt(kind, intended, &call, take).await;
        let outcome = outcome.and_then(|reply| check(&reply).map(|()| reply));
        let ended = self.load.now();
        let counted = match &outcome {
            Ok(reply) => Ok(payload + reply.bytes),
            Err(failure) => Err(failure.clone()),
        };
        self.lane.record(kind, intended, begun, ended, counted);
        outcome.ok()
    }

    /// Counts what was made of several requests.
    pub(super) fn record_whole(&self, kind: Kind, intended: Duration, begun: Duration, bytes: u64) {
        self.lane.record(kind, intended, begun, self.load.now(), Ok(bytes));
    }

    async fn attempt(
        &mut self,
        kind: Kind,
        intended: Duration,
        call: &Call,
        take: Take,
    ) -> Result<Reply, Failure> {
        let mut pause = PAUSE;
        let mut retries = self.load.site.settings.slow_down_retries;
        loop {
            match self.connection.send(call, take.clone()).await {
                Err(failure) if failure.is_slow_down() && retries > 0 && !self.load.over.is_cancelled() => {
                    retries -= 1;
                    self.lane.retried(kind, intended);
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
    }

    /// One of the prepared objects, and its size.
    pub(super) fn prepared(&self) -> (String, u64) {
        let site = &self.load.site;
        let number = self.random.below(site.settings.objects);
        (site.keys.prepared(number), site.prepared_size(number))
    }
}
