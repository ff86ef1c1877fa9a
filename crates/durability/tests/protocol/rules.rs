//! The protocol between gateways, a Raft group and storage, as the group's pure state machine: what each
//! committed command does to the rows that decide which data may be deleted.
//!
//! The rows are those of the product: for each DataId at most one row that says `Held` or `Condemned`, a
//! count of references, a garbage entry with the time from which it may be reclaimed, and the outcome of each
//! request until its deadline.

/// How many uploads a model has at most; upload `n` is made by gateway `n`, and is its one request.
pub(crate) const DATA: usize = 2;
/// Keys 0 and 1, then the two part numbers of the one multipart upload.
pub(crate) const HOLDERS: usize = 4;
/// The first holder that is a part.
pub(crate) const PARTS: usize = 2;

/// Logical time, in steps of no particular length.
pub(crate) type Time = u8;

/// One rule taken away. Each must make the checker find a counterexample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Broken {
    /// Gateways commit before the write quorum has the blob.
    CommitBeforeDurable,
    /// A command may commit data that a row already speaks of.
    PutIgnoresDataRow,
    /// A refused command leaves its data to nobody.
    RefusalLeavesData,
    /// A refused command holds its data, but does not list it.
    RefusalListsNothing,
    /// Replaced data is held for ever.
    ReplacedDataNotListed,
    /// Aborting an upload forgets its parts.
    AbortForgetsParts,
    /// Completing an upload forgets the parts that it does not use.
    CompleteForgetsUnusedParts,
    /// Removing one of several references lists the data.
    ReferencesNotCounted,
    /// Condemning does not look whether the data is held.
    CondemnUnchecked,
    /// The sweeper deletes what the group does not know, instead of committing a tombstone first.
    SweepWithoutCondemn,
    /// A tombstone is removed once the blobs are deleted.
    TombstoneForgotten,
    /// Garbage is reclaimed at once.
    NoGrace,
    /// Commands have no deadline.
    NoDeadline,
    /// A retry carries a new deadline.
    RetryRenewsDeadline,
    /// Garbage is due after the grace, even if the deadline of the command that named it is later.
    DueBeforeDeadline,
    /// Outcomes are forgotten at once.
    OutcomesForgotten,
    /// A gateway resolves the source of a copy and sends what it found.
    CopyNamesData,
}

/// The group's constants, and the rule that is taken away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// From the time that garbage is listed to the time that it may be reclaimed.
    pub(crate) grace: Time,
    /// The rule that does not hold.
    pub(crate) broken: Option<Broken>,
}

/// What the group knows of one DataId.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Row {
    /// Referenced, or listed as garbage. `deadline` is that of the command that named it first.
    Held { deadline: Time },
    /// Never to be committed.
    Condemned,
}

/// A command's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// It took effect.
    Done,
    /// The condition failed, or the upload is gone; its data is garbage.
    Refused,
    /// The data was condemned or discarded.
    DataTaken,
    /// It came too late; an earlier copy may have taken effect.
    Expired,
}

/// When a put takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Condition {
    /// Always.
    Always,
    /// Only if the key does not exist (`If-None-Match: *`).
    IfAbsent,
}

/// A committed command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    /// PutObject, or UploadPart if the holder is a part.
    Put { data: usize, holder: usize, condition: Condition, deadline: Time },
    /// CopyObject from one key to another.
    Copy { from: usize, to: usize },
    /// What a wrong gateway makes of it.
    CopyData { data: usize, to: usize },
    /// Removes a key's version for good.
    Delete { key: usize },
    /// CompleteMultipartUpload with part 0 only, onto key 0.
    Complete,
    /// AbortMultipartUpload.
    Abort,
    /// The sweeper asks whether stored data may be deleted.
    Condemn { data: usize },
    /// The gateway gave up an upload whose put carries, or would have carried, this deadline.
    Discard { data: usize, deadline: Time },
    /// All replicas confirmed that they deleted listed data.
    Reclaim { data: usize },
}

/// The rows of the group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Group {
    pub(crate) time: Time,
    pub(crate) rows: [Option<Row>; DATA],
    pub(crate) references: [u8; DATA],
    /// The time from which listed data may be reclaimed.
    pub(crate) garbage_due: [Option<Time>; DATA],
    pub(crate) outcomes: [Option<Outcome>; DATA],
    /// Which data a key or part refers to.
    pub(crate) holders: [Option<usize>; HOLDERS],
    pub(crate) upload_closed: bool,
}

