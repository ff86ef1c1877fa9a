//! Reading a blob: whom to ask first.

use esker_types::NodeId;

/// Whether a node is likely to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As far as is known.
    Well,
    /// It failed to answer lately.
    Unwell,
}

/// The nodes that may have a blob, in the order in which to ask them; each once, none left out.
///
/// The reader's own node is first, since no network lies between, if it is one of them. Then those that are well,
/// then the others; among each of these the replicas before nodes that are only in the target, which may not have copied
/// the blob yet.
pub fn read_order(
    replicas: &[NodeId],
    target: &[NodeId],
    own: Option<NodeId>,
    health: impl Fn(NodeId) -> Health,
) -> Vec<NodeId> {
    let mut order: Vec<NodeId> = Vec::with_capacity(replicas.len() + target.len());
    for node in replicas.iter().chain(target) {
        if !order.contains(node) {
            order.push(*node);
        }
    }
    // The sort is stable: what ranks the same stays in the order of the sets.
    order.sort_by_key(|node| match own {
        Some(own) if own == *node => (0, Health::Well),
        _ => (1, health(*node)),
    });
    order
}
