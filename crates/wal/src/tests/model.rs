//! Random histories against a plain model of what a log is.

use super::*;
use crate::GroupState;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// How many groups a history touches.
const GROUPS: u16 = 3;

/// A group as a caller imagines it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ModelGroup {
    entries: BTreeMap<u64, Bytes>,
    vote: Option<Bytes>,
    committed: Option<Bytes>,
    purged: Option<(u64, Bytes)>,
}

impl ModelGroup {
    fn apply(&mut self, record: &Record) {
        match record {
            Record::Entry { index, payload, .. } => drop(self.entries.insert(*index, payload.clone())),
            Record::Truncate { from_index, .. } => self.entries.retain(|index, _| index < from_index),
            Record::Purge { upto_index, payload, .. } => {
                self.entries.retain(|index, _| index > upto_index);
                self.purged = Some((*upto_index, payload.clone()));
            }
            Record::Vote { payload, .. } => self.vote = Some(payload.clone()),
            Record::Committed { payload, .. } => self.committed = Some(payload.clone()),
        }
    }

    fn next(&self) -> u64 {
        let last = self.entries.keys().next_back().copied().or(self.purged.as_ref().map(|(index, _)| *index));
        last.map_or(1, |last| last + 1)
    }

    fn state(&self) -> GroupState {
        let span = self.entries.keys().next().copied().zip(self.entries.keys().next_back().copied());
        GroupState {
            vote: self.vote.clone(),
            committed: self.committed.clone(),
            purged: self.purged.clone(),
            entries: span.map(|(first, last)| first..=last),
        }
    }
}

/// All groups, and the record that a step of a history makes of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Model {
    groups: BTreeMap<u16, ModelGroup>,
    written: u64,
}

impl Model {
    /// Turns a choice into records that continue the log.
    pub(super) fn records(&mut self, choice: &Choice) -> Vec<Record> {
        let state = self.groups.entry(choice.group).or_default();
        let group = choice.group;
        let next = state.next();
        let first = state.entries.keys().next().copied().unwrap_or(next);
        let mut payload = || {
            self.written += 1;
            payload(group, self.written, choice.len)
        };
        let records = match choice.kind {
            0..=5 => (0..=u64::from(choice.amount % 4))
                .map(|more| Record::Entry { group, index: next + more, payload: payload() })
                .collect(),
            6 => {
                let from_index = first.max(next.saturating_sub(u64::from(choice.amount)));
                let replaced = Record::Entry { group, index: from_index, payload: payload() };
                vec![Record::Truncate { group, from_index }, replaced]
            }
            7 => vec![Record::Truncate {
                group,
                from_index: next.saturating_sub(u64::from(choice.amount)).max(first),
            }],
            8 | 9 => vec![Record::Purge {
                group,
                upto_index: first + u64::from(choice.amount),
                payload: payload().slice(..3),
            }],
            10 => vec![Record::Vote { group, payload: payload().slice(..3) }],
            _ => vec![Record::Committed { group, payload: payload().slice(..3) }],
        };
        for record in &records {
            self.apply(record);
        }
        records
    }

    pub(super) fn apply(&mut self, record: &Record) {
        self.groups.entry(record.group()).or_default().apply(record);
    }

    /// Compares a log with the model; an error names the first difference.
    pub(super) fn compare(&self, wal: &Wal) -> Result<(), String> {
        let unknown = ModelGroup::default();
        // All that a history may touch: what the log has and the model doesn't is a difference too.
        for group in 0..GROUPS {
            let expected = self.groups.get(&group).unwrap_or(&unknown);
            let (found, wanted) = (wal.state(group), expected.state());
            if found != wanted {
                return Err(format!("group {group}: {found:?}, expected {wanted:?}"));
            }
            let entries = wal.entries(group, 0..u64::MAX, u64::MAX).map_err(|error| error.to_string())?;
            if !entries.iter().map(|(index, payload)| (index, payload)).eq(expected.entries.iter()) {
                return Err(format!("group {group}: entries differ"));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) group: u16,
    pub(super) kind: u8,
    pub(super) amount: u8,
    pub(super) len: usize,
}

pub(super) fn choices(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Choice>> {
    let choice = (0..GROUPS, 0..12_u8, 0..12_u8, 3..1500_usize);
    let choice = choice.prop_map(|(group, kind, amount, len)| Choice { group, kind, amount, len });
    prop::collection::vec(choice, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_history_reads_and_reopens_like_the_model(choices in choices(1..120), reopen in 5..40_usize) {
        let disk = SimDisk::new();
        let mut model = Model::default();
        let (mut wal, _) = open(&disk).unwrap();
        for (step, choice) in choices.iter().enumerate() {
            let records = model.records(choice);
            if choice.kind == 11 {
                wal.append_blocking(records, Durability::NotNeeded, Box::new(|_| ())).unwrap();
            } else {
                wal.append_synced_blocking(records).unwrap();
            }
            prop_assert_eq!(model.compare(&wal), Ok(()));
            if step % reopen == reopen - 1 {
                drop(wal);
                let (next, recovery) = open(&disk).unwrap();
                prop_assert_eq!(recovery.cut, None);
                wal = next;
                prop_assert_eq!(model.compare(&wal), Ok(()));
            }
        }
    }
}
