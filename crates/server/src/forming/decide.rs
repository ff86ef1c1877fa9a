//! What a node that is to form a cluster does next. Pure.

use super::{Plan, PlanStage};
use esker_rpc::{Formation, Hello, Stage};
use esker_storage::Standing;
use esker_types::{ClusterId, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// What a node knows of itself: its settings, and what its disk says.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    pub(crate) node: NodeId,
    pub(crate) address: String,
    /// The addresses that form the cluster, its own included; sorted.
    pub(crate) peers: Vec<String>,
    pub(crate) standing: Standing,
    /// The cluster that it is about to form, if it coordinates.
    pub(crate) plan: Option<Plan>,
}

/// What came of asking a peer who it is.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// None, and why.
    Silent(String),
    /// It said this.
    Said(Hello),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Ask again in a while. The text says what for.
    Wait(String),
    /// Write down a plan with these members; of a new cluster, or of the one that was planned before.
    Plan { cluster: Option<ClusterId>, members: Vec<(NodeId, String)> },
    /// Tell the planned cluster to the peers at these addresses.
    Tell(Vec<String>),
    /// Write down that the plan has begun, belong to its cluster, and then begin its first group.
    Begin,
    /// Belong to this cluster, of which the peer at this address is a member.
    Join { cluster: ClusterId, seed: String },
    /// Go on: the node belongs to a cluster.
    Proceed,
}

/// Decides, from what a node knows of itself and what its peers answered, by their addresses.
pub(crate) fn decide(own: &Own, answers: &BTreeMap<String, Answer>) -> Decision {
    if own.standing != Standing::Empty {
        return Decision::Proceed;
    }
    match &own.plan {
        None => without_plan(own, answers),
        // From here on members may exist, so nothing but going on is safe.
        Some(Plan { stage: PlanStage::Begun, .. }) => Decision::Begin,
        Some(Plan { stage: PlanStage::Chosen, formation }) => with_plan(own, formation, answers),
    }
}

fn without_plan(own: &Own, answers: &BTreeMap<String, Answer>) -> Decision {
    let mut clusters: BTreeMap<ClusterId, &str> = BTreeMap::new();
    for (address, hello) in said(answers) {
        if let (Stage::Member, Some(cluster)) = (hello.stage, hello.cluster) {
            clusters.entry(cluster).or_insert(address);
        }
    }
    match (clusters.pop_first(), clusters.pop_first()) {
        (Some((cluster, seed)), None) => return Decision::Join { cluster, seed: seed.to_owned() },
        (Some((one, at)), Some((other, elsewhere))) => {
            return Decision::Wait(format!(
                "{at} belongs to cluster {one} and {elsewhere} to {other}: correct the list of peers"
            ));
        }
        (None, _) => {}
    }
    let coordinator = own.peers.first();
    if coordinator != Some(&own.address) {
        let coordinator = coordinator.map_or("nobody", String::as_str);
        return Decision::Wait(format!("{coordinator} to form the cluster"));
    }
    match all_empty(own, answers) {
        Ok(members) => Decision::Plan { cluster: None, members },
        Err(why) => Decision::Wait(why),
    }
}

fn with_plan(own: &Own, formation: &Formation, answers: &BTreeMap<String, Answer>) -> Decision {
    let mut members = vec![(own.node, own.address.clone())];
    let mut untold = Vec::new();
    for peer in own.peers.iter().filter(|peer| **peer != own.address) {
        let hello = match hello_of(own, answers, peer) {
            Ok(hello) => hello,
            Err(why) => return Decision::Wait(why),
        };
        match hello.cluster {
            Some(cluster) if cluster != formation.cluster => {
                return Decision::Wait(format!(
                    "{peer} belongs to cluster {cluster}, but this node began to form {}: empty the data directory of \
                     one of them",
                    formation.cluster
                ));
            }
            Some(_) => {}
            None => untold.push(peer.clone()),
        }
        members.push((hello.node, peer.clone()));
    }
    members.sort_unstable();
    if let Err(why) = distinct(&members) {
        return Decision::Wait(why);
    }
    if members != formation.members {
        // A data directory was emptied since. The group has not begun, so its members can still change.
        return Decision::Plan { cluster: Some(formation.cluster), members };
    }
    if untold.is_empty() { Decision::Begin } else { Decision::Tell(untold) }
}

/// The members of a new cluster; an error says what is in the way.
fn all_empty(own: &Own, answers: &BTreeMap<String, Answer>) -> Result<Vec<(NodeId, String)>, String> {
    let mut members = vec![(own.node, own.address.clone())];
    for peer in own.peers.iter().filter(|peer| **peer != own.address) {
        let hello = hello_of(own, answers, peer)?;
        if let Some(cluster) = hello.cluster {
            return Err(format!(
                "{peer}, which was told to form cluster {cluster} by a node that is gone, or was not told here: empty \
                 its data directory if that cluster never began"
            ));
        }
        members.push((hello.node, peer.clone()));
    }
    members.sort_unstable();
    distinct(&members)?;
    Ok(members)
}

fn hello_of<'a>(own: &Own, answers: &'a BTreeMap<String, Answer>, peer: &str) -> Result<&'a Hello, String> {
    let hello = match answers.get(peer) {
        None => return Err(format!("an answer of {peer}")),
        Some(Answer::Silent(why)) => return Err(format!("an answer of {peer}: {why}")),
        Some(Answer::Said(hello)) => hello,
    };
    if hello.address != peer {
        return Err(format!(
            "{peer}, which says that its address is {:?}: correct one of them",
            hello.address
        ));
    }
    if hello.peers != own.peers {
        let (theirs, own) = (hello.peers.join(","), own.peers.join(","));
        return Err(format!("{peer}, whose peers are {theirs:?}, to have the same as this node, {own:?}"));
    }
    Ok(hello)
}

fn distinct(members: &[(NodeId, String)]) -> Result<(), String> {
    let nodes: BTreeSet<NodeId> = members.iter().map(|(node, _)| *node).collect();
    if nodes.len() == members.len() {
        return Ok(());
    }
    Err("the list of peers to be corrected: two of its addresses lead to the same node".to_owned())
}

fn said(answers: &BTreeMap<String, Answer>) -> impl Iterator<Item = (&str, &Hello)> {
    answers.iter().filter_map(|(address, answer)| match answer {
        Answer::Silent(_) => None,
        Answer::Said(hello) => Some((address.as_str(), hello)),
    })
}

/// Whether a node becomes part of a cluster that another node forms; if not, why.
pub(crate) fn accept(own: &Own, formation: &Formation) -> Result<(), String> {
    if let Some(cluster) = own.standing.cluster() {
        let same = cluster == formation.cluster;
        return if same { Ok(()) } else { Err(format!("{} belongs to cluster {cluster}", own.address)) };
    }
    if own.peers.is_empty() {
        return Err(format!("{} was not told to form a cluster (--peers)", own.address));
    }
    if own.plan.is_some() {
        return Err(format!("{} forms a cluster itself", own.address));
    }
    if !formation.members.contains(&(own.node, own.address.clone())) {
        return Err(format!("{} is another node now: {}", own.address, own.node));
    }
    let addresses: BTreeSet<&String> = formation.members.iter().map(|(_, address)| address).collect();
    if !addresses.iter().copied().eq(own.peers.iter()) {
        return Err(format!("the peers of {} are {}", own.address, own.peers.join(",")));
    }
    Ok(())
}
