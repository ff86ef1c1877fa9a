//! The cluster behind its load balancer, and what becomes of it when nodes die or are cut off.

use e2e::bucket::{self, Bucket, State};
use e2e::compose::{Env, PATIENCE, Project, Traffic, docker_ok};
use e2e::load::{self, Kind, Load, longest_gap};
use e2e::program::python;
use e2e::report::note;
use e2e::trial::{judge, make_bucket, seed};
use e2e::wait::eventually;
use e2e::{payload, sdk};
use esker_checker::Moment;
use std::time::{Duration, Instant};

pub(crate) const NODES: [&str; 3] = ["node1", "node2", "node3"];
/// Above any gap that was seen, on a machine that does other things, too.
const GAP_MAX: Duration = Duration::from_secs(30);
/// Requests of each kind that show that a gateway serves.
const SERVED: usize = 10;

/// Starts the cluster, and awaits that it is whole.
pub(crate) fn cluster() -> Project {
    let begun = Instant::now();
    let project = Project::start(&Env::of("cluster.yml"));
    let made = begun.elapsed();
    project.await_whole(&NODES);
    NODES.iter().for_each(|node| project.container(node).await_healthy(PATIENCE));
    await_balanced(&project);
    let whole = begun.elapsed().as_secs_f64();
    note(&format!(
        "containers: three nodes are up in {:.1} s, and whole in {whole:.1} s",
        made.as_secs_f64()
    ));
    project
}

