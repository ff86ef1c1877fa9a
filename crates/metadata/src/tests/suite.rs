//! openraft's own suite for log stores and state machines, over the real disk and the real engine.

use std::sync::Arc;

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use tempfile::TempDir;

use crate::log::LogStore;
use crate::machine::StateMachine;
use crate::rows::GroupRows;
use crate::tests::support::{GROUP, on_disk};
use crate::types::TypeConfig;

struct Stores;

impl StoreBuilder<TypeConfig, LogStore, StateMachine, TempDir> for Stores {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().unwrap();
        let components = on_disk(dir.path());
        let rows = GroupRows::open(components.engine, GROUP).unwrap();
        Ok((dir, LogStore::new(components.wal, GROUP), StateMachine::new(Arc::new(rows))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_store_and_state_machine_keep_openrafts_contract() {
    Suite::test_all(Stores).await.unwrap();
}
