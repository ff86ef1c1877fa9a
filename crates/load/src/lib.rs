//! A load harness for S3 endpoints, ours or others': what `esker bench` runs.
//!
//! It is made in layers. [`plan`] decides, purely: what to do next, when, on which key, of what size and with which
//! content. [`record`] counts what happened. [`report`] says it: lines of JSON, tables, a page. [`client`] speaks HTTP
//! and signs. [`run`] puts them together: it prepares a bucket, lets workers loose on it, and clears up.
//!
//! The harness shares its machine with the server that it measures, so a request costs it little: bodies are slices of
//! one buffer, each connection is owned by one worker, threads share nothing but a lock that is taken once per request
//! and is free. What it does cost is measured and is a part of every report.

pub mod client;
pub mod plan;
pub mod record;
pub mod report;
pub mod run;
