//! Every engine against the one contract.
#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use std::sync::Arc;

use esker_kv::contract::Fixture;
use esker_kv::{Engine, EngineKind, KvError, Options, engine_contract, open};

struct EngineFixture {
    kind: EngineKind,
    dir: tempfile::TempDir,
    options: Options,
}

impl EngineFixture {
    fn new(kind: EngineKind) -> Self {
        // Small buffers, so that even small tests write tables.
        let options =
            Options { cache_bytes: 1 << 20, memtable_bytes: 64 << 10, write_buffer_bytes: 128 << 10 };
        Self { kind, dir: tempfile::tempdir().unwrap(), options }
    }
}

impl Fixture for EngineFixture {
    fn try_open(&self) -> Result<Arc<dyn Engine>, KvError> {
        open(self.kind, self.dir.path(), &self.options)
    }

    fn survives_reopen(&self) -> bool {
        self.kind != EngineKind::Memory
    }
}

engine_contract!(memory, EngineFixture::new(EngineKind::Memory));
engine_contract!(fjall, EngineFixture::new(EngineKind::Fjall));
engine_contract!(sled, EngineFixture::new(EngineKind::Sled));
