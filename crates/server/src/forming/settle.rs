//! Carries a new node into its cluster: asks, decides, acts, until the node belongs to one.

use super::founding::FoundingError;
use super::{Answer, Decision, Founding, decide};
use crate::settings::Beginning;
use esker_env::Random;
use esker_rpc::{Control, Formation, Hello, Stage};
use esker_storage::Standing;
use esker_types::{ClusterId, NodeId};
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a peer may take to say who it is: its name may have to be looked up first.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a peer may take to write down its cluster.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(300);

/// Reaches the control of other nodes by address.
pub(crate) trait Peers: Send + Sync + 'static {
    /// The control of whoever is there. Returns at once.
    ///
    /// # Errors
    /// The address is of no use, and why.
    fn control(&self, address: &str) -> Result<Arc<dyn Control>, String>;
}

/// Why a node got no cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettleError {
    #[error("the cluster: {0}")]
    Founding(#[from] FoundingError),
    #[error("the node is stopping")]
    Stopped,
}

/// A node that belongs to a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) cluster: ClusterId,
    /// The members of the first group, if this node is the one that begins it.
    pub(crate) begins: Option<Vec<(NodeId, String)>>,
}

/// Waits until the node belongs to a cluster, and does what it takes.
pub(crate) async fn settle(
    founding: &Arc<Founding>,
    beginning: &Beginning,
    peers: &dyn Peers,
    random: &dyn Random,
) -> Result<Settled, SettleError> {
    let mut waiting = Waiting::default();
    loop {
        let own = founding.own();
        if let Some(cluster) = own.standing.cluster() {
            // A member has seen the group: if it is gone from this disk, it must not begin anew.
            let adopted = own.standing == Standing::Adopted(cluster);
            let begun =
                own.plan.filter(|plan| adopted && plan.has_begun() && plan.formation.cluster == cluster);
            return Ok(Settled { cluster, begins: begun.map(|plan| plan.formation.members) });
        }
        let reason = match beginning {
            Beginning::Alone => {
                let members = vec![(own.node, own.address)];
                founding.plan(Formation { cluster: new_cluster(random), members }).await?;
                founding.begin().await?;
                continue;
            }
            Beginning::Peers(_) => form(founding, peers, random).await?,
            Beginning::Join(seeds) => join(founding, seeds, peers).await?,
            Beginning::AwaitJoin => Some("an operator to add this node (esker admin node add)".to_owned()),
        };
        if let Some(reason) = reason {
            waiting.tell(reason);
            pause(founding).await?;
        }
    }
}

/// One round of forming a cluster. Returns what it waits for, if it does.
async fn form(
    founding: &Arc<Founding>,
    peers: &dyn Peers,
    random: &dyn Random,
) -> Result<Option<String>, SettleError> {
    let own = founding.own();
    let others = own.peers.iter().filter(|peer| **peer != own.address);
    let answers = ask(peers, others).await;
    match decide(&own, &answers) {
        Decision::Wait(reason) => return Ok(Some(reason)),
        Decision::Proceed => {}
        Decision::Plan { cluster, members } => {
            let cluster = cluster.unwrap_or_else(|| new_cluster(random));
            founding.plan(Formation { cluster, members }).await?;
        }
        Decision::Tell(untold) => return Ok(tell(founding, peers, &untold).await),
        Decision::Begin => founding.begin().await?,
        Decision::Join { cluster, seed } => {
            tracing::info!(%cluster, %seed, "a peer is a member of a cluster: joining that");
            founding.adopt(cluster).await?;
        }
    }
    Ok(None)
}

/// Tells the planned cluster to peers. Returns what one of them had against it.
async fn tell(founding: &Founding, peers: &dyn Peers, untold: &[String]) -> Option<String> {
    let formation = founding.own().plan?.formation;
    let calls = untold.iter().map(|address| {
        let (control, formation) = (peers.control(address), formation.clone());
        async move {
            let control = match control {
                Ok(control) => control,
                Err(why) => return Some(why),
            };
            match timeout(FORM_TIMEOUT, control.form(formation)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{address} to take part: {error}")),
                Err(_) => Some(format!("{address} to take part: no answer")),
            }
        }
    });
    join_all(calls).await.into_iter().flatten().next()
}

async fn join(
    founding: &Arc<Founding>,
    seeds: &[String],
    peers: &dyn Peers,
) -> Result<Option<String>, SettleError> {
    let mut reasons = Vec::new();
    for (seed, answer) in ask(peers, seeds.iter()).await {
        match answer {
            Answer::Said(Hello { stage: Stage::Member, cluster: Some(cluster), .. }) => {
                tracing::info!(%cluster, %seed, "joining a cluster");
                founding.adopt(cluster).await?;
                return Ok(None);
            }
            Answer::Said(_) => reasons.push(format!("{seed} to be a member of a cluster")),
            Answer::Silent(why) => reasons.push(format!("an answer of {seed}: {why}")),
        }
    }
    Ok(Some(reasons.join("; ")))
}

/// Asks others who they are, all at once.
pub(crate) async fn ask(
    peers: &dyn Peers,
    addresses: impl Iterator<Item = &String>,
) -> BTreeMap<String, Answer> {
    let calls = addresses.map(|address| {
        let control = peers.control(address);
        async move { (address.clone(), hello(control).await) }
    });
    join_all(calls).await.into_iter().collect()
}

async fn hello(control: Result<Arc<dyn Control>, String>) -> Answer {
    let control = match control {
        Ok(control) => control,
        Err(why) => return Answer::Silent(why),
    };
    match timeout(HELLO_TIMEOUT, control.hello()).await {
        Ok(Ok(hello)) => Answer::Said(hello),
        Ok(Err(error)) => Answer::Silent(error.to_string()),
        Err(_) => Answer::Silent("nothing came in time".to_owned()),
    }
}

/// Waits a while, or until another node changed what this one belongs to.
async fn pause(founding: &Founding) -> Result<(), SettleError> {
    let mut standing = founding.standing();
    let changed = standing.wait_for(|standing| *standing != Standing::Empty);
    match timeout(PAUSE, changed).await {
        Ok(Err(_)) => Err(SettleError::Stopped),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

fn new_cluster(random: &dyn Random) -> ClusterId {
    ClusterId(random.uuid_v4())
}

/// Says what a node waits for, each time that this changes.
#[derive(Default)]
struct Waiting {
    told: Option<String>,
}

impl Waiting {
    fn tell(&mut self, reason: String) {
        if self.told.as_ref() != Some(&reason) {
            tracing::info!("waiting for {reason}");
            self.told = Some(reason);
        }
    }
}
