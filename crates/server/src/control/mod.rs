//! What other nodes and operators ask of this node: who it is, to take part in a cluster, to change the cluster, and
//! how it is.

mod address;
mod agreed;
mod changes;
mod node;
mod problems;
mod proposals;
mod report;
pub(crate) mod status;

pub(crate) use node::{Member, NodeControl};
pub(crate) use proposals::{Proposals, node_info};
pub(crate) use report::{Report, Sources};
