//! The metadata layer, in memory and over the network: the same answers, through nodes that fail in every way.

use esker_env::{Clock, ManualClock, SystemClock};
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Outcome, Refusal};
use esker_index::query::{Answer, Query};
use esker_rpc::grpc::{RemoteMetadata, with_metadata};
use esker_rpc::testing::{MemoryMetadata, TestNode, identity, network};
use esker_rpc::transport::{Identity, Routes};
use esker_rpc::{Metadata, MetadataError, Proposal};
use esker_types::{BucketName, GroupId, NodeId, RequestId, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;
use uuid::Uuid;

const GROUP: GroupId = GroupId::DIRECTORY;

/// A proposal to take a bucket's name: of effect once.
fn create(clock: &dyn Clock, request: u128, millis: u64) -> Proposal {
    let name = BucketName::parse("bucket").unwrap();
    Proposal {
        request: RequestId(Uuid::from_u128(request)),
        deadline: clock.now().plus_millis(millis),
        body: CommandBody::CreateBucket { name, owner: "owner".to_owned(), group: GROUP },
    }
}

fn is_created(outcome: &Result<Outcome, MetadataError>) -> bool {
    matches!(outcome, Ok(Ok(Done::BucketCreating { .. })))
}

/// Every implementation answers like this.
async fn commands_apply_once_and_queries_see_them(metadata: &dyn Metadata, clock: &dyn Clock) {
    let name = BucketName::parse("bucket").unwrap();
    let directory =
        || async { metadata.query(GROUP, Query::Directory { name: name.clone() }).await.unwrap() };
    assert_eq!(directory().await, Answer::Directory(None));
    let proposal = create(clock, 1, 30_000);
    let first = metadata.propose(GROUP, proposal.clone()).await;
    assert!(is_created(&first), "{first:?}");
    assert_eq!(metadata.propose(GROUP, proposal).await, first, "a retry gets the first outcome");
    let again = metadata.propose(GROUP, create(clock, 2, 30_000)).await;
    assert!(matches!(again, Ok(Err(Refusal::BucketAlreadyOwnedByYou { .. }))), "{again:?}");
    let late = Proposal { deadline: Timestamp::from_millis(1), ..create(clock, 3, 0) };
    assert_eq!(metadata.propose(GROUP, late).await, Ok(Err(Refusal::Expired)));
    assert!(matches!(directory().await, Answer::Directory(Some(_))));
    let elsewhere = metadata.query(GroupId(9), Query::GroupSummary).await.unwrap();
    assert!(matches!(elsewhere, Answer::GroupSummary(_)));
}

/// How a node fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Works,
    /// It has no leader.
    Unavailable,
    /// It applies the command, and its answer is lost.
    AppliesWithoutAnswer,
    /// It takes everything and answers nothing.
    Hangs,
    /// Its disk is full.
    Full,
    /// Its replica has stopped.
    Failed,
}

struct Member {
    metadata: Arc<MemoryMetadata>,
    way: Way,
    calls: Arc<AtomicUsize>,
}

impl Member {
    async fn reply<T>(
        &self,
        call: impl Future<Output = Result<T, MetadataError>> + Send,
    ) -> Result<T, MetadataError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.way {
            Way::Works => call.await,
            Way::Unavailable => Err(MetadataError::Unavailable("no leader".to_owned())),
            Way::AppliesWithoutAnswer => {
                call.await?;
                Err(MetadataError::Unknown("lost".to_owned()))
            }
            Way::Hangs => std::future::pending().await,
            Way::Full => Err(MetadataError::Full),
            Way::Failed => Err(MetadataError::Failed("stopped".to_owned())),
        }
    }
}

#[async_trait::async_trait]
impl Metadata for Member {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        self.reply(self.metadata.propose(group, proposal)).await
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        self.reply(self.metadata.query(group, query)).await
    }

    fn leads(&self, _: GroupId) -> bool {
        true
    }
}

/// Nodes that share their rows and fail in these ways, and a client that knows all of them, in this order.
struct Cluster {
    nodes: Vec<TestNode>,
    calls: Vec<Arc<AtomicUsize>>,
    client: RemoteMetadata,
    members: watch::Sender<Vec<(NodeId, String)>>,
}

impl Cluster {
    async fn start(ways: &[Way]) -> Cluster {
        Cluster::with_clock(ways, Arc::new(SystemClock::new())).await
    }

    async fn with_clock(ways: &[Way], clock: Arc<dyn Clock>) -> Cluster {
        let metadata = Arc::new(MemoryMetadata::new(Arc::clone(&clock)));
        let (mut nodes, mut calls, mut members) = (Vec::new(), Vec::new(), Vec::new());
        for (id, way) in (10..).zip(ways) {
            let counted = Arc::new(AtomicUsize::new(0));
            let member = Member { metadata: metadata.clone(), way: *way, calls: counted.clone() };
            let routes = with_metadata(Routes::default(), Arc::new(member), Arc::clone(&clock));
            let node = TestNode::start(identity(id, 7), routes).await;
            members.push((NodeId(id), node.address.to_string()));
            nodes.push(node);
            calls.push(counted);
        }
        let (members, watched) = watch::channel(members);
        let client = RemoteMetadata::new(network(identity(1, 7)), watched);
        Cluster { nodes, calls, client, members }
    }

    async fn create(&self, millis: u64) -> Result<Outcome, MetadataError> {
        self.client.propose(GROUP, create(&*self.client.clock(), 1, millis)).await
    }

    fn calls(&self) -> Vec<usize> {
        self.calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect()
    }
}

