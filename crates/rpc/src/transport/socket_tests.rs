//! The transport over real sockets: who gets through, and that the server goes on after those who do not.

use crate::control::{Control as _, ControlError, Hello, Stage};
use crate::grpc::{RemoteControl, with_control};
use crate::testing::{ScriptedControl, TestNode, identity, network};
use crate::transport::{ClusterSecret, Guard, Identity, Listener, Plane, Purpose, Routes, serve};
use esker_types::NodeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::Code;

const SERVER: NodeId = NodeId(2);

fn hello() -> Hello {
    let address = "a:1".to_owned();
    Hello { node: SERVER, cluster: None, stage: Stage::Member, address, peers: Vec::new() }
}

async fn server(identity: Identity) -> TestNode {
    let control = ScriptedControl::good(hello(), "{}");
    TestNode::start(identity, with_control(Routes::default(), Arc::new(control))).await
}

async fn ask(caller: Identity, to: NodeId, server: &TestNode) -> Result<Hello, ControlError> {
    let network = network(caller);
    RemoteControl::new(&network, to, &server.address.to_string()).unwrap().hello().await
}

/// A call of a node of the same cluster.
async fn good_call_passes(server: &TestNode) {
    assert_eq!(ask(identity(1, 7), SERVER, server).await, Ok(hello()));
}

#[tokio::test]
async fn a_good_call_passes_and_bad_ones_are_refused() {
    let server = server(identity(SERVER.0, 7)).await;
    good_call_passes(&server).await;
    assert_eq!(ask(identity(1, 0), NodeId(0), &server).await, Ok(hello()), "control needs no cluster");

    let secret = ClusterSecret::new("the secret of others").unwrap();
    let spy = Identity { secret, ..identity(1, 7) };
    for (what, caller, to) in [("secret", spy, SERVER), ("cluster", identity(1, 8), SERVER)] {
        let refused = ask(caller, to, &server).await;
        assert!(matches!(refused, Err(ControlError::Denied(_))), "other {what}: {refused:?}");
    }
    let misled = ask(identity(1, 7), NodeId(3), &server).await;
    assert!(matches!(misled, Err(ControlError::Unavailable(_))), "other node: {misled:?}");
    good_call_passes(&server).await;
}

#[tokio::test]
async fn a_node_without_a_cluster_gets_one_while_it_runs() {
    let own = identity(SERVER.0, 0);
    let server = server(own.clone()).await;
    good_call_passes(&server).await;
    own.cluster.set(esker_types::ClusterId::from_bytes(8_u128.to_be_bytes())).unwrap();
    let refused = ask(identity(1, 7), SERVER, &server).await;
    assert!(matches!(refused, Err(ControlError::Denied(_))), "{refused:?}");
    assert_eq!(ask(identity(1, 8), SERVER, &server).await, Ok(hello()));
}

mod raw {
    //! Calls made by hand, as no client of ours makes them.
    use super::*;
    use crate::grpc::test_client;
    use crate::transport::TcpConnect;
    use crate::transport::credential::Credential;
    use crate::transport::network::open;
    use http::HeaderMap;
    use tonic::transport::Channel;
    use tower::service_fn;

    async fn channel(server: &TestNode) -> Channel {
        let address = server.address.to_string();
        let endpoint = tonic::transport::Endpoint::new(format!("http://{address}")).unwrap();
        let connector = service_fn(move |_| open(Arc::new(TcpConnect), address.clone(), Plane::Data));
        endpoint.connect_with_connector(connector).await.unwrap()
    }

    fn signed(path: &str) -> HeaderMap {
        let own = identity(1, 7);
        let millis = own.clock.now().micros() / 1000;
        let credential = Credential { cluster: own.cluster.get(), from: own.node, to: SERVER, millis };
        let mut headers = HeaderMap::new();
        credential.write(&own.secret, path, &mut headers);
        headers
    }

    #[tokio::test]
    async fn a_credential_for_one_call_is_of_no_use_for_another() {
        let server = server(identity(SERVER.0, 7)).await;
        let channel = channel(&server).await;
        for (path, code) in [
            ("/esker.control.v1.Control/Drain", Code::PermissionDenied),
            ("/esker.control.v1.Control/hello", Code::PermissionDenied),
            ("/esker.control.v1.Control/Hello", Code::Ok),
        ] {
            assert_eq!(test_client::hello(channel.clone(), signed(path)).await, code, "{path}");
        }
        assert_eq!(test_client::hello(channel, HeaderMap::new()).await, Code::PermissionDenied);
        good_call_passes(&server).await;
    }

    #[tokio::test]
    async fn headers_and_messages_without_end_are_refused() {
        let server = server(identity(SERVER.0, 7)).await;
        let mut headers = signed("/esker.control.v1.Control/Hello");
        headers.insert("x-long", http::HeaderValue::from_str(&"x".repeat(20 << 10)).unwrap());
        let code = test_client::hello(channel(&server).await, headers).await;
        assert_ne!(code, Code::Ok);
        let long = RemoteControl::new(&network(identity(1, 7)), SERVER, &server.address.to_string()).unwrap();
        let refused = long.invite("x".repeat(8 << 20)).await;
        assert!(matches!(refused, Err(ControlError::Unavailable(_))), "{refused:?}");
        good_call_passes(&server).await;
    }
}