/// Awaits that the load balancer has found a node.
fn await_balanced(project: &Project) {
    let request = |address| e2e::http::try_exchange(address, b"GET / HTTP/1.1\r\nhost: lb\r\n\r\n", PATIENCE);
    let found = eventually("the load balancer finds a node", PATIENCE, || {
        let response =
            request(e2e::serves::Serves::s3(&project.published("lb"))).map_err(|error| error.to_string())?;
        // Who signs nothing is refused, by a node.
        if response.status == 403 { Ok(()) } else { Err(response.text()) }
    });
    found.unwrap_or_else(|why| panic!("{why}\n{}", project.container("lb").logs()));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_walked_through_the_load_balancer_and_outlive_the_containers() {
    let project = cluster();
    let lb = project.published("lb");
    for script in ["restore.py", "rollback.py", "transfer.py"] {
        let said = python(&lb, script, &[&bucket::unique_name()]).success();
        assert!(said.trim_end().ends_with("ok"), "{script}: {said}");
    }
    let kept = Bucket::create(&lb, State::Enabled).await;
    let large = payload::bytes(5, 9 << 20);
    kept.put("small", b"one").await;
    kept.put("small", b"two").await;
    kept.delete_id("small").await;
    kept.put("large", &large).await;
    let rows = kept.rows().await;

    let begun = Instant::now();
    project.down();
    let down = begun.elapsed().as_secs_f64();
    project.up();
    project.await_whole(&NODES);
    await_balanced(&project);
    note(&format!(
        "containers: `down` in {down:.1} s, down and whole again in {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    let kept = Bucket { client: sdk::client(&project.published("lb")), ..kept };
    assert_eq!(kept.rows().await, rows);
    assert!(kept.get("large").await.as_deref() == Some(&large[..]));
    assert_eq!(kept.get("small").await, None, "it was deleted");
}

#[test]
fn a_node_that_is_killed_is_not_missed_and_heals_by_itself() {
    let project = cluster();
    let traffic = Traffic::start(&project.published("lb"));
    let leader = project.leader(&NODES);
    let others: Vec<&str> = NODES.into_iter().filter(|node| *node != leader).collect();
    project.container(&leader).kill();
    // Data is written that the node lacks, and it is missed.
    let missed = eventually("the node is missed", PATIENCE, || {
        let status = project.status(others[0])?;
        match status.data("repairs").unwrap_or_default() + status.data("under_replicated").unwrap_or_default()
        {
            0 => Err(format!("{:?}", status.problems())),
            owed => Ok(owed),
        }
    });
    missed.unwrap_or_else(|why| panic!("{why}"));
    let begun = Instant::now();
    project.container(&leader).start();
    project.await_whole(&NODES);
    let healed = begun.elapsed().as_secs_f64();
    let noticed = traffic.finish().expect_no_failure();
    note(&format!("containers: the leader was killed: {noticed}"));
    note(&format!("containers: started again, nothing was owed after {healed:.1} s"));
    assert!(noticed.longest_gap() < GAP_MAX, "{noticed}");
}

#[test]
fn a_leader_that_is_cut_off_serves_nothing_stale_and_comes_back() {
    let project = cluster();
    let traffic = Traffic::start(&project.published("lb"));
    let gateways = NODES.map(|node| project.s3_of(node));
    let bucket = bucket::unique_name();
    make_bucket(gateways[0], &bucket);
    let seed = seed();
    note(&format!("containers: seed {seed}"));
    let options = load::Options { bucket: bucket.clone(), clients_per_gateway: 2, keys: 8, seed };
    let load = Load::start(options, &gateways);
    await_served(&load, &[0, 1, 2], load.now());

    let leader = project.leader(&NODES);
    let cut_off = NODES.iter().position(|node| **node == *leader).expect("one of them");
    let others: Vec<usize> = (0..NODES.len()).filter(|index| *index != cut_off).collect();
    let (network, container) = (project.network("cluster"), project.container(&leader));
    let since = load.now();
    docker_ok(&["network", "disconnect", &network, &container.id]);
    await_failed(&load, cut_off, since);
    await_served(&load, &others, load.now());
    let to = load.now();
    let gap = |kind| {
        let of = |index: &usize| load.look(|record| longest_gap(&record.events, *index, kind, since, to));
        others.iter().map(of).max().unwrap_or_default()
    };
    let (writes, reads) = (gap(Kind::Write), gap(Kind::Read));

    let begun = Instant::now();
    docker_ok(&["network", "connect", "--alias", &format!("{leader}.cluster"), &network, &container.id]);
    project.await_whole(&NODES);
    await_served(&load, &[0, 1, 2], load.now());
    let healed = begun.elapsed().as_secs_f64();
    let noticed = traffic.finish().expect_no_failure();
    let (verdict, _) = judge(load, &bucket, &gateways).unwrap_or_else(|why| panic!("{why}"));
    note(&format!(
        "containers: the leader was cut off: the others served no write for {:.2} s, no read for {:.2} s; whole again \
         {healed:.1} s after it was connected; {verdict}",
        writes.as_secs_f64(),
        reads.as_secs_f64()
    ));
    note(&format!("containers: through the load balancer meanwhile: {noticed}"));
    assert!(writes < GAP_MAX && reads < GAP_MAX, "{writes:?} {reads:?}");
    assert!(noticed.longest_gap() < GAP_MAX, "{noticed}");
}

/// Awaits that gateways have served reads and writes that began after `since`.
#[track_caller]
fn await_served(load: &Load, gateways: &[usize], since: Moment) {
    let served = eventually("gateways serve", PATIENCE, || {
        load.look(|record| {
            let served = |gateway: usize, kind| record.served(gateway, kind, since);
            let few = gateways.iter().find(|gateway| {
                served(**gateway, Kind::Read) < SERVED || served(**gateway, Kind::Write) < SERVED
            });
            few.map_or(Ok(()), |gateway| Err(format!("gateway {gateway} does not")))
        })
    });
    served.unwrap_or_else(|why| panic!("{why}"));
}

/// Awaits that a gateway has refused requests of both kinds that began after `since`.
#[track_caller]
fn await_failed(load: &Load, gateway: usize, since: Moment) {
    let failed = eventually("the gateway that is cut off says so", PATIENCE, || {
        load.look(|record| {
            let refused = |kind| {
                let of_kind =
                    record.events.iter().filter(|event| event.gateway == gateway && event.kind == kind);
                of_kind.filter(|event| event.begun >= since && event.failure.is_some()).count()
            };
            match (refused(Kind::Read), refused(Kind::Write)) {
                (0, _) | (_, 0) => Err("it has not yet".to_owned()),
                _ => Ok(()),
            }
        })
    });
    failed.unwrap_or_else(|why| panic!("{why}"));
}