impl Group {
    /// Applies one committed command.
    pub(crate) fn apply(&mut self, rules: Rules, command: Command) -> Outcome {
        match command {
            Command::Put { data, holder, condition, deadline } => {
                if let Some(first) = self.outcomes[data] {
                    return first;
                }
                let outcome = self.put(rules, data, holder, condition, deadline);
                if outcome != Outcome::Expired && rules.broken != Some(Broken::OutcomesForgotten) {
                    self.outcomes[data] = Some(outcome);
                }
                return outcome;
            }
            Command::Copy { from, to } => match self.holders[from] {
                Some(data) => self.refer(rules, to, data),
                None => return Outcome::Refused,
            },
            Command::CopyData { data, to } => self.refer(rules, to, data),
            Command::Delete { key } => self.release(rules, key, Broken::ReplacedDataNotListed),
            Command::Complete if self.upload_closed || self.holders[PARTS].is_none() => {
                return Outcome::Refused;
            }
            Command::Complete => self.complete(rules),
            Command::Abort => {
                self.upload_closed = true;
                (PARTS..HOLDERS).for_each(|part| self.release(rules, part, Broken::AbortForgetsParts));
            }
            Command::Condemn { data } => match self.rows[data] {
                Some(Row::Held { .. }) if rules.broken != Some(Broken::CondemnUnchecked) => {
                    return Outcome::Refused;
                }
                _ => self.rows[data] = Some(Row::Condemned),
            },
            Command::Discard { data, deadline } if self.rows[data].is_none() => {
                self.settle_as_garbage(rules, data, deadline);
            }
            Command::Discard { .. } => {}
            Command::Reclaim { data } => {
                if self.garbage_due[data].take().is_some() {
                    self.rows[data] = None;
                }
            }
        }
        Outcome::Done
    }

    /// Moves logical time on; outcomes are kept until their request's deadline.
    pub(crate) fn tick(&mut self, deadlines: [Option<Time>; DATA]) {
        self.time += 1;
        for (outcome, deadline) in self.outcomes.iter_mut().zip(deadlines) {
            if deadline.is_some_and(|deadline| self.time > deadline) {
                *outcome = None;
            }
        }
    }

    fn put(
        &mut self,
        rules: Rules,
        data: usize,
        holder: usize,
        condition: Condition,
        deadline: Time,
    ) -> Outcome {
        let known = self.rows[data].is_some() && rules.broken != Some(Broken::PutIgnoresDataRow);
        if self.time > deadline && rules.broken != Some(Broken::NoDeadline) {
            if !known {
                self.settle_as_garbage(rules, data, deadline);
            }
            return Outcome::Expired;
        }
        if known {
            return Outcome::DataTaken;
        }
        let refused = match condition {
            Condition::Always => holder >= PARTS && self.upload_closed,
            Condition::IfAbsent => self.holders[holder].is_some(),
        };
        if refused {
            self.settle_as_garbage(rules, data, deadline);
            return Outcome::Refused;
        }
        self.rows[data] = Some(Row::Held { deadline });
        self.refer(rules, holder, data);
        Outcome::Done
    }

    /// Every outcome settles its data: what is not referenced is listed.
    fn settle_as_garbage(&mut self, rules: Rules, data: usize, deadline: Time) {
        if rules.broken == Some(Broken::RefusalLeavesData) {
            return;
        }
        self.rows[data] = Some(Row::Held { deadline });
        if rules.broken != Some(Broken::RefusalListsNothing) {
            self.list(rules, data);
        }
    }

    fn list(&mut self, rules: Rules, data: usize) {
        let grace = if rules.broken == Some(Broken::NoGrace) { 0 } else { rules.grace };
        let after_deadline = match self.rows[data] {
            Some(Row::Held { deadline }) if rules.broken != Some(Broken::DueBeforeDeadline) => deadline + 1,
            _ => 0,
        };
        self.garbage_due[data] = Some((self.time + grace).max(after_deadline));
    }

    /// Lets a holder refer to data, instead of what it referred to.
    fn refer(&mut self, rules: Rules, holder: usize, data: usize) {
        self.references[data] += 1;
        self.release(rules, holder, Broken::ReplacedDataNotListed);
        self.holders[holder] = Some(data);
    }

    /// Removes a reference; data without one is listed, unless `leak` is the rule taken away.
    fn release(&mut self, rules: Rules, holder: usize, leak: Broken) {
        let Some(data) = self.holders[holder].take() else { return };
        self.references[data] -= 1;
        let last = self.references[data] == 0 || rules.broken == Some(Broken::ReferencesNotCounted);
        if last && rules.broken != Some(leak) {
            self.list(rules, data);
        }
    }

    fn complete(&mut self, rules: Rules) {
        self.upload_closed = true;
        if let Some(data) = self.holders[PARTS] {
            self.refer(rules, 0, data);
            self.release(rules, PARTS, Broken::ReplacedDataNotListed);
        }
        (PARTS + 1..HOLDERS).for_each(|part| self.release(rules, part, Broken::CompleteForgetsUnusedParts));
    }
}
