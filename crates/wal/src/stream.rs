//! What each group has up to the record that the writer wrote last. It lags behind the index, which counts what
//! is still queued; the head of a segment and the fate of old segments must go by what is on disk.

use crate::bounds::Bounds;
use crate::record::{Item, Record, encode_record, encode_span};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug, Default)]
pub(crate) struct Stream {
    groups: BTreeMap<u16, Group>,
}

#[derive(Debug, Default)]
struct Group {
    bounds: Bounds,
    purged: Bytes,
    vote: Option<Bytes>,
    committed: Option<Bytes>,
    /// Which segments hold the entries, in order of both.
    runs: VecDeque<Run>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    segment: u64,
    first: u64,
    last: u64,
}

impl Stream {
    /// Follows an item that lies in `segment`. The index has checked it.
    pub(crate) fn apply(&mut self, item: &Item, segment: u64) {
        match item {
            Item::Record(record) => self.apply_record(record, segment),
            Item::Span { group, first, last } => {
                self.groups.entry(*group).or_default().bounds.span = Some((*first, *last));
            }
        }
    }

    pub(crate) fn apply_record(&mut self, record: &Record, segment: u64) {
        let group = self.groups.entry(record.group()).or_default();
        // The index accepted the same records in the same order.
        let accepted = group.bounds.apply(record);
        debug_assert_eq!(accepted, Ok(()), "the index checks records first");
        match record {
            Record::Entry { index, .. } => match group.runs.back_mut() {
                Some(run) if run.segment == segment => run.last = *index,
                _ => group.runs.push_back(Run { segment, first: *index, last: *index }),
            },
            Record::Truncate { .. } => group.fit_runs(),
            Record::Purge { payload, .. } => {
                group.purged = payload.clone();
                group.fit_runs();
            }
            Record::Vote { payload, .. } => group.vote = Some(payload.clone()),
            Record::Committed { payload, .. } => group.committed = Some(payload.clone()),
        }
    }

    /// The oldest segment that holds an entry, if any does.
    pub(crate) fn oldest_needed(&self) -> Option<u64> {
        self.groups.values().filter_map(|group| group.runs.front()).map(|run| run.segment).min()
    }

    /// Appends what the head of a segment repeats: all that would be lost with the segments before. Returns the
    /// number of items.
    pub(crate) fn encode_head(&self, out: &mut Vec<u8>) -> u32 {
        let mut count = 0;
        let mut put = |record: &Record, out: &mut Vec<u8>| {
            encode_record(record, out);
            count += 1;
        };
        for (&group, state) in &self.groups {
            if let Some(payload) = state.vote.clone() {
                put(&Record::Vote { group, payload }, out);
            }
            if let Some(payload) = state.committed.clone() {
                put(&Record::Committed { group, payload }, out);
            }
            if let Some(upto_index) = state.bounds.purged {
                put(&Record::Purge { group, upto_index, payload: state.purged.clone() }, out);
            }
        }
        for (&group, state) in &self.groups {
            if let Some((first, last)) = state.bounds.span {
                encode_span(group, first, last, out);
                count += 1;
            }
        }
        count
    }
}

impl Group {
    fn fit_runs(&mut self) {
        let Some((first, last)) = self.bounds.span else {
            self.runs.clear();
            return;
        };
        self.runs.retain(|run| run.last >= first && run.first <= last);
        if let Some(run) = self.runs.front_mut() {
            run.first = run.first.max(first);
        }
        if let Some(run) = self.runs.back_mut() {
            run.last = run.last.min(last);
        }
    }
}
