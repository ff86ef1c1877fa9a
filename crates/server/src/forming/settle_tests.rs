//! Processes that form and join clusters at the same time, over calls in memory and disks that lose power.

use super::{Founding, Invitations, Peers, Settled, settle};
use crate::settings::Beginning;
use async_trait::async_trait;
use esker_env::{Disk, SeededRandom, SimDisk};
use esker_rpc::{Control, ControlError, Formation, Hello, SettingsChange};
use esker_storage::{DataDir, Standing};
use esker_types::{NodeId, NodeInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The processes that run now, by their addresses.
#[derive(Clone, Default)]
struct Net(Arc<Mutex<BTreeMap<String, Arc<Founding>>>>);

impl Peers for Net {
    fn control(&self, address: &str) -> Result<Arc<dyn Control>, String> {
        Ok(Arc::new(At(self.clone(), address.to_owned())))
    }
}

/// Whoever is at an address when it is called.
struct At(Net, String);

impl At {
    fn there(&self) -> Result<Arc<Founding>, ControlError> {
        let there = self.0.0.lock().unwrap().get(&self.1).cloned();
        there.ok_or_else(|| ControlError::Unavailable("connection refused".to_owned()))
    }
}

#[async_trait]
impl Control for At {
    async fn hello(&self) -> Result<Hello, ControlError> {
        Ok(self.there()?.hello())
    }

    async fn form(&self, formation: Formation) -> Result<(), ControlError> {
        Ok(self.there()?.form(formation).await?)
    }

    async fn join(&self, _: NodeId, _: NodeInfo) -> Result<(), ControlError> {
        unreachable!("forming registers nobody")
    }

    async fn invite(&self, _: String) -> Result<(), ControlError> {
        unreachable!("forming invites nobody")
    }

    async fn status(&self) -> Result<String, ControlError> {
        unreachable!("forming asks for no state")
    }

    async fn drain(&self, _: NodeId) -> Result<(), ControlError> {
        unreachable!("forming changes no node")
    }

    async fn undrain(&self, _: NodeId) -> Result<(), ControlError> {
        unreachable!("forming changes no node")
    }

    async fn remove(&self, _: NodeId) -> Result<(), ControlError> {
        unreachable!("forming changes no node")
    }

    async fn replace(&self, _: NodeId, _: Option<NodeId>) -> Result<(), ControlError> {
        unreachable!("forming changes no node")
    }

    async fn change_settings(&self, _: SettingsChange) -> Result<(), ControlError> {
        unreachable!("forming changes no settings")
    }
}

const PEERS: [&str; 3] = ["a:1", "b:1", "c:1"];

fn peers() -> Beginning {
    Beginning::Peers(PEERS.map(str::to_owned).to_vec())
}

/// A process on a disk, which others can reach from now on.
fn start(net: &Net, disk: &SimDisk, address: &str, beginning: &Beginning, seed: u64) -> Arc<Founding> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let dir = DataDir::open(&*disk, Path::new("/data"), &SeededRandom::new(seed)).unwrap();
    let peers = match beginning {
        Beginning::Peers(peers) => peers.clone(),
        _ => Vec::new(),
    };
    let founding = Founding::open(disk, Arc::new(dir), address.to_owned(), peers, Invitations::Declined);
    let founding = Arc::new(founding.unwrap());
    net.0.lock().unwrap().insert(address.to_owned(), founding.clone());
    founding
}

async fn settled(net: &Net, founding: &Arc<Founding>, beginning: &Beginning, seed: u64) -> Settled {
    settle(founding, beginning, net, &SeededRandom::new(seed)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn three_processes_that_start_apart_form_one_cluster_that_one_of_them_begins() {
    let net = Net::default();
    let mut tasks = Vec::new();
    // The coordinator is last.
    for (seed, address) in [(3, "c:1"), (2, "b:1"), (1, "a:1")] {
        let net = net.clone();
        tasks.push(tokio::spawn(async move {
            let founding = start(&net, &SimDisk::new(), address, &peers(), seed);
            settled(&net, &founding, &peers(), seed).await
        }));
        // sleep: virtual time; processes start minutes or seconds apart.
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    let clusters: BTreeSet<_> = all.iter().map(|settled| settled.cluster).collect();
    assert_eq!(clusters.len(), 1);
    let begins: Vec<_> = all.iter().filter_map(|settled| settled.begins.clone()).collect();
    let [members] = &begins[..] else { panic!("one begins: {begins:?}") };
    assert_eq!(members.iter().map(|(_, address)| address).collect::<BTreeSet<_>>().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_loses_power_goes_on_with_the_plan_that_it_told() {
    let random = SeededRandom::new(9);
    for steps in 0..12 {
        let net = Net::default();
        let disk = SimDisk::new();
        for (seed, address) in [(2, "b:1"), (3, "c:1")] {
            start(&net, &SimDisk::new(), address, &peers(), seed);
        }
        let first = start(&net, &disk, "a:1", &peers(), 1);
        // However far it came.
        let work = tokio::spawn({
            let (net, first) = (net.clone(), first.clone());
            async move { settled(&net, &first, &peers(), 1).await }
        });
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        work.abort();
        let _ = work.await;
        net.0.lock().unwrap().remove("a:1");
        drop(first);
        let after = disk.power_cut(&random);
        let again = start(&net, &after, "a:1", &peers(), 77);
        let settled = settled(&net, &again, &peers(), 78).await;
        assert!(settled.begins.is_some(), "after {steps} steps");
        for (address, founding) in net.0.lock().unwrap().iter() {
            assert_eq!(founding.hello().cluster, Some(settled.cluster), "{address} after {steps} steps");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_joins_only_once_its_seed_is_a_member() {
    let net = Net::default();
    let seed = start(&net, &SimDisk::new(), "a:1", &Beginning::Alone, 1);
    let alone = settled(&net, &seed, &Beginning::Alone, 1).await;
    assert_eq!(alone.begins.as_ref().map(Vec::len), Some(1));
    let join = Beginning::Join(vec!["x:1".to_owned(), "a:1".to_owned()]);
    let newcomer = start(&net, &SimDisk::new(), "b:1", &join, 2);
    let joining = tokio::spawn({
        let (net, newcomer, join) = (net.clone(), newcomer.clone(), join.clone());
        async move { settled(&net, &newcomer, &join, 2).await }
    });
    // sleep: virtual time; that nothing happens in it is what is tested.
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(newcomer.own().standing, Standing::Empty, "its seed may still lose its cluster");
    seed.mark_member().await.unwrap();
    assert_eq!(joining.await.unwrap(), Settled { cluster: alone.cluster, begins: None });
}

#[tokio::test(start_paused = true)]
async fn a_node_alone_begins_its_cluster_again_after_a_crash_but_never_as_a_member() {
    let (net, disk) = (Net::default(), SimDisk::new());
    let founding = start(&net, &disk, "", &Beginning::Alone, 1);
    let first = settled(&net, &founding, &Beginning::Alone, 1).await;
    net.0.lock().unwrap().clear();
    drop(founding);
    let founding = start(&net, &disk, "", &Beginning::Alone, 2);
    assert_eq!(settled(&net, &founding, &Beginning::Alone, 2).await, first);
    founding.mark_member().await.unwrap();
    let again = settled(&net, &founding, &Beginning::Alone, 3).await;
    assert_eq!(again, Settled { cluster: first.cluster, begins: None });
}
