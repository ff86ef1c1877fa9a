//! A cluster under load to which a scenario does harm, and which must keep every promise all the same.
//!
//! What clients saw is judged at the end of every trial: each key is linearizable, the bucket has one order, every
//! acknowledged version is listed and reads back as it was written, and no answer was one that no fault excuses.

mod gaps;
mod judged;
mod verdict;

pub use gaps::Gaps;
pub use judged::Judged;
pub use verdict::{Verdict, judge};

use crate::cluster::{Cluster, Options, PATIENCE};
use crate::connection::Connection;
use crate::load::{self, Kind, Load};
use crate::request::Request;
use crate::wait::eventually;
use crate::{bucket, digest, report};
use esker_checker::Moment;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A gateway that serves again has served so many requests of each kind.
const SERVED: usize = 6;
/// How long gateways are watched after each harm.
const WATCHED: Duration = Duration::from_secs(3);
/// How long is waited for an answer of a gateway that can't serve.
const ANSWER_PATIENCE: Duration = Duration::from_secs(120);
/// How long all data may take to get where it belongs: after the loss of a directory all of it moves.
const WHOLE_PATIENCE: Duration = Duration::from_secs(180);
/// How long a single request of the trial itself may take.
const REQUEST_PATIENCE: Duration = Duration::from_secs(20);

/// A cluster, its clients, and what was done to it.
pub struct Trial {
    name: String,
    /// Dropped before the cluster that it talks to.
    load: Load,
    /// The cluster.
    pub cluster: Cluster,
    bucket: String,
    down: BTreeSet<usize>,
    /// How long it took to be whole again, each time.
    recoveries: Vec<Duration>,
    /// One at a time: what is measured must not be another trial's load.
    _alone: MutexGuard<'static, ()>,
}

impl Trial {
    /// Starts a cluster, makes a bucket that keeps versions, and starts clients of every gateway.
    #[track_caller]
    pub fn start(name: &str, options: Options) -> Trial {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = Cluster::start(options);
        let bucket = bucket::unique_name();
        make_bucket(cluster.node(0).s3(), &bucket);
        let gateways: Vec<_> = cluster.nodes().iter().map(crate::cluster::Node::s3).collect();
        let seed = seed();
        report::note(&format!("{name}: seed {seed}"));
        let options = load::Options { bucket: bucket.clone(), clients_per_gateway: 2, keys: 12, seed };
        let load = Load::start(options, &gateways);
        let (down, recoveries, name) = (BTreeSet::new(), Vec::new(), name.to_owned());
        let trial = Trial { name, load, cluster, bucket, down, recoveries, _alone: alone };
        trial.await_served_since(trial.now());
        trial
    }

    /// The bucket that clients use.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Now, in the history's measure.
    pub fn now(&self) -> Moment {
        self.load.now()
    }

    /// Notes something for the report.
    pub fn note(&self, what: &str) {
        report::note(&format!("{}: {what}", self.name));
    }

    /// Kills a node. Returns when.
    pub fn kill(&mut self, index: usize) -> Moment {
        self.down.insert(index);
        let now = self.now();
        self.cluster.node_mut(index).kill9();
        now
    }

    /// A node's gateway is not expected to serve from now on. Returns when.
    pub fn expect_down(&mut self, index: usize) -> Moment {
        self.down.insert(index);
        self.now()
    }

    /// A node's gateway is expected to serve again.
    pub fn expect_up(&mut self, index: usize) {
        self.down.remove(&index);
    }

    /// Starts a node that was killed, and awaits that the cluster is whole again, and serves.
    #[track_caller]
    pub fn revive(&mut self, index: usize) -> Duration {
        self.cluster.node_mut(index).start();
        self.await_whole()
    }

    /// Awaits that every node is there and nothing needs attention, and that every gateway serves. Returns how long the
    /// nodes took for it.
    #[track_caller]
    pub fn await_whole(&mut self) -> Duration {
        let begun = Instant::now();
        self.cluster.await_healthy_within(WHOLE_PATIENCE);
        let took = begun.elapsed();
        self.recoveries.push(took);
        self.down.clear();
        self.await_served_since(self.now());
        took
    }

    /// Starts clients of a node that was added.
    pub fn use_gateway(&mut self, index: usize) {
        let address = self.cluster.node(index).s3();
        self.load.join(index, address);
    }

    /// The nodes that are expected to serve.
    pub fn up(&self) -> Vec<usize> {
        (0..self.cluster.nodes().len()).filter(|index| !self.down.contains(index)).collect()
    }

    /// Awaits that every gateway that is up has served reads and writes that began after `since`.
    #[track_caller]
    pub fn await_served_since(&self, since: Moment) {
        let served = eventually("every gateway serves", PATIENCE, || {
            self.load.look(|record| {
                for gateway in self.up() {
                    for kind in [Kind::Read, Kind::Write] {
                        let served = record.served(gateway, kind, since);
                        if served < SERVED {
                            let last = record.events.iter().rfind(|event| event.gateway == gateway);
                            return Err(format!("node {gateway} served {served} {kind:?}; last {last:?}"));
                        }
                    }
                }
                Ok(())
            })
        });
        served.unwrap_or_else(|why| panic!("{}: {why}", self.name));
    }

    /// Awaits that every gateway that is up serves after what was done at `since`, and looks at it for a while, since not
    /// every harm is felt at once; how long the worst of them did not serve.
    #[track_caller]
    pub fn gap_since(&self, since: Moment) -> Gaps {
        let watched = u64::try_from(WATCHED.as_nanos()).expect("seconds");
        self.await_served_since(Moment(since.0 + watched));
        let to = self.now();
        let worst = |kind| {
            self.load.look(|record| {
                let gap = |gateway| load::longest_gap(&record.events, gateway, kind, since, to);
                self.up().into_iter().map(gap).max().unwrap_or_default()
            })
        };
        Gaps { writes: worst(Kind::Write), reads: worst(Kind::Read) }
    }

