//! A gateway whose cluster is this process's memory: for trying S3 clients against the protocol alone.
//!
//! ```text
//! cargo run -p esker-gateway --example memory -- 127.0.0.1:9000
//! ```
//! The access key is `AKIDEXAMPLE`, its secret `wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY`. Nothing survives.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]
#![allow(clippy::needless_pass_by_value, unused_imports)]

#[path = "../tests/gateway/support/mod.rs"]
mod support;

use async_trait::async_trait;
use esker_env::{Clock, OsRandom, SystemClock};
use esker_gateway::{Components, Gateway, Health, Listeners, Probe, RootCredentials, SecretKey, Settings};
use std::sync::Arc;
use support::client::{ACCESS_KEY, SECRET_KEY};
use support::{FakeMetadata, FakeStorage};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

struct Ready;

#[async_trait]
impl Probe for Ready {
    async fn ready(&self) -> Health {
        Health::Ok
    }

    async fn cluster(&self) -> Health {
        Health::Ok
    }

    async fn metrics(&self) -> String {
        String::new()
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let components = Components {
        metadata: FakeMetadata::new(Arc::clone(&clock)),
        storage: FakeStorage::new(),
        credentials: Arc::new(RootCredentials::new(ACCESS_KEY, SecretKey::new(SECRET_KEY))),
        clock,
        random: Arc::new(OsRandom),
        probe: Arc::new(Ready),
    };
    let listeners = Listeners { s3: TcpListener::bind(&address).await?, console: None };
    println!("listening on http://{}", listeners.s3.local_addr()?);
    let shutdown = CancellationToken::new();
    let end = shutdown.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        end.cancel();
    });
    Gateway::new(components, Settings::default()).run(listeners, shutdown).await;
    Ok(())
}
