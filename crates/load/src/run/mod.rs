//! A run: prepare, load, read again, clear up. Whatever happens in between, clearing up is tried.

mod cleanup;
mod load;
mod measure;
mod prepare;
mod read_back;
mod settings;
mod site;
mod steps;
mod timer;
mod worker;

pub use settings::{Contradiction, Credentials, Keep, Settings, Verify};

use crate::plan::{Content, KeySpace};
use crate::record::Failure;
use crate::report::lines::{Cleanup, Client, End, EndOf, FORMAT, Header, Line, Machine};
use esker_env::{Clock, Random};
use esker_s3::times::format_iso8601;
use measure::{Measured, measure, micros};
use site::Site;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a run is given by its surroundings.
#[derive(Clone)]
pub struct Components {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Names the run's bucket and prefix.
    pub random: Arc<dyn Random>,
    /// Processor time that this process has used.
    pub cpu_time: fn() -> Duration,
    /// The version of the tool.
    pub version: &'static str,
}

/// Sees how a run goes on.
pub trait Observer: Send {
    /// Something happened. It is called on the thread that collects, so it must not wait for long.
    fn see(&mut self, event: &Event<'_>);
}

/// What an observer sees.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Event<'a> {
    /// Objects are being put for the load to work on.
    Prepared { done: u64, total: u64 },
    /// The load begins, with the part that is not counted.
    WarmingUp,
    /// The measured part begins.
    Measuring,
    /// A line of the report.
    Line(&'a Line),
    /// Some of what was put is being read again.
    ReadingBack,
    /// Clearing up: so much is removed.
    Removed(u64),
}

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// What was asked for makes no sense.
    #[error(transparent)]
    Settings(#[from] Contradiction),
    /// Something failed before the load.
    #[error("{what}: {failure}")]
    Setup {
        /// What was done.
        what: String,
        /// How it failed.
        failure: Failure,
    },
    /// The bucket that was named keeps no versions.
    #[error("the bucket {0} does not keep versions, and this load needs them")]
    Unversioned(String),
    /// The objects to prepare are too much.
    #[error("the objects to work on have {bytes} bytes, more than the {max} that this run may put")]
    TooMuch {
        /// Their payload.
        bytes: u64,
        /// What is allowed.
        max: u64,
    },
    /// A thread or its runtime could not be had.
    #[error("a thread of the load: {0}")]
    Thread(io::Error),
    /// It was stopped before anything was measured.
    #[error("stopped before anything was measured")]
    Stopped,
    /// It failed, and left something behind.
    #[error("{error}; and it left behind: {left}")]
    LeftBehind {
        /// Why it failed.
        error: Box<RunError>,
        /// What is left.
        left: String,
    },
}

/// Runs a load. `stop` ends it early, with a report, and with clearing up; `abandon` ends clearing up too.
///
/// Lines of the report reach the observer as they come. Runs on a runtime with IO and time, beside threads of its own.
///
/// # Errors
/// If nothing could be measured. A load that was measured and failed in part is told in its last line.
pub async fn run(
    settings: Settings,
    components: &Components,
    observer: &mut dyn Observer,
    stop: &CancellationToken,
    abandon: &CancellationToken,
) -> Result<End, RunError> {
    settings.check()?;
    let id = hex::encode(components.random.u64().to_be_bytes());
    let bucket = settings.bucket.clone().unwrap_or_else(|| format!("esker-bench-{id}"));
    let site = Arc::new(Site {
        keys: KeySpace::new(&format!("esker-bench/{id}/")),
        content: Content::new(settings.seed),
        clock: components.clock.clone(),
        bucket,
        settings,
    });
    let mut owner = None;
    let worked = work(&site, components, observer, stop, &mut owner).await;
    let cleanup = match site.settings.keep {
        Keep::Everything => Cleanup { removed: 0, left: None },
        Keep::Nothing => tokio::select! {
            cleanup = cleanup::clean_up(&site, owner, observer) => cleanup,
            () = abandon.cancelled() => {
                let left = format!("bucket {}, prefix {}: abandoned", site.bucket, site.keys.prefix());
                Cleanup { removed: 0, left: Some(left) }
            }
        },
    };
    match worked {
        Ok(end) => {
            let line = Line::End(Box::new(End { cleanup, ..end }));
            observer.see(&Event::Line(&line));
            let Line::End(end) = line else { unreachable!("it was made above") };
            Ok(*end)
        }
        Err(error) => Err(match cleanup.left {
            Some(left) => RunError::LeftBehind { error: Box::new(error), left },
            None => error,
        }),
    }
}

/// All but clearing up.
async fn work(
    site: &Arc<Site>,
    components: &Components,
    observer: &mut dyn Observer,
    stop: &CancellationToken,
    owner: &mut Option<prepare::Owner>,
) -> Result<End, RunError> {
    let started = components.clock.now();
    let mut connection = site.connection(0);
    *owner = Some(prepare::bucket(&site.settings, &site.bucket, &mut connection).await?);
    prepare::objects(site, observer, stop).await?;
    if stop.is_cancelled() {
        return Err(RunError::Stopped);
    }
    observer.see(&Event::Line(&Line::Header(header(site, components, &format_iso8601(started)))));
    observer.see(&Event::WarmingUp);
    let measured = measure(site, components, observer, stop).await?;
    let read_back = match site.settings.verify {
        Verify::Everything if !measured.written.is_empty() && !stop.is_cancelled() => {
            observer.see(&Event::ReadingBack);
            Some(read_back::read_back(site, &measured.written, stop).await)
        }
        _ => None,
    };
    let requests = measured.tally.requests();
    let Measured { tally, reason, elapsed, cpu, never_begun, written: _ } = measured;
    let per_request = if requests == 0 { 0.0 } else { micros(cpu) as f64 / requests as f64 };
    Ok(End {
        reason,
        elapsed_us: micros(elapsed),
        kinds: tally.kinds().map(|(kind, of)| (kind, EndOf::of(of))).collect(),
        client: Client { cpu_us: micros(cpu), cpu_us_per_request: (per_request * 10.0).round() / 10.0 },
        never_begun,
        read_back,
        cleanup: Cleanup { removed: 0, left: None },
    })
}

fn header(site: &Site, components: &Components, started: &str) -> Header {
    let system = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    Header {
        format: FORMAT,
        version: components.version.to_owned(),
        started: started.to_owned(),
        workload: site.settings.workload.to_string(),
        endpoints: site.settings.endpoints.iter().map(ToString::to_string).collect(),
        settings: site.settings.shown(),
        machine: Machine {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            kernel: format!("{} {}", text(system.sysname()), text(system.release())),
        },
    }
}
