//! The contract suite, over a simulated and a real disk.

use crate::support::{World, runtime};
use esker_env::{OsDisk, SystemClock};
use esker_kv::EngineKind;
use std::sync::Arc;

#[test]
fn a_store_on_a_simulated_disk_keeps_the_contract() {
    runtime().block_on(esker_storage::contract::run(async || World::simulated().0.open().0));
}

#[test]
fn a_store_with_segments_of_the_usual_size_keeps_the_contract() {
    runtime().block_on(esker_storage::contract::run(async || {
        let mut world = World::simulated().0;
        world.options = Default::default();
        world.open().0
    }));
}

#[test]
fn a_store_on_a_real_disk_with_the_default_engine_keeps_the_contract() {
    let root = tempfile::tempdir().unwrap();
    let next = std::sync::atomic::AtomicU64::new(0);
    runtime().block_on(esker_storage::contract::run(async || {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut world = World::at(OsDisk, &root.path().join(number.to_string()));
        world.random = Arc::new(esker_env::OsRandom);
        world.clock = Arc::new(SystemClock::new());
        let kv = world.data_dir().kv();
        world.engine = esker_kv::open(EngineKind::Fjall, &kv, &Default::default()).unwrap();
        world.open().0
    }));
}