/// Says something to the server and waits until it hangs up.
async fn say(server: &TestNode, bytes: &[u8]) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // The server may reset the connection, having unread bytes.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1"), "the server speaks HTTP/2 only");
}

#[tokio::test]
async fn connections_without_a_proper_preface_are_dropped() {
    let server = server(identity(SERVER.0, 7)).await;
    say(&server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    say(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    say(&server, b"esker/9 data\n").await;
    say(&server, &[0xff; 4096]).await;
    good_call_passes(&server).await;
}

#[tokio::test]
async fn garbage_after_the_preface_breaks_only_its_connection() {
    let server = server(identity(SERVER.0, 7)).await;
    say(&server, b"esker/1 data\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    say(&server, &[b"esker/1 raft\n", &[0xff; 4096][..]].concat()).await;
    good_call_passes(&server).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_dropped_and_holds_up_nobody() {
    let server = server(identity(SERVER.0, 7)).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    silent.write_all(b"esker/1 d").await.unwrap();
    good_call_passes(&server).await;
    let mut answer = [0];
    assert_eq!(silent.read(&mut answer).await.unwrap(), 0, "the server hangs up");
    good_call_passes(&server).await;
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let server = server(identity(SERVER.0, 7)).await;
    let client = RemoteControl::new(&network(identity(1, 7)), SERVER, "127.0.0.1:1").unwrap();
    let refused = client.hello().await;
    assert!(matches!(refused, Err(ControlError::Unavailable(_))), "{refused:?}");
    good_call_passes(&server).await;
}

#[tokio::test]
async fn a_client_finds_a_node_that_comes_back_at_its_address() {
    let first = server(identity(SERVER.0, 7)).await;
    let address = first.address;
    let client = RemoteControl::new(&network(identity(1, 7)), SERVER, &address.to_string()).unwrap();
    assert_eq!(client.hello().await, Ok(hello()));
    drop(first);
    // The port is free once the first server has ended.
    let control = || with_control(Routes::default(), Arc::new(ScriptedControl::good(hello(), "{}")));
    let second = loop {
        match TestNode::start_at(address, identity(SERVER.0, 7), control()).await {
            Ok(node) => break node,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let answer = loop {
        // What was under way when the first one ended may fail.
        if let Ok(answer) = client.hello().await {
            break answer;
        }
    };
    assert_eq!(answer, hello());
    drop(second);
}

#[test]
fn addresses_without_a_port_or_with_more_than_that_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let network = network(identity(1, 7));
    for bad in ["", "host", "host:", "host:x", "http://host:1", "user@host:1", "host:1/path", "ho st:1"] {
        assert!(RemoteControl::new(&network, SERVER, bad).is_err(), "{bad:?}");
    }
    for good in ["host:1", "10.0.0.1:9100", "[::1]:9100"] {
        assert!(RemoteControl::new(&network, SERVER, good).is_ok(), "{good:?}");
    }
}

#[test]
fn each_plane_is_served_on_the_runtime_that_asks_for_its_connections() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (accepting, raft, calling) = (runtime(), runtime(), runtime());
    let own = identity(SERVER.0, 7);
    let stop = CancellationToken::new();
    let listener = accepting.block_on(Listener::bind("127.0.0.1:0".parse().unwrap())).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let accepted = accepting.block_on(async { listener.start(stop.clone()) });
    let routes = with_control(Routes::default(), Arc::new(ScriptedControl::good(hello(), "{}")));
    raft.spawn(serve(accepted.raft, Plane::Raft, routes, Guard::new(own), stop));
    // Nobody serves the other plane: a call over it would not be answered.
    calling.block_on(async {
        let channel =
            network(identity(1, 7)).channel(SERVER, &address, Plane::Raft, Purpose("test")).unwrap();
        assert_eq!(crate::grpc::test_client::hello(channel, http::HeaderMap::new()).await, Code::Ok);
    });
    accepting.shutdown_background();
    raft.shutdown_background();
}

/// Counts warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("esker_rpc") && *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn refusals_are_logged_once_for_each_source() {
    let warnings = Warnings::default();
    // The runtime of this test has one thread, which serves too.
    let _logged = tracing::subscriber::set_default(warnings.clone());
    let server = server(identity(SERVER.0, 7)).await;
    let logged = || warnings.0.load(Ordering::Relaxed);
    for _ in 0..5 {
        assert!(ask(identity(1, 8), SERVER, &server).await.is_err());
    }
    assert_eq!(logged(), 1);
    let spy = Identity { secret: ClusterSecret::new("the secret of others").unwrap(), ..identity(1, 7) };
    for _ in 0..5 {
        assert!(ask(spy.clone(), SERVER, &server).await.is_err());
    }
    assert_eq!(logged(), 2);
}
