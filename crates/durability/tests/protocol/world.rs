//! The world around the group, as the checker explores it: gateways that stop anywhere, storage replicas,
//! a sweeper, a reclaimer, a reader, and a network without manners.
//!
//! A message that was sent may arrive at any later time, any number of times, or never: what was sent is a set
//! that only grows. A crash is an actor that does nothing more, which every path of the others includes.

use crate::rules::{Broken, Command, Condition, DATA, Group, Outcome, PARTS, Rules, Time};
use stateright::{Model, Property};

/// Which actors there are, and the constants.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) rules: Rules,
    /// What upload `n` is for: its holder and condition. There are as many uploads as targets.
    pub(crate) targets: Vec<(usize, Condition)>,
    /// Replicas of each blob; one of them is a write quorum.
    pub(crate) replicas: usize,
    /// A command's deadline is so much later than the gateway's clock.
    pub(crate) deadline_after: Time,
    /// How much a gateway's clock may be ahead of the group's time.
    pub(crate) clock_ahead: Time,
    /// The longest read.
    pub(crate) read: Time,
    pub(crate) time_max: Time,
    pub(crate) copies: u8,
    pub(crate) deletes: u8,
    pub(crate) reader: bool,
}

/// One upload and the gateway that makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Upload {
    /// The gateway began to write: any replica may get the blob at any time from now on.
    pub(crate) started: bool,
    /// The deadlines with which the put was sent, a bit each.
    pub(crate) sent: u16,
    /// The deadline with which a discard was sent.
    pub(crate) discarded: Option<Time>,
    /// The replicas that have the blob, a bit each.
    pub(crate) stored: u8,
    /// The sweeper asked about it.
    pub(crate) asked: bool,
    /// The sweeper was told that it is condemned, so replicas are being told to delete it.
    pub(crate) may_sweep: bool,
    /// The reclaimer saw that it is due, so replicas are being told to delete it.
    pub(crate) may_reclaim: bool,
    /// The replicas that confirmed this, a bit each.
    pub(crate) confirmed: u8,
    /// What the client was told first.
    pub(crate) told: Option<Outcome>,
}

impl Upload {
    /// The (latest) deadline with which the put was sent.
    fn deadline(&self) -> Option<Time> {
        (0..16).rev().find(|deadline| self.sent & 1 << deadline != 0)
    }
}

/// What must never happen, at the moment that it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wrong {
    DeletedReferenced,
    DeletedUnderReader,
    DataNotSettled,
    TwoOutcomes,
}

/// A state of the world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) group: Group,
    pub(crate) uploads: [Upload; DATA],
    /// The data that a reader has resolved, and when.
    pub(crate) reader: Option<(usize, Time)>,
    /// What a wrong gateway resolved as a copy's source.
    pub(crate) copying: Option<usize>,
    pub(crate) copies: u8,
    pub(crate) deletes: u8,
    pub(crate) wrong: Option<Wrong>,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Tick,
    StartUpload(usize),
    Store { data: usize, replica: usize },
    SendPut { data: usize, clock_ahead: Time },
    SendDiscard { data: usize },
    Apply(Command),
    Ask { data: usize },
    Reclaim { data: usize },
    DeleteBlob { data: usize, replica: usize },
    ForgetTombstone { data: usize },
    ResolveCopy { key: usize },
    ResolveRead { key: usize },
}

impl World {
    fn broken(&self, rule: Broken) -> bool {
        self.rules.broken == Some(rule)
    }

    /// The bits of all replicas.
    pub(crate) fn all_replicas(&self) -> u8 {
        (1 << self.replicas) - 1
    }

    fn gateway_actions(&self, state: &State, data: usize, actions: &mut Vec<Action>) {
        let (holder, condition) = self.targets[data];
        let upload = &state.uploads[data];
        if !upload.started {
            actions.push(Action::StartUpload(data));
            return;
        }
        for replica in (0..self.replicas).filter(|replica| upload.stored & 1 << replica == 0) {
            actions.push(Action::Store { data, replica });
        }
        let durable = upload.stored != 0 || self.broken(Broken::CommitBeforeDurable);
        let may_send = upload.sent == 0 || self.broken(Broken::RetryRenewsDeadline);
        if durable && may_send && upload.discarded.is_none() {
            actions.push(Action::SendPut { data, clock_ahead: 0 });
            if self.clock_ahead > 0 {
                actions.push(Action::SendPut { data, clock_ahead: self.clock_ahead });
            }
        }
        if upload.discarded.is_none() {
            actions.push(Action::SendDiscard { data });
        }
        for deadline in (0..16).filter(|deadline| upload.sent & 1 << deadline != 0) {
            actions.push(Action::Apply(Command::Put { data, holder, condition, deadline }));
        }
        if let Some(deadline) = upload.discarded {
            actions.push(Action::Apply(Command::Discard { data, deadline }));
        }
    }