    /// Lets clients go on until each gateway that is up served `requests` more of each kind, none of which may fail.
    #[track_caller]
    pub fn calm(&self, requests: usize) {
        let since = self.now();
        let served = eventually("calm", PATIENCE, || {
            self.load.look(|record| {
                let few = self.up().into_iter().find(|gateway| {
                    [Kind::Read, Kind::Write]
                        .iter()
                        .any(|kind| record.served(*gateway, *kind, since) < requests)
                });
                few.map_or(Ok(()), |gateway| Err(format!("node {gateway} is slow")))
            })
        });
        let failed = self.load.look(|record| {
            let up = self.up();
            let failed = |event: &&load::Event| {
                event.begun >= since && up.contains(&event.gateway) && event.failure.is_some()
            };
            record.events.iter().filter(failed).cloned().collect::<Vec<_>>()
        });
        assert!(failed.is_empty(), "{}: failures in calm: {failed:#?}", self.name);
        served.unwrap_or_else(|why| panic!("{}: {why}", self.name));
    }

    /// The node that leads the metadata group, as a node that is up says.
    #[track_caller]
    pub fn leader(&self) -> usize {
        let leader = eventually("there is a leader", PATIENCE, || {
            let up = self.up();
            let told = up.iter().find_map(|index| self.cluster.status(*index).ok()?.leader(0));
            let address = told.ok_or("nobody knows of one")?;
            let nodes = self.cluster.nodes();
            let index = nodes.iter().position(|node| node.cluster_address() == address);
            index.filter(|index| up.contains(index)).ok_or_else(|| format!("{address} is down"))
        });
        leader.unwrap_or_else(|why| panic!("{}: {why}", self.name))
    }

    /// Awaits answers to requests that began after `since` through a gateway, whatever they are; how long the slowest
    /// answer since then took.
    #[track_caller]
    pub fn slowest_answer_since(&self, gateway: usize, since: Moment) -> Duration {
        let of_gateway = |event: &&load::Event| event.gateway == gateway && event.ended >= since;
        let slowest = eventually("an answer", ANSWER_PATIENCE, || {
            self.load.look(|record| {
                let answered = || record.events.iter().filter(of_gateway);
                let took = |event: &load::Event| event.ended.0 - event.begun.0.max(since.0);
                match answered().filter(|event| event.begun >= since).count() {
                    0 => Err(format!("none through gateway {gateway}")),
                    _ => Ok(Duration::from_nanos(answered().map(took).max().unwrap_or_default())),
                }
            })
        });
        slowest.unwrap_or_else(|why| panic!("{}: {why}", self.name))
    }

    /// Failures through a gateway since a moment that are not the answer 503.
    pub fn unanswered_since(&self, gateway: usize, since: Moment) -> Vec<load::Event> {
        self.load.look(|record| {
            let of_gateway = record.events.iter().filter(|event| event.gateway == gateway);
            let failed = of_gateway.filter(|event| event.ended >= since);
            let unanswered = |event: &&load::Event| {
                event.failure.as_ref().is_some_and(|failure| !failure.starts_with("503"))
            };
            failed.filter(unanswered).cloned().collect()
        })
    }

    /// Awaits that so many writes more were acknowledged.
    #[track_caller]
    pub fn await_writes(&self, writes: usize) {
        let acknowledged = || {
            self.load.look(|record| {
                let served = |event: &&load::Event| event.kind == Kind::Write && event.failure.is_none();
                record.events.iter().filter(served).count()
            })
        };
        let before = acknowledged();
        let written = eventually("writes", PATIENCE, || match acknowledged() - before {
            more if more >= writes => Ok(()),
            more => Err(format!("{more} of {writes}")),
        });
        written.unwrap_or_else(|why| panic!("{}: {why}", self.name));
    }

    /// Ends the load and judges all that clients saw. The nodes run on.
    #[track_caller]
    pub fn finish(self) -> Judged {
        let Trial { name, load, cluster, bucket, down, recoveries, _alone } = self;
        if !recoveries.is_empty() {
            let (times, spread) = (recoveries.len(), gaps::spread(recoveries));
            report::note(&format!("{name}: whole again {times} times, after {spread}"));
        }
        let readers = (0..cluster.nodes().len()).filter(|index| !down.contains(index));
        let readers: Vec<_> = readers.map(|index| cluster.node(index).s3()).collect();
        let judged = verdict::judge(load, &bucket, &readers);
        let (verdict, versions) = judged.unwrap_or_else(|why| panic!("{name}: {why}"));
        report::note(&format!("{name}: {verdict}"));
        Judged { cluster, bucket, versions, _alone }
    }
}

/// Makes a bucket whose versioning is enabled.
#[track_caller]
pub fn make_bucket(gateway: SocketAddr, bucket: &str) {
    let mut connection = Connection::new(gateway, REQUEST_PATIENCE);
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let requests = [
        Request::new("PUT", &format!("/{bucket}")),
        Request::new("PUT", &format!("/{bucket}?versioning"))
            .header("content-md5", &digest::md5_base64(versioning.as_bytes()))
            .body(versioning),
    ];
    for request in requests {
        connection.exchange(request).expect("a cluster that is whole answers").expect_status(200);
    }
}

/// What choices are made from: `ESKER_SEED`, or the time.
pub fn seed() -> u64 {
    let given = std::env::var("ESKER_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.expect("it is after 1970").as_secs() % 1_000_000
    })
}
