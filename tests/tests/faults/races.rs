//! Many writers that want to be the first.

use e2e::cluster::{Cluster, PATIENCE};
use e2e::connection::Connection;
use e2e::load::body;
use e2e::report::{by_length, note};
use e2e::request::{Request, path_of};
use esker_checker::Value;
use std::collections::BTreeMap;
use std::sync::Barrier;

/// How many write at once.
const WRITERS: u64 = 1_000;

#[test]
fn of_a_thousand_conditional_puts_through_three_gateways_exactly_one_wins() {
    let cluster = Cluster::of(3);
    let bucket = e2e::bucket::unique_name();
    let mut reader = Connection::new(cluster.node(0).s3(), PATIENCE);
    reader.exchange(Request::new("PUT", &format!("/{bucket}"))).expect("an answer").expect_status(200);
    let rounds = by_length(2, 20);
    let mut all = BTreeMap::new();
    for round in 0..rounds {
        let key = format!("round-{round}");
        let answers = race(&cluster, &bucket, &key);
        let winners: Vec<u64> =
            answers.iter().filter(|(_, status)| *status == 200).map(|(writer, _)| *writer).collect();
        answers.iter().for_each(|(_, status)| *all.entry(*status).or_insert(0_u32) += 1);
        assert_eq!(winners.len(), 1, "round {round}: {all:?}");
        let read = reader.exchange(Request::new("GET", &path_of(&bucket, &key))).expect("an answer");
        assert!(read.body == body(Value(winners[0])), "round {round}: it is the winner's");
    }
    assert!(all.keys().all(|status| [200, 412, 503].contains(status)), "{all:?}");
    note(&format!("If-None-Match: * by {WRITERS} writers at once, {rounds} rounds: {all:?}"));
}

/// The status that each writer got.
fn race(cluster: &Cluster, bucket: &str, key: &str) -> Vec<(u64, u16)> {
    let start = Barrier::new(usize::try_from(WRITERS).expect("a few"));
    let gateways: Vec<_> = cluster.nodes().iter().map(e2e::cluster::Node::s3).collect();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let address = gateways[usize::try_from(writer % 3).expect("below 3")];
                let (start, request) = (&start, Request::new("PUT", &path_of(bucket, key)));
                scope.spawn(move || {
                    let request = request.header("if-none-match", "*").body(body(Value(writer)));
                    start.wait();
                    let answer = Connection::new(address, PATIENCE).exchange(request);
                    (writer, answer.expect("an answer").status)
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("it ends")).collect()
    })
}

#[test]
fn a_list_never_misses_what_another_gateway_acknowledged() {
    let cluster = Cluster::of(3);
    let bucket = e2e::bucket::unique_name();
    let mut connections: Vec<Connection> =
        cluster.nodes().iter().map(|node| Connection::new(node.s3(), PATIENCE)).collect();
    let mut send = |gateway: usize, method: &str, target: &str| {
        connections[gateway % 3].exchange(Request::new(method, target)).expect("an answer")
    };
    send(0, "PUT", &format!("/{bucket}")).expect_status(200);
    let tries = by_length(1_000, 10_000);
    for round in 0..tries {
        let key = format!("key-{round}");
        let target = format!("/{bucket}/{key}");
        send(round, "PUT", &target).expect_status(200);
        let listed = send(round + 1, "GET", &format!("/{bucket}?list-type=2")).expect_status(200);
        assert_eq!(listed.elements("Key"), [key.as_str()], "round {round}: written and listed");
        send(round + 2, "DELETE", &target).expect_status(204);
        let listed = send(round, "GET", &format!("/{bucket}?list-type=2")).expect_status(200);
        assert_eq!(listed.elements("Key"), [""; 0], "round {round}: deleted and listed");
    }
    note(&format!(
        "list after write and after delete through alternating gateways: {tries} times, never stale"
    ));
}
