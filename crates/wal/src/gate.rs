//! Back-pressure: how many bytes may wait for the disk, and who is next when some have gone.

use crate::error::WalError;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// A budget that callers take from, first come, first served.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    budget: u64,
}

#[derive(Debug, Default)]
struct State {
    used: u64,
    waiting: VecDeque<Waiter>,
    closed: Option<WalError>,
}

#[derive(Debug)]
struct Waiter {
    cost: u64,
    granted: oneshot::Sender<Result<Permit, WalError>>,
}

/// A share of the budget; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    cost: u64,
}

/// A place in the line: the permit, or where it will arrive.
pub(crate) enum Turn {
    Now(Permit),
    Later(oneshot::Receiver<Result<Permit, WalError>>),
}

impl Gate {
    pub(crate) fn new(budget: u64) -> Arc<Gate> {
        Arc::new(Gate { state: Mutex::default(), budget })
    }

    /// Asks for `cost`. A cost over half of the budget counts as half, so that it can be met while records
    /// that nobody waits for sit in the queue.
    pub(crate) fn ask(self: &Arc<Gate>, cost: u64) -> Result<Turn, WalError> {
        let cost = cost.min(self.budget / 2);
        let mut state = self.lock();
        if let Some(error) = &state.closed {
            return Err(error.clone());
        }
        if state.waiting.is_empty() && state.used + cost <= self.budget {
            state.used += cost;
            return Ok(Turn::Now(Permit { gate: self.clone(), cost }));
        }
        let (granted, arrives) = oneshot::channel();
        state.waiting.push_back(Waiter { cost, granted });
        Ok(Turn::Later(arrives))
    }

    /// Turns away everyone who waits, and all who come.
    pub(crate) fn close(&self, error: &WalError) {
        let mut state = self.lock();
        state.closed.get_or_insert_with(|| error.clone());
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for waiter in waiting {
            // A caller that stopped waiting needs no answer.
            let _ = waiter.granted.send(Err(error.clone()));
        }
    }

    fn release(self: &Arc<Gate>, cost: u64) {
        let mut state = self.lock();
        state.used -= cost;
        let mut ready = Vec::new();
        while let Some(front) = state.waiting.front() {
            if state.used + front.cost > self.budget {
                break;
            }
            state.used += front.cost;
            ready.extend(state.waiting.pop_front());
        }
        drop(state);
        for waiter in ready {
            // If the caller stopped waiting, the permit comes back here and is released by its drop.
            let _ = waiter.granted.send(Ok(Permit { gate: self.clone(), cost: waiter.cost }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.release(self.cost);
    }
}

impl Turn {
    pub(crate) async fn wait(self) -> Result<Permit, WalError> {
        match self {
            Turn::Now(permit) => Ok(permit),
            Turn::Later(arrives) => arrives.await.unwrap_or(Err(WalError::Closed)),
        }
    }

    /// As [`wait`](Turn::wait), for threads that may block.
    pub(crate) fn wait_blocking(self) -> Result<Permit, WalError> {
        match self {
            Turn::Now(permit) => Ok(permit),
            Turn::Later(arrives) => arrives.blocking_recv().unwrap_or(Err(WalError::Closed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(turn: Turn) -> Permit {
        match turn {
            Turn::Now(permit) => permit,
            Turn::Later(_) => panic!("has to wait"),
        }
    }

    fn later(turn: Turn) -> oneshot::Receiver<Result<Permit, WalError>> {
        match turn {
            Turn::Now(_) => panic!("needn't wait"),
            Turn::Later(arrives) => arrives,
        }
    }

    #[test]
    fn permits_are_granted_in_order_and_a_caller_that_gave_up_loses_nothing() {
        let gate = Gate::new(100);
        let first = now(gate.ask(50).unwrap());
        let second = now(gate.ask(40).unwrap());
        let gave_up = later(gate.ask(40).unwrap());
        let mut small = later(gate.ask(1).unwrap());
        assert!(small.try_recv().is_err(), "a small one doesn't overtake");
        drop(gave_up);
        drop(first);
        drop(small.try_recv().unwrap().unwrap());
        drop(second);
        assert_eq!(gate.lock().used, 0);
    }

    #[test]
    fn closing_turns_away_those_who_wait_and_those_who_come() {
        let gate = Gate::new(100);
        let _all = (now(gate.ask(50).unwrap()), now(gate.ask(50).unwrap()));
        let mut waits = later(gate.ask(1).unwrap());
        gate.close(&WalError::Closed);
        assert!(matches!(waits.try_recv().unwrap(), Err(WalError::Closed)));
        assert!(matches!(gate.ask(1), Err(WalError::Closed)));
    }
}
