//! Golden bytes of what the log and the rows store. They are never regenerated: a format that changes gets a new
//! version, and these bytes must still be read.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use openraft::EntryPayload;
use openraft::vote::RaftLeaderId;
use proptest::prelude::*;

use crate::codec::{Encoded, decode_option, encode_option};
use crate::rows::{Mark, Pointer};
use crate::types::{
    CommandBytes, Entry, LeaderId, LogId, Membership, Peer, SnapshotMeta, StoredMembership, Vote,
};

fn log_id(term: u64, node: u64, index: u64) -> LogId {
    LogId::new(LeaderId::new(term, node).to_committed(), index)
}

fn membership() -> Membership {
    let peer = |address: &str| Peer { address: address.to_owned() };
    let nodes = BTreeMap::from([(1, peer("a:1")), (2, peer(""))]);
    Membership::new(vec![BTreeSet::from([1]), BTreeSet::from([1, 2])], nodes).unwrap()
}

fn check<T: Encoded + PartialEq + std::fmt::Debug>(value: &T, golden: &[u8]) {
    assert_eq!(value.encode().escape_ascii().to_string(), golden.escape_ascii().to_string());
    assert_eq!(&T::decode(Bytes::copy_from_slice(golden)).unwrap(), value);
}

#[test]
fn votes_and_log_ids() {
    check(&Vote::new_committed(1, 2), b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\x01");
    check(&Vote::new(1, 2), b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0");
    check(&log_id(1, 2, 3), b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03");
    assert_eq!(encode_option::<Vote>(None), Bytes::new());
    assert_eq!(decode_option::<Vote>(Bytes::new()), Ok(None));
}

#[test]
fn entries() {
    const ID: &[u8] = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03";
    let entry = |payload| Entry { log_id: log_id(1, 2, 3), payload };
    check(&entry(EntryPayload::Blank), &[ID, b"\0"].concat());
    let command = EntryPayload::Normal(CommandBytes(Bytes::from_static(b"put")));
    check(&entry(command), &[ID, b"\x01\0\0\0\x03put"].concat());
    check(&entry(EntryPayload::Membership(membership())), &[ID, b"\x02", MEMBERSHIP].concat());
}

/// Two joint configurations, {1} and {1, 2}, and the nodes' addresses.
const MEMBERSHIP: &[u8] = b"\0\0\0\x02\
    \0\0\0\x01\0\0\0\0\0\0\0\x01\
    \0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\
    \0\0\0\x02\
    \0\0\0\0\0\0\0\x01\0\0\0\x03a:1\
    \0\0\0\0\0\0\0\x02\0\0\0\0";

#[test]
fn snapshot_headers_and_pointer_rows() {
    const APPLIED: &[u8] = b"\x01\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x06";
    const STORED: &[u8] = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03";
    let membership = StoredMembership::new(Some(log_id(1, 2, 3)), membership());
    let meta = SnapshotMeta { last_log_id: Some(log_id(4, 5, 6)), last_membership: membership.clone() };
    check(&meta, &[b"\x01", APPLIED, STORED, MEMBERSHIP].concat());
    let applied = Some(log_id(4, 5, 6));
    let pointer = Pointer { generation: 7, applied, membership, mark: Mark::Present };
    check(&pointer, &[b"\x02\0\0\0\0\0\0\0\x07", APPLIED, STORED, MEMBERSHIP, b"\x01"].concat());
    check(&Pointer::default(), &[0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // The first form.
    let first = [b"\x01\0\0\0\0\0\0\0\x07", APPLIED, STORED, MEMBERSHIP].concat();
    let pointer = Pointer { mark: Mark::Absent, ..pointer };
    assert_eq!(Pointer::decode(first.into()), Ok(pointer));
    let first = Bytes::from_static(&[0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Pointer::decode(first), Ok(Pointer::default()));
}

#[test]
fn a_newer_format_is_refused() {
    let mut bytes = Vote::new(1, 2).encode().to_vec();
    bytes[0] = 2;
    assert!(Vote::decode(bytes.into()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(bytes: Vec<u8>) {
        let bytes = Bytes::from(bytes);
        let _ = Entry::decode(bytes.clone());
        let _ = Pointer::decode(bytes.clone());
        let _ = SnapshotMeta::decode(bytes.clone());
        let _ = Vote::decode(bytes);
    }

    #[test]
    fn an_entry_cut_short_is_refused(content: Vec<u8>, cut: prop::sample::Index) {
        let payload = EntryPayload::Normal(CommandBytes(content.into()));
        let bytes = Entry { log_id: log_id(1, 2, 3), payload }.encode();
        prop_assert!(Entry::decode(bytes.slice(..cut.index(bytes.len()))).is_err());
    }
}
