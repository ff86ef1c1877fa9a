//! One run: a seed, from nothing to a verdict.

use crate::determinism;
use crate::faults::{DiskPace, Trouble};
use crate::invariants::Invariants;
use crate::liveness::{self, End};
use crate::mutants::Mutant;
use crate::world::Cluster;
use crate::world::gateway::reach;
use crate::world::plan::Scale;
use esker_env::{OneThread, SeededRandom};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A cluster is formed within this time.
const FORM_LIMIT: Duration = Duration::from_secs(60);
/// Clients go on for so long after the last fault, and have so long to end.
const CALM: Duration = Duration::from_secs(3);
const END_LIMIT: Duration = Duration::from_secs(15);
/// The look at the end takes no longer.
const AUDIT_LIMIT: Duration = Duration::from_secs(800);
/// Replicas agree within this time when nobody writes.
const AGREE_LIMIT: Duration = Duration::from_secs(10);

/// What panicked, in whichever task.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What is wrong, if anything is.
    pub verdict: Result<(), String>,
    /// Equal for equal runs.
    pub hash: u64,
    /// How much time passed in it.
    pub elapsed: Duration,
    /// How often operations ended how.
    pub counts: BTreeMap<&'static str, u64>,
    /// How large it was.
    pub scale: Scale,
    /// What happened.
    pub events: Vec<String>,
}

/// Runs a seed, with a mistake in the product if one is wanted.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Report {
    determinism::seed(seed);
    std::panic::set_hook(Box::new(|panic| {
        PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
    }));
    let random = SeededRandom::new(seed);
    let scale = Scale::draw(&random.fork());
    let pace = DiskPace::new(scale.disk_delay_max);
    let (delays, of_disks) = (random.fork(), pace.clone());
    let _one = OneThread::begin(move || of_disks.next(&delays));
    let mut run = Run {
        cluster: Cluster::start(seed, scale.clone(), mutant, &random.fork()),
        invariants: Invariants::default(),
    };
    let verdict = run.all(&random, pace);
    let cluster = &run.cluster;
    cluster.note(format_args!("verdict: {verdict:?}"));
    Report {
        seed,
        verdict,
        hash: cluster.trace.hash(),
        elapsed: cluster.elapsed(),
        counts: cluster.oracle.counts(),
        scale,
        events: cluster.trace.last(usize::MAX),
    }
}

struct Run {
    cluster: Cluster,
    invariants: Invariants,
}

impl Run {
    fn all(&mut self, random: &SeededRandom, pace: DiskPace) -> Result<(), String> {
        self.until(FORM_LIMIT, "the cluster is formed", Cluster::is_ready)?;
        let mut trouble = Trouble::new(random.fork(), pace, self.cluster.elapsed());
        let end = self.cluster.elapsed() + self.cluster.scale.trouble;
        while self.cluster.elapsed() < end {
            trouble.step(&mut self.cluster);
            self.step()?;
        }
        trouble.heal(&mut self.cluster);
        self.pass(CALM)?;
        self.cluster.end_clients();
        self.until(END_LIMIT, "all clients have ended", |cluster| cluster.oracle.open() == 0)?;
        let nanos = u64::try_from(self.cluster.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.cluster.oracle.close(nanos);
        self.audit()?;
        let agreed = |cluster: &Cluster| Invariants::default().end(cluster).is_ok();
        self.until(AGREE_LIMIT, "all machines have applied the same entries", agreed)?;
        self.invariants.end(&self.cluster)?;
        esker_checker::check(&self.cluster.oracle.history()).map_err(|error| error.to_string())
    }

    fn step(&mut self) -> Result<(), String> {
        self.cluster.step()?;
        if let Some(panic) = PANICS.lock().unwrap_or_else(PoisonError::into_inner).first() {
            return Err(format!("a panic: {panic}"));
        }
        self.invariants.step(&self.cluster)
    }

    fn pass(&mut self, time: Duration) -> Result<(), String> {
        let end = self.cluster.elapsed() + time;
        while self.cluster.elapsed() < end {
            self.step()?;
        }
        Ok(())
    }

    fn until(&mut self, limit: Duration, what: &str, holds: impl Fn(&Cluster) -> bool) -> Result<(), String> {
        let end = self.cluster.elapsed() + limit;
        while !holds(&self.cluster) {
            if self.cluster.elapsed() >= end {
                return Err(format!("it did not come to be within {} s that {what}", limit.as_secs()));
            }
            self.pass(Duration::from_millis(100))?;
        }
        Ok(())
    }

    /// Looks at the cluster from a machine of its own.
    fn audit(&mut self) -> Result<(), String> {
        let (gateway, oracle) = (self.cluster.gateways[0].clone(), self.cluster.oracle.clone());
        let (scale, time) = (self.cluster.scale.clone(), self.cluster.time.clone());
        let verdict = Rc::new(RefCell::new(None));
        let place = verdict.clone();
        self.cluster.aside("auditor", async move {
            let reach = reach(&gateway)?;
            let result = liveness::check(&reach, &End { oracle: &oracle, scale: &scale, time: &time }).await;
            *place.borrow_mut() = Some(result);
            std::future::pending().await
        });
        let end = self.cluster.elapsed() + AUDIT_LIMIT;
        while verdict.borrow().is_none() {
            if self.cluster.elapsed() >= end {
                return Err(format!("the look at the end took longer than {} s", AUDIT_LIMIT.as_secs()));
            }
            self.step()?;
        }
        let found = verdict.borrow_mut().take();
        found.unwrap_or(Ok(()))
    }
}
