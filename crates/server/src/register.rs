//! Makes the cluster know this node as it is now: at its first start, and whenever it starts with another address, zone
//! or weight. Notices when the cluster has given the node up.

use crate::control::Proposals;
use crate::forming::{Answer, Peers, ask};
use crate::known::KnownNodes;
use crate::start_error::StartError;
use crate::stop::Given;
use esker_cluster::ViewHandle;
use esker_index::command::CommandBody;
use esker_index::outcome::Refusal;
use esker_metadata::MetadataHandle;
use esker_rpc::{ControlError, Hello, Stage};
use esker_types::{ClusterId, NodeId, NodeInfo, NodeState};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the node's own replica may take, before others are asked to propose for it.
const OWN_LIMIT: Duration = Duration::from_secs(3);
/// How long the topology is waited for, before that.
const LOOK_LIMIT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(300);
/// A topology that was not read for so long may never be read here again.
const SILENCE: Duration = Duration::from_secs(5);

/// Registers one node.
pub(crate) struct Registrar {
    pub(crate) cluster: ClusterId,
    pub(crate) node: NodeId,
    pub(crate) info: NodeInfo,
    pub(crate) proposals: Proposals,
    pub(crate) views: ViewHandle,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) known: Arc<KnownNodes>,
    /// This node's own replicas; none without the metadata role.
    pub(crate) replicas: Option<MetadataHandle>,
}

/// What came of trying to register.
enum Attempt {
    Registered,
    /// Nobody could be reached who can do it.
    Nobody(String),
}

impl Registrar {
    /// Waits until the cluster knows the node.
    ///
    /// # Errors
    /// It was given up, or is refused.
    pub(crate) async fn register(&self) -> Result<(), StartError> {
        let mut told = None;
        loop {
            let view = timeout(LOOK_LIMIT, self.views.refresh()).await;
            let view = view.ok().and_then(Result::ok);
            if let Some(record) = view.as_ref().and_then(|view| view.node(self.node)) {
                if !record.takes_part() {
                    return Err(StartError::Gone(record.state));
                }
                if record.info == self.info {
                    return Ok(());
                }
            }
            // Others first: a new node's own replica knows no leader yet.
            let attempt = match self.by_others().await? {
                Attempt::Registered => Attempt::Registered,
                Attempt::Nobody(why) => self.by_itself(why).await?,
            };
            match attempt {
                Attempt::Registered => {
                    // Whoever looks at the view next is to see it.
                    let _ = timeout(LOOK_LIMIT, self.views.refresh()).await;
                    return Ok(());
                }
                Attempt::Nobody(why) if told.as_ref() != Some(&why) => {
                    tracing::info!("waiting for the cluster to take this node in: {why}");
                    told = Some(why);
                }
                Attempt::Nobody(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn by_itself(&self, others: String) -> Result<Attempt, StartError> {
        let body = CommandBody::RegisterNode { node: self.node, info: self.info.clone() };
        match self.proposals.propose_within(body, OWN_LIMIT).await {
            Ok(Ok(())) => Ok(Attempt::Registered),
            Ok(Err(Refusal::NodeGone)) => Err(StartError::Gone(NodeState::Lost)),
            Ok(Err(Refusal::Expired)) => Ok(Attempt::Nobody("the clocks differ".to_owned())),
            Ok(Err(refusal)) => Err(StartError::Refused(refusal.to_string())),
            Err(error) if others.is_empty() => Ok(Attempt::Nobody(error.to_string())),
            Err(error) => Ok(Attempt::Nobody(format!("{error}; {others}"))),
        }
    }

    /// Asks members to register the node.
    async fn by_others(&self) -> Result<Attempt, StartError> {
        let addresses = self.known.all();
        let mut reasons = Vec::new();
        for (address, answer) in ask(&*self.peers, addresses.iter()).await {
            let hello = match answer {
                Answer::Said(hello) if hello.node == self.node => continue,
                Answer::Said(hello) => hello,
                Answer::Silent(why) => {
                    reasons.push(format!("{address}: {why}"));
                    continue;
                }
            };
            self.meet(&hello);
            if hello.stage != Stage::Member || hello.cluster != Some(self.cluster) {
                reasons.push(format!("{address} is not a member of the cluster"));
                continue;
            }
            let Ok(control) = self.peers.control(&address) else { continue };
            match control.join(self.node, self.info.clone()).await {
                Ok(()) => return Ok(Attempt::Registered),
                Err(ControlError::Refused(why)) => return Err(StartError::Refused(why)),
                Err(error) => reasons.push(format!("{address}: {error}")),
            }
        }
        Ok(Attempt::Nobody(reasons.join("; ")))
    }

    /// Where another node is now: the topology may be out of date, and unreadable while too many nodes have moved.
    fn meet(&self, hello: &Hello) {
        if let (Some(replicas), Some(cluster)) = (&self.replicas, hello.cluster)
            && cluster == self.cluster
            && !hello.address.is_empty()
        {
            replicas.learn_address(hello.node, &hello.address);
        }
    }

    /// Waits until the cluster has given the node up. Meanwhile keeps the addresses of others, and registers the node
    /// again if the cluster takes it for something else than it is: another node that was given this one's address
    /// took it away, and this one is where it was.
    pub(crate) async fn watch(&self) -> Given {
        let mut views = self.views.subscribe();
        loop {
            let view = views.borrow_and_update().clone();
            if let Some(view) = view {
                match view.node(self.node) {
                    Some(record) if !record.takes_part() => return Given::Up(record.state),
                    Some(record) if record.info != self.info => {
                        tracing::warn!(known = ?record.info, own = ?self.info, "the cluster is told again what this node is");
                        match self.register().await {
                            Ok(()) => {}
                            Err(StartError::Gone(state)) => return Given::Up(state),
                            Err(error) => return Given::Refusal(error.to_string()),
                        }
                    }
                    _ => {}
                }
                let others =
                    view.nodes().iter().filter(|(node, record)| *node != self.node && record.takes_part());
                let addresses: Vec<String> = others.map(|(_, record)| record.info.address.clone()).collect();
                self.keep(addresses).await;
            }
            match timeout(SILENCE, views.changed()).await {
                Ok(Ok(())) => {}
                // The keeper has stopped, since the node stops.
                Ok(Err(_)) => std::future::pending::<()>().await,
                Err(_) => {
                    if let Some(why) = self.refused_elsewhere().await {
                        return Given::Refusal(why);
                    }
                }
            }
        }
    }

    /// Why other members refuse this node, if they do. Its own replica may never hear that the cluster gave the node up:
    /// who is no member of a group gets no entries, not even those that say so.
    async fn refused_elsewhere(&self) -> Option<String> {
        if self.views.age().is_some_and(|age| age < SILENCE) {
            return None;
        }
        match self.by_others().await {
            Err(StartError::Refused(why)) => Some(why),
            _ => None,
        }
    }

    async fn keep(&self, addresses: Vec<String>) {
        let known = Arc::clone(&self.known);
        let kept = tokio::task::spawn_blocking(move || known.learn(addresses)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "the addresses of other nodes can't be kept; a restart relies on the settings");
        }
    }
}
