//! What a node's disk says of its cluster, and the steps by which that changes: one at a time, each durable.

use super::{Own, Plan, PlanError, PlanStage, accept};
use esker_env::Disk;
use esker_rpc::{ControlError, Formation, Hello, Stage};
use esker_storage::{DataDir, DataDirError, Standing};
use esker_types::ClusterId;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoundingError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{0}")]
    Refused(String),
    #[error("a task was lost: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl From<FoundingError> for ControlError {
    fn from(error: FoundingError) -> ControlError {
        ControlError::Refused(error.to_string())
    }
}

/// Where a node is told that it may be added to a cluster by an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invitations {
    /// It waits for one.
    Awaited,
    /// It gets its cluster in another way.
    Declined,
}

/// A node's way into its cluster. Calls of other nodes and the node's own steps meet here.
pub(crate) struct Founding {
    disk: Arc<dyn Disk>,
    dir: Arc<DataDir>,
    /// Empty for a node that has no peers.
    address: String,
    /// The peers that it forms a cluster with, sorted; empty if it does not.
    peers: Vec<String>,
    invitations: Invitations,
    /// Held while anything changes.
    plan: Mutex<Option<Plan>>,
    standing: watch::Sender<Standing>,
}

impl Founding {
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: Arc<DataDir>,
        address: String,
        peers: Vec<String>,
        invitations: Invitations,
    ) -> Result<Founding, PlanError> {
        let plan = match (Plan::read(&*disk, dir.path())?, dir.standing().cluster()) {
            // The first release made clusters of one node, and planned nothing.
            (None, Some(cluster)) if dir.predates_clusters() => {
                let members = vec![(dir.node(), address.clone())];
                Some(Plan { formation: Formation { cluster, members }, stage: PlanStage::Begun })
            }
            (plan, _) => plan,
        };
        let plan = Mutex::new(plan);
        let (standing, _) = watch::channel(dir.standing());
        Ok(Founding { disk, dir, address, peers, invitations, plan, standing })
    }

    /// What the node knows of itself.
    pub(crate) fn own(&self) -> Own {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        self.own_with(plan.clone())
    }

    fn own_with(&self, plan: Option<Plan>) -> Own {
        let (address, peers) = (self.address.clone(), self.peers.clone());
        Own { node: self.dir.node(), address, peers, standing: self.dir.standing(), plan }
    }

    /// Follows what the node belongs to.
    pub(crate) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// What the node says of itself.
    pub(crate) fn hello(&self) -> Hello {
        let (stage, cluster) = match self.dir.standing() {
            Standing::Empty => (Stage::Empty, None),
            Standing::Adopted(cluster) => (Stage::Adopted, Some(cluster)),
            Standing::Member(cluster) => (Stage::Member, Some(cluster)),
        };
        let (address, peers) = (self.address.clone(), self.peers.clone());
        Hello { node: self.dir.node(), cluster, stage, address, peers }
    }

    /// Belongs to a cluster that another node forms, if it may.
    pub(crate) async fn form(self: &Arc<Self>, formation: Formation) -> Result<(), FoundingError> {
        self.step(move |founding, plan| {
            let own = founding.own_with(plan.clone());
            accept(&own, &formation).map_err(FoundingError::Refused)?;
            founding.adopt_now(formation.cluster)
        })
        .await
    }

    /// Belongs to a cluster that was formed.
    pub(crate) async fn adopt(self: &Arc<Self>, cluster: ClusterId) -> Result<(), FoundingError> {
        self.step(move |founding, _| founding.adopt_now(cluster)).await
    }

    /// Whether an operator may add this node to a cluster now; if not, why.
    pub(crate) fn may_be_invited(&self) -> Result<(), FoundingError> {
        if let Some(cluster) = self.dir.standing().cluster() {
            return Err(FoundingError::Refused(format!("the node belongs to cluster {cluster} already")));
        }
        match self.invitations {
            Invitations::Awaited => Ok(()),
            Invitations::Declined => Err(FoundingError::Refused(
                "the node does not wait to be added: start it with --await-join".to_owned(),
            )),
        }
    }

    /// Writes down which cluster this node forms.
    pub(crate) async fn plan(self: &Arc<Self>, formation: Formation) -> Result<(), FoundingError> {
        self.step(move |founding, plan| {
            if founding.dir.standing() != Standing::Empty || plan.as_ref().is_some_and(Plan::has_begun) {
                return Err(FoundingError::Refused("the node got its cluster meanwhile".to_owned()));
            }
            founding.write(plan, Plan { formation, stage: PlanStage::Chosen })
        })
        .await
    }

    /// Writes down that the planned cluster begins, then belongs to it.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<(), FoundingError> {
        self.step(move |founding, plan| {
            let Some(Plan { formation, .. }) = plan.clone() else {
                return Err(FoundingError::Refused("there is no plan to begin".to_owned()));
            };
            let cluster = formation.cluster;
            founding.write(plan, Plan { formation, stage: PlanStage::Begun })?;
            founding.adopt_now(cluster)
        })
        .await
    }

    /// Remembers, durably, that the cluster knows the node.
    pub(crate) async fn mark_member(self: &Arc<Self>) -> Result<(), FoundingError> {
        self.step(|founding, _| {
            founding.dir.mark_member(&*founding.disk)?;
            founding.standing.send_replace(founding.dir.standing());
            Ok(())
        })
        .await
    }

    fn adopt_now(&self, cluster: ClusterId) -> Result<(), FoundingError> {
        self.dir.adopt(&*self.disk, cluster)?;
        self.standing.send_replace(self.dir.standing());
        Ok(())
    }

    fn write(&self, plan: &mut Option<Plan>, next: Plan) -> Result<(), FoundingError> {
        next.write(&*self.disk, self.dir.path())?;
        *plan = Some(next);
        Ok(())
    }

    /// Takes one step on a thread that may wait for the disk.
    async fn step(
        self: &Arc<Self>,
        step: impl FnOnce(&Founding, &mut Option<Plan>) -> Result<(), FoundingError> + Send + 'static,
    ) -> Result<(), FoundingError> {
        let founding = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let mut plan = founding.plan.lock().unwrap_or_else(PoisonError::into_inner);
            step(&founding, &mut plan)
        })
        .await?
    }
}
