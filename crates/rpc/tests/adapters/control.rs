//! What a node answers when it is controlled, directly and over the network.

use esker_rpc::grpc::{RemoteControl, with_control};
use esker_rpc::testing::{Asked, ScriptedControl, TestNode, identity, network};
use esker_rpc::transport::Routes;
use esker_rpc::{Control, ControlError, Formation, Hello, SettingsChange, Stage};
use esker_types::{ClusterId, NodeId, NodeInfo, NodeRole, NodeRoles};
use std::num::NonZeroU8;
use std::sync::Arc;

const SERVER: NodeId = NodeId(2);

fn cluster() -> ClusterId {
    ClusterId::from_bytes([9; 16])
}

fn hello(stage: Stage, cluster: Option<ClusterId>) -> Hello {
    let peers = vec!["a:1".to_owned(), "b:2".to_owned()];
    Hello { node: NodeId(u64::MAX), cluster, stage, address: "a:1".to_owned(), peers }
}

/// The node behind `control` is `node`.
async fn answers_arrive_as_they_were_given(control: &dyn Control, node: &ScriptedControl, said: &Hello) {
    assert_eq!(control.hello().await.as_ref(), Ok(said));
    assert_eq!(control.status().await, Ok("{\"a\": 1}".to_owned()));
    let roles = NodeRoles::new([NodeRole::Storage, NodeRole::Gateway]).unwrap();
    let (zone, host) = ("zone".to_owned(), "host".to_owned());
    let info = NodeInfo { address: "c:3".to_owned(), roles, zone, host, weight: u32::MAX };
    let members = vec![(NodeId(1), "a:1".to_owned()), (NodeId(3), "b:2".to_owned())];
    let formation = Formation { cluster: cluster(), members };

    assert_eq!(control.form(formation.clone()).await, Ok(()));
    assert_eq!(control.join(NodeId(7), info.clone()).await, Ok(()));
    assert_eq!(control.invite("seed:1".to_owned()).await, Ok(()));
    assert_eq!(control.drain(NodeId(7)).await, Ok(()));
    assert_eq!(control.undrain(NodeId(7)).await, Ok(()));
    assert_eq!(control.remove(NodeId(8)).await, Ok(()));
    assert_eq!(control.replace(NodeId(7), None).await, Ok(()));
    assert_eq!(control.replace(NodeId(7), Some(NodeId(0))).await, Ok(()));
    let both = SettingsChange { replicas: NonZeroU8::new(5), voters: NonZeroU8::new(255) };
    assert_eq!(control.change_settings(both).await, Ok(()));
    assert_eq!(control.change_settings(SettingsChange::default()).await, Ok(()));
    let asked = [
        Asked::Form(formation),
        Asked::Join(NodeId(7), info),
        Asked::Invite("seed:1".to_owned()),
        Asked::Drain(NodeId(7)),
        Asked::Undrain(NodeId(7)),
        Asked::Remove(NodeId(8)),
        Asked::Replace(NodeId(7), None),
        Asked::Replace(NodeId(7), Some(NodeId(0))),
        Asked::ChangeSettings(both),
        Asked::ChangeSettings(SettingsChange::default()),
    ];
    assert_eq!(node.asked(), asked);
}

async fn errors_arrive_as_they_were_given(control: &dyn Control, error: &ControlError) {
    assert_eq!(control.hello().await.as_ref(), Err(error));
    assert_eq!(control.status().await.as_ref(), Err(error));
    assert_eq!(control.invite(String::new()).await.as_ref(), Err(error));
    assert_eq!(control.drain(NodeId(1)).await.as_ref(), Err(error));
}

async fn remote(control: Arc<ScriptedControl>) -> (TestNode, RemoteControl) {
    let node = TestNode::start(identity(SERVER.0, 0), with_control(Routes::default(), control)).await;
    let client = RemoteControl::new(&network(identity(1, 0)), SERVER, &node.address.to_string()).unwrap();
    (node, client)
}

#[tokio::test]
async fn a_node_is_controlled_over_the_network_as_it_is_directly() {
    for said in [
        hello(Stage::Empty, None),
        hello(Stage::Adopted, Some(cluster())),
        hello(Stage::Member, Some(cluster())),
    ] {
        let node = ScriptedControl::good(said.clone(), "{\"a\": 1}");
        answers_arrive_as_they_were_given(&node, &node, &said).await;
        let node = Arc::new(ScriptedControl::good(said.clone(), "{\"a\": 1}"));
        let (_server, client) = remote(Arc::clone(&node)).await;
        answers_arrive_as_they_were_given(&client, &node, &said).await;
    }
    for error in [
        ControlError::Refused("it is not empty".to_owned()),
        ControlError::NoSuchNode(NodeId(77)),
        ControlError::Unavailable("no leader".to_owned()),
        ControlError::Denied("no".to_owned()),
    ] {
        let node = Arc::new(ScriptedControl::failing(&error));
        errors_arrive_as_they_were_given(&*node, &error).await;
        let (_server, client) = remote(node).await;
        errors_arrive_as_they_were_given(&client, &error).await;
    }
}