#[tokio::test]
async fn the_metadata_layer_answers_the_same_near_and_far() {
    let clock = Arc::new(SystemClock::new());
    let near = MemoryMetadata::new(clock.clone());
    commands_apply_once_and_queries_see_them(&near, &*clock).await;
    let far = Cluster::start(&[Way::Works]).await;
    commands_apply_once_and_queries_see_them(&far.client, &*clock).await;
    assert!(!far.client.leads(GROUP));
}

#[tokio::test]
async fn another_node_is_asked_when_one_is_gone_or_has_no_leader_and_the_one_that_answered_comes_first() {
    let cluster = Cluster::start(&[Way::Unavailable, Way::Failed, Way::Works]).await;
    cluster.members.send_modify(|members| members.insert(0, (NodeId(9), "127.0.0.1:1".to_owned())));
    let answer = cluster.client.query(GROUP, Query::GroupSummary).await;
    assert!(matches!(answer, Ok(Answer::GroupSummary(_))), "{answer:?}");
    assert_eq!(cluster.calls(), [1, 1, 1]);
    let outcome = cluster.create(30_000).await;
    assert!(is_created(&outcome), "{outcome:?}");
    assert_eq!(cluster.calls(), [1, 1, 2]);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_the_command_applied_once() {
    let cluster = Cluster::start(&[Way::AppliesWithoutAnswer, Way::Full, Way::Works]).await;
    let outcome = cluster.create(30_000).await;
    assert!(is_created(&outcome), "the first outcome, not a refusal: {outcome:?}");
}

#[tokio::test]
async fn a_command_that_nobody_took_is_unavailable_and_one_that_somebody_may_have_is_unknown() {
    let unavailable = Cluster::start(&[Way::Unavailable, Way::Unavailable]).await.create(300).await;
    assert!(matches!(unavailable, Err(MetadataError::Unavailable(_))), "{unavailable:?}");
    for ways in [
        &[Way::Hangs][..],
        &[Way::AppliesWithoutAnswer],
        &[Way::AppliesWithoutAnswer, Way::Unavailable],
        &[Way::Failed],
    ] {
        let unknown = Cluster::start(ways).await.create(300).await;
        assert!(matches!(unknown, Err(MetadataError::Unknown(_))), "{ways:?}: {unknown:?}");
    }
    assert_eq!(Cluster::start(&[Way::Full]).await.create(300).await, Err(MetadataError::Full));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let cluster = Cluster::start(&[]).await;
    let none = cluster.create(200).await;
    assert!(matches!(none, Err(MetadataError::Unavailable(_))), "{none:?}");
    cluster.members.send_replace(vec![(NodeId(9), "127.0.0.1:1".to_owned())]);
    let gone = cluster.create(200).await;
    assert!(matches!(gone, Err(MetadataError::Unavailable(_))), "{gone:?}");
}

#[tokio::test]
async fn strangers_are_refused_and_nothing_is_done() {
    let cluster = Cluster::start(&[Way::Works]).await;
    let stranger = RemoteMetadata::new(network(identity(1, 8)), cluster.members.subscribe());
    let refused = stranger.propose(GROUP, create(&SystemClock::new(), 1, 300)).await;
    assert!(matches!(refused, Err(MetadataError::Unavailable(_))), "{refused:?}");
    assert_eq!(cluster.calls(), [0]);
}

#[tokio::test]
async fn a_node_that_hangs_is_left_for_another_one() {
    let cluster = Cluster::start(&[Way::Hangs, Way::Works]).await;
    let outcome = cluster.create(30_000).await;
    assert!(is_created(&outcome), "{outcome:?}");
    assert_eq!(cluster.calls(), [1, 1]);
}

#[tokio::test]
async fn a_query_reaches_the_third_node_while_two_hang() {
    let cluster = Cluster::start(&[Way::Hangs, Way::Hangs, Way::Works]).await;
    let answer = cluster.client.query(GROUP, Query::GroupSummary).await;
    assert!(matches!(answer, Ok(Answer::GroupSummary(_))), "{answer:?}");
    assert_eq!(cluster.calls(), [1, 1, 1]);
}

#[tokio::test]
async fn a_node_that_joins_while_a_query_waits_is_asked() {
    let cluster = Cluster::start(&[Way::Works]).await;
    let known = cluster.members.send_replace(Vec::new());
    let query = cluster.client.query(GROUP, Query::GroupSummary);
    let join = async { cluster.members.send_replace(known) };
    let (answer, _) = futures::join!(query, join);
    assert!(matches!(answer, Ok(Answer::GroupSummary(_))), "{answer:?}");
    drop(cluster.nodes);
}

#[tokio::test]
async fn deadlines_are_given_by_the_clock_that_judges_them() {
    let there = Arc::new(ManualClock::new(Timestamp::from_millis(5_000_000)));
    let cluster = Cluster::with_clock(&[Way::Works], there.clone()).await;
    // The token's date is the caller's own: a day of difference is allowed, so it is an hour off here too.
    let own = Arc::new(ManualClock::new(SystemClock::new().now().plus_millis(3_600_000)));
    let caller = Identity { clock: own, ..identity(1, 7) };
    let client = RemoteMetadata::new(network(caller), cluster.members.subscribe());
    client.query(GROUP, Query::GroupSummary).await.unwrap();
    assert_eq!(client.clock().now(), Timestamp::from_millis(5_000_000));
    let outcome = client.propose(GROUP, create(&*client.clock(), 1, 30_000)).await;
    assert!(is_created(&outcome), "{outcome:?}");
}
