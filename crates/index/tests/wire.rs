//! What nodes of a cluster send one another about the index: the bytes of queries and answers, of the cluster's
//! commands and of its rows. They are never changed, only added to.

#[path = "support/golden.rs"]
mod golden;

use bytes::Bytes;
use esker_index::command::{Command, CommandBody, NewData, NewObject, PlannedMove, StoredData, Target};
use esker_index::outcome::{OutcomeRecord, Refusal};
use esker_index::query::{
    Answer, BucketSummary, CurrentPage, Detail, GarbageWork, GroupSummary, KeyFilter, NodeRecord, PartsPage,
    PlacementState, Query, Topology, Unfinished, UploadEntry, UploadsPage, VersionAnswer, VersionEntry,
    VersionMarker, VersionsPage,
};
use esker_index::records::{
    DirectoryEntry, DirectoryState, GroupRecord, ManifestBody, ManifestRecord, ObjectRecord, PartRecord,
    RepairRecord, TopologyRecord, UploadRecord, VersionBody, VersionRecord,
};
use esker_types::{
    BucketId, BucketName, ClusterSettings, DataId, ETag, Extent, Fence, GroupId, ManifestId, NodeId,
    NodeInfo, NodeRole, NodeRoles, NodeState, ObjectKey, PlacementEpoch, PlacementGroup, Sequence, Timestamp,
    UploadId, VersionId, VersionUuid, VersioningState, WriteCondition,
};
use expect_test::expect_file;
use golden::{command, pinned, record};
use std::num::NonZeroU8;
use uuid::Uuid;

fn name() -> BucketName {
    BucketName::parse("photos").expect("a name")
}

fn key() -> ObjectKey {
    ObjectKey::parse("a/ü").expect("a key")
}

fn data(n: u64) -> DataId {
    DataId::new(1_700_000_000_000 + n, GroupId(3), n)
}

fn upload() -> UploadId {
    UploadId(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))
}

fn version_id() -> VersionId {
    VersionId::Id(VersionUuid::new(Sequence(77), 99))
}

fn filter() -> KeyFilter {
    KeyFilter { prefix: "a".into(), delimiter: Some("/".into()) }
}

