//! The gateway as a whole: what it is made of, and its life.

use crate::auth::{Authenticator, Credentials};
use crate::console::{Console, Probe, console_limits};
use crate::core::Core;
use crate::metadata::MetadataClient;
use crate::net::serve;
use crate::route::Routes;
use crate::service::S3Service;
use crate::settings::{Limits, Settings};
use esker_env::{Clock, Random};
use esker_rpc::{BlobStore, Metadata};
use esker_s3::request::Hosting;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a gateway works with.
#[derive(Clone)]
pub struct Components {
    /// The version index.
    pub metadata: Arc<dyn Metadata>,
    /// Where data is kept, with its replicas.
    pub storage: Arc<dyn BlobStore>,
    /// The access keys that are known.
    pub credentials: Arc<dyn Credentials>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
    /// What the console asks.
    pub probe: Arc<dyn Probe>,
}

impl fmt::Debug for Components {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Components")
    }
}

/// Where a gateway listens.
#[derive(Debug)]
pub struct Listeners {
    /// For S3.
    pub s3: TcpListener,
    /// For probes and scrapers.
    pub console: Option<TcpListener>,
}

/// A gateway: speaks S3 to clients, and asks the other roles.
pub struct Gateway {
    service: Arc<S3Service>,
    console: Arc<Console>,
    limits: Limits,
    tasks: TaskTracker,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

/// How long background work may go on after the last connection ended: discards and clean-ups, all of which
/// somebody else finishes if they are cut short.
const TASKS_DRAIN: Duration = Duration::from_secs(5);

impl Gateway {
    /// A gateway that does nothing yet.
    pub fn new(components: Components, settings: Settings) -> Gateway {
        let Components { metadata, storage, credentials, clock, random, probe } = components;
        let tasks = TaskTracker::new();
        let limits = settings.limits.clone();
        let metadata = MetadataClient::new(
            metadata,
            Arc::clone(&clock),
            Arc::clone(&random),
            tasks.clone(),
            limits.unavailable,
        );
        let authenticator = Authenticator::new(credentials, settings.region.clone());
        let hosting = Hosting { domains: settings.domains.clone() };
        let core = Arc::new(Core {
            settings,
            metadata,
            storage,
            routes: Routes::new(),
            digesters: Arc::default(),
            clock,
            random,
            tasks: tasks.clone(),
        });
        let service = Arc::new(S3Service { core, authenticator, hosting });
        Gateway { service, console: Arc::new(Console { probe }), limits, tasks }
    }

    /// Serves until `shutdown`, then lets requests in flight finish within the drain limit. The console answers
    /// until the last of them has ended.
    pub async fn run(self, listeners: Listeners, shutdown: CancellationToken) {
        let Gateway { service, console, limits, tasks } = self;
        let console_end = CancellationToken::new();
        let s3 = async {
            serve(listeners.s3, service, &limits, shutdown).await;
            tasks.close();
            if tokio::time::timeout(TASKS_DRAIN, tasks.wait()).await.is_err() {
                tracing::info!(tasks = tasks.len(), "left background work to others");
            }
            console_end.cancel();
        };
        let console_limits = console_limits(&limits);
        let console = async {
            if let Some(listener) = listeners.console {
                serve(listener, console, &console_limits, console_end.clone()).await;
            }
        };
        tokio::join!(s3, console);
    }
}
