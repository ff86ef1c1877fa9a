//! The gateway role: S3 over HTTP, turned into commands, queries and blobs.
//!
//! A request's way: `net` accepts its connection, `service` understands its head (`auth`, then `esker_s3`),
//! `ops` carries it out with one file for each family of S3 operations, `data` moves its bytes, `metadata` and
//! `route` reach the version index.
//!
//! **Architecture Invariant:** a gateway holds no state that a second gateway would need; its caches hold only
//! what stays true or is noticed to be stale.
//!
//! **Architecture Invariant:** bytes are durable before the commit that names them is proposed, and bytes that were
//! stored and not committed are given up explicitly (`data::Pending`), however the request ends.

pub mod auth;
mod cache;
mod console;
mod core;
mod data;
mod gateway;
mod lookup;
mod metadata;
mod net;
mod ops;
mod reach;
mod refusal;
mod reply;
mod route;
mod service;
mod settings;
mod telemetry;

pub use auth::{Credential, Credentials, RootCredentials, SecretKey};
pub use console::{Check, Health, HealthReport, HealthStatus, Probe, serve_console};
pub use gateway::{Components, Gateway, Listeners};
pub use settings::{Limits, Settings};
pub use telemetry::METRICS;