fn nodes(ids: &[u64]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

fn info() -> NodeInfo {
    NodeInfo {
        address: "a.example:9100".into(),
        roles: NodeRoles::new([NodeRole::Metadata, NodeRole::Storage]).expect("roles"),
        zone: "z1".into(),
        host: "h1".into(),
        weight: 500,
    }
}

fn node() -> NodeRecord {
    NodeRecord { info: info(), state: NodeState::Draining }
}

fn settings() -> ClusterSettings {
    let count = |n| NonZeroU8::new(n).expect("not zero");
    ClusterSettings { replicas: count(2), voters: count(5) }
}

fn placement() -> PlacementState {
    PlacementState {
        group: PlacementGroup(1),
        epoch: PlacementEpoch(2),
        replicas: nodes(&[1, 2, 3]),
        target: nodes(&[4, 2, 3]),
        fenced: nodes(&[1]),
        copied: nodes(&[4]),
    }
}

fn directory_entry() -> DirectoryEntry {
    DirectoryEntry {
        id: BucketId(5),
        group: GroupId(3),
        owner: "root".into(),
        created: Timestamp(6),
        state: DirectoryState::Creating,
    }
}

fn version_entry() -> VersionEntry {
    let object = ObjectRecord {
        size: 10,
        etag: ETag::of_body([1; 16]),
        checksum: None,
        parts: None,
        manifest: Some(ManifestId(Uuid::from_u128(9))),
        headers: vec![("content-type".into(), "text/plain".into())],
    };
    let record =
        VersionRecord { id: version_id(), last_modified: Timestamp(8), body: VersionBody::Object(object) };
    VersionEntry { key: key(), sequence: Sequence(77), record, latest: true }
}

fn upload_record() -> UploadRecord {
    UploadRecord { initiated: Timestamp(4), headers: vec![], checksum: None }
}

fn sent_query(query: &Query) -> Vec<u8> {
    let bytes = query.encode();
    assert_eq!(Query::decode(bytes.clone()).as_ref(), Ok(query));
    golden::cut_short(&bytes, |cut| Query::decode(cut).is_err());
    bytes.to_vec()
}

fn sent_answer(answer: &Answer) -> Vec<u8> {
    let bytes = answer.encode();
    assert_eq!(Answer::decode(bytes.clone()).as_ref(), Ok(answer));
    golden::cut_short(&bytes, |cut| Answer::decode(cut).is_err());
    bytes.to_vec()
}

#[test]
fn the_clusters_rows_are_golden() {
    let group = GroupRecord {
        time: Timestamp(1),
        last_bucket: 2,
        next_garbage: 3,
        first_garbage: 4,
        outcomes_from: Timestamp(5),
        completed_from: Timestamp(6),
        repairs: 7,
        garbage_entries: 8,
        garbage_bytes: 9,
        counted_from: 10,
    };
    let topology = TopologyRecord { version: 1, settings: settings(), placements: 256 };
    let all = [
        ("group record, version 2", record(group)),
        ("node", record(node())),
        ("lost node", record(NodeRecord { state: NodeState::Lost, ..node() })),
        ("removed node", record(NodeRecord { state: NodeState::Removed, ..node() })),
        ("topology record", record(topology)),
        ("placement", record(placement())),
        ("repair", record(RepairRecord { length: 5 })),
    ];
    pinned(&all, &expect_file!["golden/cluster-records-v1.txt"]);
}

#[test]
fn the_clusters_refusals_are_golden() {
    let refusals = [
        Refusal::NodeGone,
        Refusal::NoSuchNode,
        Refusal::NodeInUse,
        Refusal::UnfitNode { node: NodeId(5) },
        Refusal::TooManyNodes,
    ];
    let all = refusals.map(|refusal| ("refusal", record(OutcomeRecord(Err(refusal)))));
    pinned(&all, &expect_file!["golden/cluster-outcomes-v1.txt"]);
}

#[test]
fn the_clusters_commands_are_golden() {
    let target = || Target { bucket: BucketId(5), key: key() };
    let late = || StoredData { data: data(1), late: nodes(&[7, 8]) };
    let object = NewObject {
        size: 5,
        etag: ETag::of_body([1; 16]),
        checksum: None,
        headers: vec![],
        data: NewData::Stored(late()),
    };
    let put =
        CommandBody::PutObject { target: target(), object, condition: WriteCondition::NONE, entropy: 6 };
    let part = CommandBody::PutPart {
        target: target(),
        upload: upload(),
        number: 1,
        size: 5,
        etag: ETag::of_body([3; 16]),
        checksum: None,
        data: Some(late()),
    };
    let fence = |group, epoch| Fence { group: PlacementGroup(group), epoch: PlacementEpoch(epoch) };
    let planned =
        PlannedMove { group: PlacementGroup(1), epoch: PlacementEpoch(2), target: nodes(&[4, 2, 3]) };
    let progress = CommandBody::PlacementProgress {
        node: NodeId(7),
        fenced: vec![fence(1, 2), fence(3, 4)],
        copied: vec![fence(5, 6)],
    };
    let state = NodeState::Removed;
    let all = [
        ("put with late nodes", command(put)),
        ("part with late nodes", command(part)),
        ("repaired", command(CommandBody::Repaired { node: NodeId(7), data: vec![data(1)] })),
        ("forget repairs", command(CommandBody::ForgetRepairs { node: NodeId(7) })),
        ("register node", command(CommandBody::RegisterNode { node: NodeId(7), info: info() })),
        ("set node state", command(CommandBody::SetNodeState { node: NodeId(7), state })),
        ("set cluster settings", command(CommandBody::SetClusterSettings { settings: settings() })),
        (
            "create placement",
            command(CommandBody::CreatePlacement { sets: vec![nodes(&[1, 2]), nodes(&[3])] }),
        ),
        ("move placement", command(CommandBody::MovePlacement { moves: vec![planned] })),
        ("placement progress", command(progress)),
    ];
    pinned(&all, &expect_file!["golden/cluster-commands-v1.txt"]);
}

#[test]
fn queries_are_golden() {
    let (bucket, limit) = (BucketId(5), 1000);
    let after = || Some(VersionMarker { key: "a".into(), version: Some(version_id()) });
    let version = |version, detail| Query::Version { bucket, key: key(), version, detail };
    let all = [
        ("directory", Query::Directory { name: name() }),
        ("directories", Query::Directories { prefix: "p".into(), after: Some("q".into()), limit }),
        ("bucket", Query::Bucket { bucket }),
        ("current version", version(None, Detail::Record)),
        ("null version", version(Some(VersionId::Null), Detail::Manifest)),
        ("versions", Query::Versions { bucket, filter: filter(), after: after(), limit }),
        ("current", Query::Current { bucket, filter: KeyFilter::default(), after: Some("b".into()), limit }),
        (
            "uploads",
            Query::Uploads { bucket, filter: filter(), after: Some(("a".into(), Some(upload()))), limit },
        ),
        ("parts", Query::Parts { bucket, key: key(), upload: upload(), after: 7, limit }),
        ("garbage", Query::Garbage { before: Timestamp(9), after: None, limit }),
        ("more garbage", Query::Garbage { before: Timestamp(9), after: Some(8), limit }),
        ("unheld", Query::Unheld { data: vec![data(1), data(2)] }),
        ("unfinished", Query::Unfinished { limit }),
        ("topology", Query::Topology { newer_than: 3 }),
        ("repairs", Query::Repairs { node: NodeId(7), after: Some(data(1)), limit }),
        ("group summary", Query::GroupSummary),
    ];
    let all = all.map(|(name, query)| (name, sent_query(&query)));
    pinned(&all, &expect_file!["golden/queries-v1.txt"]);
}

fn answers() -> Vec<(&'static str, Answer)> {
    let bucket = BucketSummary {
        name: name(),
        owner: "root".into(),
        versioning: VersioningState::Enabled,
        sequence: Sequence(7),
        versions: 8,
        objects: 9,
    };
    let extent = Extent { data: data(1), offset: 0, length: 10 };
    let version = VersionAnswer {
        versioning: VersioningState::Suspended,
        found: Some(version_entry()),
        manifest: Some(ManifestRecord { body: ManifestBody::Extents(vec![extent]), parts: vec![] }),
        key_exists: true,
    };
    let prefixes = || vec!["a/".to_owned()];
    let versions = VersionsPage {
        entries: vec![version_entry()],
        common_prefixes: prefixes(),
        next: Some(VersionMarker { key: "a".into(), version: None }),
    };
    let current =
        CurrentPage { entries: vec![version_entry()], common_prefixes: prefixes(), next: Some("a".into()) };
    let uploads = UploadsPage {
        entries: vec![UploadEntry { key: key(), upload: upload(), record: upload_record() }],
        common_prefixes: prefixes(),
        next: Some(("a".into(), None)),
    };
    let part = PartRecord {
        number: 1,
        size: 10,
        etag: ETag::of_body([2; 16]),
        checksum: None,
        data: Some(data(2)),
        last_modified: Timestamp(3),
    };
    let parts = PartsPage { upload: upload_record(), parts: vec![part], next: Some(1) };
    let creating = Unfinished::Creating { name: name(), entry: directory_entry() };
    let sealed = Unfinished::Sealed { name: name(), bucket: BucketId(5) };
    let topology = Topology {
        version: 9,
        settings: settings(),
        nodes: vec![(NodeId(7), node())],
        placements: vec![placement()],
    };
    let summary = GroupSummary { time: Timestamp(1), repairs: 2, garbage_entries: 3, garbage_bytes: 4 };
    let garbage = GarbageWork { entry: 1, reclaimed: 2, data: vec![(data(1), 5)] };
    vec![
        ("directory", Answer::Directory(Some(directory_entry()))),
        ("no directory", Answer::Directory(None)),
        ("directories", Answer::Directories { entries: vec![(name(), directory_entry())], more: true }),
        ("bucket", Answer::Bucket(Some(bucket))),
        ("version", Answer::Version(Some(version))),
        ("versions", Answer::Versions(Some(versions))),
        ("current", Answer::Current(Some(current))),
        ("uploads", Answer::Uploads(Some(uploads))),
        ("parts", Answer::Parts(Some(parts))),
        ("garbage", Answer::Garbage(vec![garbage])),
        ("unheld", Answer::Unheld(vec![data(1)])),
        ("unfinished", Answer::Unfinished(vec![creating, sealed])),
        ("topology", Answer::Topology(Some(topology))),
        ("repairs", Answer::Repairs(vec![(data(1), 5)])),
        ("group summary", Answer::GroupSummary(summary)),
    ]
}

#[test]
fn answers_are_golden() {
    let all: Vec<(&str, Vec<u8>)> =
        answers().into_iter().map(|(name, answer)| (name, sent_answer(&answer))).collect();
    pinned(&all, &expect_file!["golden/answers-v1.txt"]);
}

/// There is one encoding of each value, since replicas compare hashes of what they store.
#[test]
fn data_with_an_empty_list_of_late_nodes_is_malformed() {
    let target = Target { bucket: BucketId(5), key: key() };
    let object = NewObject {
        size: 5,
        etag: ETag::of_body([1; 16]),
        checksum: None,
        headers: vec![],
        data: NewData::Stored(StoredData { data: data(1), late: nodes(&[7]) }),
    };
    let mut bytes =
        command(CommandBody::PutObject { target, object, condition: WriteCondition::NONE, entropy: 6 });
    let at = bytes.windows(12).position(|window| window == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7]);
    let at = at.expect("the list of late nodes");
    bytes.splice(at..at + 12, [0, 0, 0, 0]);
    assert!(Command::decode(Bytes::from(bytes)).is_err());
}

