//! This node's [`Control`].

use super::changes::{self, Verdict};
use super::report::Report;
use super::status::{FORMAT, Status};
use super::{Proposals, status};
use super::{address, agreed};
use crate::forming::{Founding, Peers};
use crate::known::KnownNodes;
use async_trait::async_trait;
use esker_cluster::{ClusterView, ViewHandle};
use esker_rpc::{Control, ControlError, Formation, Hello, SettingsChange, Stage};
use esker_types::{NodeId, NodeInfo};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long nodes that know more may take to tell it.
const BETTER_TIMEOUT: Duration = Duration::from_secs(4);

/// What a member of a cluster can do that a new node can't.
pub(crate) struct Member {
    pub(crate) proposals: Proposals,
    pub(crate) views: ViewHandle,
    pub(crate) report: Report,
}

/// Does what other nodes and operators ask.
pub(crate) struct NodeControl {
    founding: Arc<Founding>,
    known: Arc<KnownNodes>,
    peers: Arc<dyn Peers>,
    member: OnceLock<Member>,
    /// Held while a question for the state is with another node: if that asks back, it is answered here.
    asking: Mutex<()>,
}

impl NodeControl {
    pub(crate) fn new(founding: Arc<Founding>, known: Arc<KnownNodes>, peers: Arc<dyn Peers>) -> NodeControl {
        NodeControl { founding, known, peers, member: OnceLock::new(), asking: Mutex::default() }
    }

    /// The node is a member now.
    pub(crate) fn become_member(&self, member: Member) {
        // It happens once in a process.
        let _ = self.member.set(member);
    }

    fn member(&self) -> Result<&Member, ControlError> {
        let missing = || ControlError::Unavailable("this node is not a member of a cluster yet".to_owned());
        self.member.get().ok_or_else(missing)
    }

    /// The topology as it is now.
    async fn view(&self) -> Result<Arc<ClusterView>, ControlError> {
        let view = self.member()?.views.refresh().await;
        view.map_err(|error| ControlError::Unavailable(error.to_string()))
    }

    async fn settle(&self, node: NodeId, verdict: Verdict) -> Result<(), ControlError> {
        match verdict {
            Verdict::Done => Ok(()),
            Verdict::Propose(state) => self.member()?.proposals.set_state(node, state).await,
        }
    }

    /// The state as a node tells it that knows more, if one answers.
    async fn better_status(&self, member: &Member) -> Option<String> {
        let view = member.views.latest()?;
        let informed = member.report.better_informed(&view);
        if informed.is_empty() {
            return None;
        }
        let _asking = self.asking.try_lock().ok()?;
        let ask = async {
            for node in informed {
                let Some(record) = view.present(node) else { continue };
                let Ok(control) = self.peers.control(&record.info.address) else { continue };
                if let Ok(told) = control.status().await {
                    return Some(told);
                }
            }
            None
        };
        timeout(BETTER_TIMEOUT, ask).await.ok().flatten()
    }
}

fn json(status: &Status) -> Result<String, ControlError> {
    serde_json::to_string(status).map_err(|error| ControlError::Unavailable(error.to_string()))
}

#[async_trait]
impl Control for NodeControl {
    async fn hello(&self) -> Result<Hello, ControlError> {
        Ok(self.founding.hello())
    }

    async fn form(&self, formation: Formation) -> Result<(), ControlError> {
        Ok(self.founding.form(formation).await?)
    }

    async fn join(&self, node: NodeId, info: NodeInfo) -> Result<(), ControlError> {
        let member = self.member()?;
        address::check_free(&*self.peers, node, &info.address).await?;
        member.proposals.register(node, info).await
    }

    async fn invite(&self, seed: String) -> Result<(), ControlError> {
        self.founding.may_be_invited()?;
        let control = self.peers.control(&seed).map_err(ControlError::Refused)?;
        let hello = control.hello().await;
        let hello = hello.map_err(|error| ControlError::Refused(format!("{seed}, whom to join: {error}")))?;
        let (Stage::Member, Some(cluster)) = (hello.stage, hello.cluster) else {
            return Err(ControlError::Refused(format!("{seed} is not a member of a cluster")));
        };
        // A node that restarts now must find its cluster again.
        let (known, address) = (Arc::clone(&self.known), seed);
        let learned = tokio::task::spawn_blocking(move || known.learn([address])).await;
        let failed = |error: &dyn std::error::Error| ControlError::Unavailable(error.to_string());
        learned.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        Ok(self.founding.adopt(cluster).await?)
    }

    async fn status(&self) -> Result<String, ControlError> {
        let Some(member) = self.member.get() else {
            let hello = self.founding.hello();
            return json(&Status {
                format: FORMAT,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                cluster: hello.cluster.map(|cluster| cluster.0.simple().to_string()),
                node: hello.node.to_string(),
                problems: vec!["this node is not a member of a cluster yet".to_owned()],
                ..status::Status::default()
            });
        };
        match self.better_status(member).await {
            Some(told) => Ok(told),
            None => json(&member.report.collect().await),
        }
    }

    async fn drain(&self, node: NodeId) -> Result<(), ControlError> {
        let view = self.view().await?;
        self.settle(node, changes::drain(&view, node)?).await
    }

    async fn undrain(&self, node: NodeId) -> Result<(), ControlError> {
        let view = self.view().await?;
        self.settle(node, changes::undrain(&view, node)?).await
    }

    async fn remove(&self, node: NodeId) -> Result<(), ControlError> {
        let view = self.view().await?;
        let voters = self.member()?.report.voters();
        self.settle(node, changes::remove(&view, node, &voters)?).await
    }

    async fn replace(&self, old: NodeId, new: Option<NodeId>) -> Result<(), ControlError> {
        let view = self.view().await?;
        let silent = self.member()?.report.silent_for(old);
        self.settle(old, changes::replace(&view, old, new, silent)?).await
    }

    async fn change_settings(&self, change: SettingsChange) -> Result<(), ControlError> {
        let view = self.view().await?;
        match agreed::changed(view.settings(), change)? {
            Some(settings) => self.member()?.proposals.set_settings(settings).await,
            None => Ok(()),
        }
    }
}
