//! What the benchmarks share: a bucket on an engine, bodies and requests that are signed, the floors, and the macro runs
//! that compare the whole server with them.

pub mod bucket;
pub mod client;
pub mod engine_rows;
pub mod floor;
pub mod process;
pub mod ratio;
pub mod row;
pub mod runs;
pub mod sample;
pub mod signed;
pub mod stack;

use criterion::Criterion;
use std::time::Duration;

/// Whether times are wanted. If not (`cargo test`, `cargo bench -- --test`), each benchmark runs once to show that
/// it works, and needs no large state.
pub fn is_measured() -> bool {
    let has = |name: &str| std::env::args().any(|arg| arg == name);
    has("--bench") && !has("--test")
}

/// Criterion, set to take seconds for each benchmark rather than minutes for all.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args()
}