    fn collector_actions(&self, state: &State, data: usize, actions: &mut Vec<Action>) {
        let upload = &state.uploads[data];
        if upload.stored != 0 && !upload.asked {
            actions.push(Action::Ask { data });
        }
        if upload.asked {
            actions.push(Action::Apply(Command::Condemn { data }));
        }
        let due = state.group.garbage_due[data].is_some_and(|due| due <= state.group.time);
        if due && !upload.may_reclaim {
            actions.push(Action::Reclaim { data });
        }
        for replica in 0..self.replicas {
            let swept = upload.may_sweep && upload.stored & 1 << replica != 0;
            let reclaimed = upload.may_reclaim && (upload.stored | !upload.confirmed) & 1 << replica != 0;
            if swept || reclaimed {
                actions.push(Action::DeleteBlob { data, replica });
            }
        }
        if upload.confirmed == self.all_replicas() {
            actions.push(Action::Apply(Command::Reclaim { data }));
        }
        if self.broken(Broken::TombstoneForgotten) && upload.may_sweep && upload.stored == 0 {
            actions.push(Action::ForgetTombstone { data });
        }
    }

    fn client_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let exists = |key: &usize| state.group.holders[*key].is_some();
        for key in (0..PARTS).filter(exists) {
            if state.deletes < self.deletes {
                actions.push(Action::Apply(Command::Delete { key }));
            }
            if self.reader && state.reader.is_none() {
                actions.push(Action::ResolveRead { key });
            }
        }
        if state.copies < self.copies && exists(&0) {
            if self.broken(Broken::CopyNamesData) {
                actions.push(Action::ResolveCopy { key: 0 });
            } else {
                actions.push(Action::Apply(Command::Copy { from: 0, to: 1 }));
            }
        }
        if let Some(data) = state.copying {
            actions.push(Action::Apply(Command::CopyData { data, to: 1 }));
        }
        let multipart = self.targets.iter().any(|(holder, _)| *holder >= PARTS);
        if multipart && !state.group.upload_closed {
            actions.extend([Command::Complete, Command::Abort].map(Action::Apply));
        }
    }

    fn apply(&self, state: &mut State, command: Command) {
        let outcome = state.group.apply(self.rules, command);
        match command {
            Command::Put { data, .. } => {
                if state.group.rows[data].is_none() {
                    state.wrong = Some(Wrong::DataNotSettled);
                }
                // A client that is told nothing, or that its command came too late, must find out by itself.
                if outcome != Outcome::Expired {
                    let first = *state.uploads[data].told.get_or_insert(outcome);
                    if first != outcome {
                        state.wrong = Some(Wrong::TwoOutcomes);
                    }
                }
            }
            Command::Copy { .. } => state.copies += 1,
            Command::CopyData { .. } => state.copying = None,
            Command::Delete { .. } => state.deletes += 1,
            Command::Condemn { data } => state.uploads[data].may_sweep |= outcome == Outcome::Done,
            _ => {}
        }
    }

    fn delete_blob(&self, state: &mut State, data: usize, replica: usize) {
        let upload = &mut state.uploads[data];
        if upload.stored & 1 << replica != 0 {
            if state.group.holders.contains(&Some(data)) {
                state.wrong = Some(Wrong::DeletedReferenced);
            } else if state.reader.is_some_and(|(read, _)| read == data) {
                state.wrong = Some(Wrong::DeletedUnderReader);
            }
        }
        upload.stored &= !(1 << replica);
        if upload.may_reclaim {
            upload.confirmed |= 1 << replica;
        }
    }

    fn tick(&self, state: &mut State) {
        let deadlines = state.uploads.each_ref().map(Upload::deadline);
        state.group.tick(deadlines);
        let time = state.group.time;
        // A reader gives up before its data may be reclaimed.
        state.reader = state.reader.filter(|(_, since)| time <= since + self.read);
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.wrong.is_some() {
            return;
        }
        if state.group.time < self.time_max {
            actions.push(Action::Tick);
        }
        for data in 0..self.targets.len() {
            self.gateway_actions(state, data, actions);
            self.collector_actions(state, data, actions);
        }
        self.client_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        let time = state.group.time;
        match action {
            Action::Tick => self.tick(&mut state),
            Action::StartUpload(data) => state.uploads[data].started = true,
            Action::Store { data, replica } => state.uploads[data].stored |= 1 << replica,
            Action::SendPut { data, clock_ahead } => {
                state.uploads[data].sent |= 1 << (time + clock_ahead + self.deadline_after);
            }
            Action::SendDiscard { data } => {
                let deadline = state.uploads[data].deadline().unwrap_or(time);
                state.uploads[data].discarded = Some(deadline);
            }
            Action::Apply(command) => self.apply(&mut state, command),
            Action::Ask { data } => {
                state.uploads[data].asked = true;
                if self.broken(Broken::SweepWithoutCondemn) && state.group.rows[data].is_none() {
                    state.uploads[data].may_sweep = true;
                }
            }
            Action::Reclaim { data } => state.uploads[data].may_reclaim = true,
            Action::DeleteBlob { data, replica } => self.delete_blob(&mut state, data, replica),
            Action::ForgetTombstone { data } => state.group.rows[data] = None,
            Action::ResolveCopy { key } => {
                state.copies += 1;
                state.copying = state.group.holders[key];
            }
            Action::ResolveRead { key } => {
                state.reader = state.group.holders[key].map(|data| (data, time));
            }
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<World>> {
        crate::properties::all()
    }
}
