//! Random commands against the naive model, over the memory and the fjall engine: the same outcomes, the same
//! lists, and every invariant after every step.

mod support;

use esker_index::command::{Command, CommandBody};
use esker_index::outcome::{Done, Step};
use esker_index::query::{Answer, Detail, KeyFilter, Query, VersionEntry};
use esker_types::{BucketId, DataId, NodeId, NodeState, ObjectKey, RequestId, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use std::collections::BTreeSet;
use std::sync::Arc;
use support::cluster_commands::NODES;
use support::commands::{KEYS, command, opening};
use support::engines::Host;
use support::lists::{self, Line};
use support::model::{Bucket, Model};

#[derive(Clone, Debug)]
struct Reference {
    model: Model,
    last: Option<Command>,
}

impl ReferenceStateMachine for Reference {
    type State = Reference;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<Reference> {
        let mut model = Model::default();
        opening().iter().for_each(|command| model.apply(command));
        Just(Reference { model, last: None }).boxed()
    }

    fn transitions(state: &Reference) -> BoxedStrategy<Command> {
        command(&state.model, state.last.clone())
    }

    fn apply(mut state: Reference, command: &Command) -> Reference {
        state.model.apply(command);
        state.last = Some(command.clone());
        state
    }
}

fn shows(entry: &VersionEntry, line: &Line) {
    let Line::Version { key, version, latest } = line else { panic!("{line:?} is not a version") };
    assert_eq!(entry.key.as_str(), key);
    assert_eq!((entry.sequence, entry.record.id), (version.sequence, version.id));
    assert_eq!((entry.record.last_modified, entry.latest), (version.date, *latest));
    match (entry.record.object(), &version.object) {
        (None, None) => {}
        (Some(stored), Some(object)) => {
            assert_eq!((stored.size, &stored.etag), (object.size, &object.etag));
            assert_eq!((stored.parts, &stored.headers), (object.parts, &object.headers));
        }
        (stored, object) => panic!("{stored:?} differs from {object:?}"),
    }
}

/// Every version by id and the current one of every key.
fn versions_agree(host: &Host, id: BucketId, bucket: &Bucket) {
    for key in KEYS {
        let ask = |version| {
            let key = ObjectKey::parse(key).expect("a key");
            match host.answer(&Query::Version { bucket: id, key, version, detail: Detail::Manifest }) {
                Answer::Version(Some(answer)) => answer,
                other => panic!("no answer: {other:?}"),
            }
        };
        let versions = bucket.keys.get(key).cloned().unwrap_or_default();
        let current = ask(None);
        assert_eq!(current.versioning, bucket.state);
        assert_eq!(current.key_exists, !versions.is_empty());
        assert_eq!(
            current.found.map(|found| found.sequence),
            versions.last().map(|version| version.sequence)
        );
        for (i, version) in versions.iter().enumerate() {
            let found = ask(Some(version.id)).found.expect("the version is found");
            let line =
                Line::Version { key: key.into(), version: version.clone(), latest: i + 1 == versions.len() };
            shows(&found, &line);
        }
    }
}

fn filters() -> Vec<KeyFilter> {
    let filter = |prefix: &str, delimiter: Option<&str>| KeyFilter {
        prefix: prefix.into(),
        delimiter: delimiter.map(Into::into),
    };
    vec![
        filter("", None),
        filter("", Some("/")),
        filter("a/", Some("/")),
        filter("a", Some("\0")),
        filter("x", None),
    ]
}

/// A page of either list, and where the next one resumes.
type Page<M> = (Vec<VersionEntry>, Vec<String>, Option<M>);

/// Pages of `limit`, put together, are the whole list; and only the last page says that it is the last.
fn pages_agree<M>(expected: &[Line], limit: usize, mut page: impl FnMut(Option<M>) -> Page<M>) {
    let (mut entries, mut prefixes, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let (shown, groups, next) = page(after);
        let lines = shown.len() + groups.len();
        assert!(lines == limit || (lines < limit && next.is_none()), "a page of {lines} lines");
        entries.extend(shown);
        prefixes.extend(groups);
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    agree(expected, &entries, &prefixes);
}

fn version_lists_agree(host: &Host, bucket: BucketId, model: &Bucket, filter: &KeyFilter, limit: usize) {
    pages_agree(&lists::versions(model, filter), limit, |after| {
        match host.answer(&Query::Versions { bucket, filter: filter.clone(), after, limit }) {
            Answer::Versions(Some(page)) => (page.entries, page.common_prefixes, page.next),
            other => panic!("no page: {other:?}"),
        }
    });
}

fn current_lists_agree(host: &Host, bucket: BucketId, model: &Bucket, filter: &KeyFilter, limit: usize) {
    pages_agree(&lists::current(model, filter), limit, |after| {
        match host.answer(&Query::Current { bucket, filter: filter.clone(), after, limit }) {
            Answer::Current(Some(page)) => (page.entries, page.common_prefixes, page.next),
            other => panic!("no page: {other:?}"),
        }
    });
}

fn agree(expected: &[Line], entries: &[VersionEntry], prefixes: &[String]) {
    let is_prefix = |line: &&Line| matches!(line, Line::Prefix(_));
    let lines: Vec<&Line> = expected.iter().filter(|line| !is_prefix(line)).collect();
    assert_eq!(lines.len(), entries.len());
    entries.iter().zip(lines).for_each(|(entry, line)| shows(entry, line));
    let groups: Vec<Line> = prefixes.iter().cloned().map(Line::Prefix).collect();
    assert!(expected.iter().filter(is_prefix).eq(groups.iter()), "{expected:?} groups as {groups:?}");
}

/// The topology, in both ways to ask for it, and what each node has to repair, in pages.
fn cluster_agrees(host: &Host, model: &Model) {
    let version = model.cluster.version;
    let topology = Some(model.cluster.topology()).filter(|topology| topology.version > 0);
    assert_eq!(host.answer(&Query::Topology { newer_than: 0 }), Answer::Topology(topology));
    assert_eq!(host.answer(&Query::Topology { newer_than: version }), Answer::Topology(None));
    let Answer::GroupSummary(summary) = host.answer(&Query::GroupSummary) else { panic!("no summary") };
    assert_eq!((summary.time, summary.repairs), (model.time, model.repairs.len() as u64));
    for node in (0..NODES).map(NodeId) {
        let expected = model.repairs.iter().filter(|((of, _), _)| *of == node);
        let expected: Vec<(DataId, u64)> = expected.map(|((_, data), length)| (*data, *length)).collect();
        let mut found = Vec::new();
        loop {
            let after = found.last().map(|(data, _)| *data);
            let Answer::Repairs(page) = host.answer(&Query::Repairs { node, after, limit: 2 }) else {
                panic!("no repairs")
            };
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, expected);
    }
}

fn everything_agrees(host: &Host, model: &Model) {
    host.check().expect("all invariants hold");
    cluster_agrees(host, model);
    for (id, bucket) in &model.buckets {
        if bucket.sealed {
            assert_eq!(host.answer(&Query::Bucket { bucket: *id }), Answer::Bucket(None));
            continue;
        }
        versions_agree(host, *id, bucket);
        let limit = usize::try_from(model.steps % 3).expect("below 3") + 1;
        for filter in filters() {
            version_lists_agree(host, *id, bucket, &filter, limit);
            current_lists_agree(host, *id, bucket, &filter, limit);
        }
    }
}

/// Reclaims all garbage; then the data that is left is the data that is used.
fn collects_to_nothing(host: &Host, model: &Model) {
    let mut number = 0u128;
    let now = model.time.plus_millis(Command::LIFETIME_MILLIS_MAX + 1);
    loop {
        let Answer::Garbage(work) =
            host.answer(&Query::Garbage { before: Timestamp(u64::MAX), after: None, limit: 3 })
        else {
            panic!("no garbage answer")
        };
        if work.is_empty() {
            break;
        }
        for item in work {
            let used = model.used_data();
            assert!(item.data.iter().all(|(data, _)| !used.contains(data)), "used data is garbage");
            number += 1;
            let command = Command {
                request: RequestId(uuid::Uuid::from_u128(2 << 100 | number)),
                deadline: now.plus_millis(30_000),
                proposed_at: now,
                body: CommandBody::Reclaim { entry: item.entry, reclaimed: item.reclaimed },
            };
            assert_eq!(host.apply(&command), Ok(Done::Step(Step::Finished)));
            host.check().expect("all invariants hold after a reclaim");
        }
    }
}

struct OnMemory(Host);
/// The directory goes when the run ends.
struct OnFjall(Host, #[allow(dead_code, reason = "held, not read")] tempfile::TempDir);

fn started(engine: Arc<dyn esker_kv::Engine>) -> Host {
    let host = Host::new(engine);
    for command in opening() {
        host.apply(&command).expect("the opening succeeds");
    }
    host
}

fn step(host: &Host, reference: &Reference, command: &Command) {
    assert_eq!(Some(host.apply(command)), reference.model.expected, "{command:?}");
    everything_agrees(host, &reference.model);
}

impl StateMachineTest for OnMemory {
    type SystemUnderTest = OnMemory;
    type Reference = Reference;

    fn init_test(_: &Reference) -> OnMemory {
        OnMemory(started(Arc::new(esker_kv::MemoryEngine::default())))
    }

    fn apply(host: OnMemory, reference: &Reference, command: Command) -> OnMemory {
        step(&host.0, reference, &command);
        host
    }

    fn teardown(host: OnMemory, reference: Reference) {
        collects_to_nothing(&host.0, &reference.model);
    }
}

impl StateMachineTest for OnFjall {
    type SystemUnderTest = OnFjall;
    type Reference = Reference;

    fn init_test(_: &Reference) -> OnFjall {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = esker_kv::open(esker_kv::EngineKind::Fjall, dir.path(), &Default::default())
            .expect("fjall opens");
        OnFjall(started(engine), dir)
    }

    fn apply(host: OnFjall, reference: &Reference, command: Command) -> OnFjall {
        step(&host.0, reference, &command);
        host
    }

    fn teardown(host: OnFjall, reference: Reference) {
        collects_to_nothing(&host.0, &reference.model);
    }
}

#[test]
fn equal_commands_give_equal_rows_on_every_engine() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let dir = tempfile::tempdir().expect("a directory");
    let fjall =
        esker_kv::open(esker_kv::EngineKind::Fjall, dir.path(), &Default::default()).expect("fjall opens");
    let (memory, fjall) = (started(Arc::new(esker_kv::MemoryEngine::default())), started(fjall));
    let mut reference = Reference::init_state().new_tree(&mut runner).expect("a start").current();
    for _ in 0..300 {
        let tree = Reference::transitions(&reference).new_tree(&mut runner).expect("a command");
        let command = tree.current();
        assert_eq!(memory.apply(&command), fjall.apply(&command));
        reference = Reference::apply(reference, &command);
    }
    assert_eq!(memory.hash(), fjall.hash());
}

/// The random commands get where the rules differ, so that what agrees with the model says something.
#[test]
fn the_random_commands_finish_moves_and_meet_refusals() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut finished, mut shrunk, mut repaired, mut lost) = (0, 0, 0, 0);
    let mut refusals = BTreeSet::new();
    for _ in 0..60 {
        let mut reference = Reference::init_state().new_tree(&mut runner).expect("a start").current();
        for _ in 0..120 {
            let tree = Reference::transitions(&reference).new_tree(&mut runner).expect("a command");
            let before = reference.model.clone();
            reference = Reference::apply(reference, &tree.current());
            let after = &reference.model;
            for (old, new) in before.cluster.placed.iter().zip(&after.cluster.placed) {
                let ends = !old.target.is_empty() && new.target.is_empty();
                finished += usize::from(ends);
                shrunk += usize::from(ends && new.replicas.len() < old.replicas.len());
            }
            repaired += usize::from(after.repairs.len() < before.repairs.len());
            let lost_in = |model: &Model| {
                model.cluster.nodes.values().filter(|(_, state)| *state == NodeState::Lost).count()
            };
            let registers = matches!(tree.current().body, CommandBody::RegisterNode { .. });
            lost += usize::from(registers && lost_in(after) > lost_in(&before));
            if let Some(Err(refusal)) = &after.expected {
                refusals.insert(format!("{refusal:?}"));
            }
        }
    }
    let seen = (finished, shrunk, repaired, lost);
    assert!(finished >= 10 && shrunk >= 2 && repaired >= 20 && lost >= 5, "{seen:?}");
    for refusal in ["NodeGone", "NoSuchNode", "NodeInUse", "UnfitNode", "Malformed"] {
        assert!(refusals.iter().any(|met| met.starts_with(refusal)), "{refusal} is not among {refusals:?}");
    }
}

fn cases(short: u32) -> u32 {
    if std::env::var_os("ESKER_LONG").is_some() { short * 50 } else { short }
}

prop_state_machine! {
    #![proptest_config(Config { cases: cases(60), max_shrink_iters: 3000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn index_agrees_with_the_model_on_memory(sequential 1..120 => OnMemory);
}

prop_state_machine! {
    #![proptest_config(Config { cases: cases(6), max_shrink_iters: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn index_agrees_with_the_model_on_fjall(sequential 1..120 => OnFjall);
}
