//! An operator: tells the cluster what is to become of its nodes.

use super::clock::{SimClock, SimTime};
use super::link::network;
use super::plan::Plan;
use crate::trace::Trace;
use esker_env::{Clock as _, Random as _, SeededRandom};
use esker_index::command::CommandBody;
use esker_rpc::{Metadata as _, Proposal};
use esker_types::{GroupId, NodeId, NodeState, RequestId};
use std::sync::Arc;
use tokio::sync::mpsc;

/// How often an order is given again if nobody answers.
const TRIES: usize = 5;

/// Carries out orders until nobody gives any more.
///
/// # Errors
/// Never, in a simulation whose secret is long enough.
pub async fn run(
    mut orders: mpsc::UnboundedReceiver<(NodeId, NodeState)>,
    plan: Arc<Plan>,
    time: SimTime,
    trace: Trace,
    random: SeededRandom,
) -> turmoil::Result {
    let network = network(NodeId(random.u64()), Arc::new(SimClock::new(time.clone())))?;
    let metadata = plan.remote(&network);
    while let Some((node, state)) = orders.recv().await {
        for _ in 0..TRIES {
            let proposal = Proposal {
                request: RequestId(random.uuid_v4()),
                deadline: metadata.clock().now().plus_millis(5_000),
                body: CommandBody::SetNodeState { node, state },
            };
            let answer = metadata.propose(GroupId::DIRECTORY, proposal).await;
            trace.note(time.elapsed(), format_args!("operator: {node} is to be {state:?}: {answer:?}"));
            if answer.is_ok() {
                break;
            }
        }
    }
    Ok(())
}