#[test]
fn a_list_that_claims_more_than_there_is_is_malformed() {
    for kind in [7, 8, 9, 10, 11, 13] {
        let bytes = [&[1, kind][..], &[0xff; 40]].concat();
        assert!(Answer::decode(Bytes::from(bytes)).is_err());
    }
}

mod random {
    use super::*;
    use proptest::prelude::*;

    fn ids() -> impl Strategy<Value = Vec<NodeId>> {
        prop::collection::vec(any::<u64>().prop_map(NodeId), 0..4)
    }

    fn text_option() -> impl Strategy<Value = Option<String>> {
        prop::option::of(any::<String>())
    }

    fn query() -> impl Strategy<Value = Query> {
        let filter = (any::<String>(), prop::option::of("[a-z/\0]{1,3}"))
            .prop_map(|(prefix, delimiter)| KeyFilter { prefix, delimiter });
        let data = any::<[u8; 16]>().prop_map(DataId::from_bytes);
        let bucket = any::<u64>().prop_map(BucketId);
        prop_oneof![
            (any::<String>(), text_option(), any::<usize>())
                .prop_map(|(prefix, after, limit)| Query::Directories { prefix, after, limit }),
            (bucket, filter, text_option(), any::<usize>())
                .prop_map(|(bucket, filter, after, limit)| Query::Current { bucket, filter, after, limit }),
            (any::<u64>(), prop::option::of(data.clone()), any::<usize>())
                .prop_map(|(node, after, limit)| Query::Repairs { node: NodeId(node), after, limit }),
            prop::collection::vec(data, 0..5).prop_map(|data| Query::Unheld { data }),
            any::<u64>().prop_map(|newer_than| Query::Topology { newer_than }),
        ]
    }

