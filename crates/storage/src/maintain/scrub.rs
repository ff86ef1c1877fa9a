//! Scrubbing: reading every blob, so that damage is found while other replicas are whole.
//!
//! In order of blob ids: they start with a time, so this is nearly the order in which the blobs were written.

use super::Throttle;
use crate::core::Core;
use crate::get;
use crate::put::blocking;
use crate::telemetry;
use esker_kv::KvError;
use esker_rpc::StorageError;
use esker_types::BlobId;
use std::sync::Arc;

const PAGE: usize = 64;

/// Whether a scrub came to the last blob.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Round {
    /// There is more to read.
    #[default]
    Ongoing,
    /// The last blob was read; the next step starts with the first.
    Finished,
}

/// What a step of scrubbing found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Blobs read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that don't verify, or can't be read. They need to be fetched from another replica.
    pub corrupt: Vec<BlobId>,
    /// Whether the round is over.
    pub round: Round,
}

fn failed(error: &KvError) -> StorageError {
    StorageError::Failed(format!("index: {error}"))
}

/// Reads blobs from where the last step stopped, until `bytes_max` are read or the round is over.
pub(crate) async fn scrub(
    core: &Arc<Core>,
    bytes_max: u64,
    throttle: Throttle,
) -> Result<ScrubReport, StorageError> {
    let mut report = ScrubReport::default();
    while report.bytes < bytes_max && report.round == Round::Ongoing {
        let (worker, left) = (core.clone(), bytes_max - report.bytes);
        let page = blocking(move || scrub_page(&worker, left)).await??;
        throttle.pace(page.bytes).await;
        report.add(page);
    }
    metrics::counter!(telemetry::SCRUB_BYTES).increment(report.bytes);
    metrics::counter!(telemetry::SCRUB_CORRUPT).increment(report.corrupt.len() as u64);
    metrics::counter!(telemetry::SCRUB_ROUNDS).increment(u64::from(report.round == Round::Finished));
    Ok(report)
}

impl ScrubReport {
    fn add(&mut self, page: ScrubReport) {
        self.blobs += page.blobs;
        self.bytes += page.bytes;
        self.corrupt.extend(page.corrupt);
        self.round = page.round;
    }
}

fn scrub_page(core: &Core, bytes_max: u64) -> Result<ScrubReport, StorageError> {
    let mut report = ScrubReport::default();
    let position = core.index.scrub_position().map_err(|error| failed(&error))?;
    let blobs = core.index.list(None, position, PAGE)?.blobs;
    let mut last = None;
    for info in &blobs {
        if report.bytes >= bytes_max {
            break;
        }
        last = Some(info.blob);
        report.blobs += 1;
        report.bytes += info.length;
        let verified = match core.index.row(info.blob)? {
            Some(row) => get::verify(core, info.blob, &row),
            None => continue,
        };
        match verified {
            // Deleted while it was read.
            Ok(()) | Err(StorageError::NotFound) => {}
            Err(error) => {
                tracing::error!(blob = ?info.blob, %error, "scrubbing found a damaged blob");
                core.suspects.add(info.blob);
                report.corrupt.push(info.blob);
            }
        }
    }
    let finished = blobs.len() < PAGE && last == blobs.last().map(|info| info.blob);
    if finished {
        report.round = Round::Finished;
    }
    let position = last.filter(|_| !finished);
    core.index.set_scrub_position(position).map_err(|error| failed(&error))?;
    core.scrub_progress.note(&report, position);
    Ok(report)
}
