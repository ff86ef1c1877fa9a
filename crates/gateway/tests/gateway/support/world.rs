//! A running gateway and everything around it.

use super::client::{ACCESS_KEY, Connection, RequestBuilder, SECRET_KEY};
use super::{FakeMetadata, FakeStorage};
use async_trait::async_trait;
use esker_env::{Clock, ManualClock, OsRandom};
use esker_gateway::{Components, Gateway, Health, Listeners, Probe, RootCredentials, SecretKey, Settings};
use esker_types::Timestamp;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// 2026-01-02T03:04:05.678Z
pub const NOW: Timestamp = Timestamp(1_767_323_045_678_000);

struct FixedProbe;

#[async_trait]
impl Probe for FixedProbe {
    async fn ready(&self) -> Health {
        Health::Ok
    }

    async fn cluster(&self) -> Health {
        Health::of(vec!["no leader".to_owned(), "data has no places yet".to_owned()])
    }

    async fn metrics(&self) -> String {
        "esker_up 1\n".to_owned()
    }
}

pub struct World {
    pub metadata: Arc<FakeMetadata>,
    pub storage: Arc<FakeStorage>,
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    pub console: SocketAddr,
    pub shutdown: CancellationToken,
    pub running: JoinHandle<()>,
}

impl World {
    pub async fn start() -> World {
        World::with(FakeStorage::new(), |_| {}).await
    }

    pub async fn with(storage: Arc<FakeStorage>, change: impl FnOnce(&mut Settings)) -> World {
        let clock = Arc::new(ManualClock::new(NOW));
        let metadata = FakeMetadata::new(Arc::clone(&clock) as Arc<dyn Clock>);
        World::around(metadata, storage, clock, change).await
    }

    /// Another gateway of the same cluster.
    pub async fn second(&self) -> World {
        let (metadata, storage) = (Arc::clone(&self.metadata), Arc::clone(&self.storage));
        World::around(metadata, storage, Arc::clone(&self.clock), |_| {}).await
    }

    async fn around(
        metadata: Arc<FakeMetadata>,
        storage: Arc<FakeStorage>,
        clock: Arc<ManualClock>,
        change: impl FnOnce(&mut Settings),
    ) -> World {
        let mut settings = Settings::default();
        change(&mut settings);
        let s3 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let console = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, console_address) = (s3.local_addr().unwrap(), console.local_addr().unwrap());
        let components = Components {
            metadata: Arc::clone(&metadata) as _,
            storage: Arc::clone(&storage) as _,
            credentials: Arc::new(RootCredentials::new(ACCESS_KEY, SecretKey::new(SECRET_KEY))),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(OsRandom),
            probe: Arc::new(FixedProbe),
        };
        let shutdown = CancellationToken::new();
        let gateway = Gateway::new(components, settings);
        let listeners = Listeners { s3, console: Some(console) };
        let running = tokio::spawn(gateway.run(listeners, shutdown.clone()));
        World { metadata, storage, clock, address, console: console_address, shutdown, running }
    }

    pub fn request(&self, method: &'static str, target: &str) -> RequestBuilder {
        RequestBuilder::new(self.address, self.clock.now(), method, target)
    }

    pub fn get(&self, target: &str) -> RequestBuilder {
        self.request("GET", target)
    }

    pub fn put(&self, target: &str, body: impl Into<Vec<u8>>) -> RequestBuilder {
        self.request("PUT", target).body(body)
    }

    pub async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Creates a bucket, with versioning as named, if named.
    pub async fn bucket(&self, name: &str, versioning: Option<&str>) {
        self.put(&format!("/{name}"), "").send().await.expect(200);
        if let Some(status) = versioning {
            self.versioning(name, status).await;
        }
    }

    pub async fn versioning(&self, bucket: &str, status: &str) {
        let body = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        self.put(&format!("/{bucket}?versioning="), body).send().await.expect(200);
    }
}