    fn topology() -> impl Strategy<Value = Topology> {
        let text = any::<String>;
        let info = (text(), 1u8..8, text(), text(), any::<u32>()).prop_map(
            |(address, roles, zone, host, weight)| {
                let roles = NodeRoles::from_bits(roles).expect("roles");
                NodeInfo { address, roles, zone, host, weight }
            },
        );
        let states = [NodeState::Active, NodeState::Draining, NodeState::Lost, NodeState::Removed];
        let node = (any::<u64>(), info, prop::sample::select(states.to_vec()))
            .prop_map(|(node, info, state)| (NodeId(node), NodeRecord { info, state }));
        let placement = (any::<u16>(), any::<u64>(), ids(), ids(), ids(), ids()).prop_map(
            |(group, epoch, replicas, target, fenced, copied)| PlacementState {
                group: PlacementGroup(group),
                epoch: PlacementEpoch(epoch),
                replicas,
                target,
                fenced,
                copied,
            },
        );
        (any::<u64>(), prop::collection::vec(node, 0..4), prop::collection::vec(placement, 0..4)).prop_map(
            |(version, nodes, placements)| Topology { version, settings: settings(), nodes, placements },
        )
    }

    proptest! {
        #[test]
        fn queries_arrive_as_they_were_sent(query in query()) {
            prop_assert_eq!(Query::decode(query.encode()), Ok(query));
        }

        #[test]
        fn topologies_arrive_as_they_were_sent(topology in topology()) {
            let answer = Answer::Topology(Some(topology));
            prop_assert_eq!(Answer::decode(answer.encode()), Ok(answer));
        }

        #[test]
        fn no_bytes_make_the_decoders_panic(kind in 0u8..60, bytes: Vec<u8>) {
            let bytes = Bytes::from([&[1, kind][..], &bytes].concat());
            let _ = Query::decode(bytes.clone());
            let _ = Answer::decode(bytes);
        }

        /// What decodes is what its bytes say, and nothing else.
        #[test]
        fn a_changed_answer_is_malformed_or_encodes_as_it_came(
            which in 0..answers().len(), at: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = answers()[which].1.encode().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(answer) = Answer::decode(Bytes::from(bytes.clone())) {
                prop_assert_eq!(answer.encode(), Bytes::from(bytes));
            }
        }
    }
}
