//! The load itself: threads with workers, and once a second a look at what they counted.

use super::load::{Collected, Lane, Load};
use super::site::Site;
use super::timer::Timer;
use super::worker::{Worker, Written};
use super::{Components, Event, Observer, RunError};
use crate::plan::spread;
use crate::record::Tally;
use crate::report::lines::{Line, Reason, Second};
use esker_env::SeededRandom;
use futures::future::join_all;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What the measured part was.
pub(super) struct Measured {
    pub(super) tally: Tally,
    pub(super) reason: Reason,
    pub(super) elapsed: Duration,
    pub(super) cpu: Duration,
    pub(super) never_begun: u64,
    pub(super) written: Vec<Written>,
}

const SECOND: Duration = Duration::from_secs(1);

/// Lets the load loose, and awaits its end.
pub(super) async fn measure(
    site: &Arc<Site>,
    components: &Components,
    observer: &mut dyn Observer,
    stop: &CancellationToken,
) -> Result<Measured, RunError> {
    let settings = &site.settings;
    let load = Arc::new(Load::new(site.clone(), stop));
    let lanes: Vec<Arc<Lane>> =
        (0..settings.threads).map(|index| Arc::new(Lane::new(settings, index))).collect();
    let (ended, mut written) = mpsc::unbounded_channel();
    for (index, lane) in lanes.iter().enumerate() {
        start(index, &load, lane, ended.clone())?;
    }
    drop(ended);

    let mut collector = Collector::new(&load, &lanes, components);
    let mut all = Vec::new();
    loop {
        let wait = collector.next_tick.saturating_sub(load.now());
        tokio::select! {
            more = written.recv() => match more {
                Some(more) => all.extend(more?),
                None => break,
            },
            () = tokio::time::sleep(wait) => collector.tick(observer),
        }
    }
    let interrupted = stop.is_cancelled();
    if interrupted {
        load.finish(Reason::Interrupted);
    }
    let (reason, end) = load.ended();
    let random = SeededRandom::new(spread(settings.seed));
    let never_begun = lanes.iter().map(|lane| lane.close(end, &random)).sum();
    Ok(collector.finish(observer, reason, end, never_begun, all))
}

/// Starts a thread with its share of the workers. It sends what they put, once, when they have ended.
fn start(
    index: usize,
    load: &Arc<Load>,
    lane: &Arc<Lane>,
    ended: mpsc::UnboundedSender<Result<Vec<Written>, RunError>>,
) -> Result<(), RunError> {
    let (load, lane) = (load.clone(), lane.clone());
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let worked =
            runtime.map_err(RunError::Thread).and_then(|runtime| runtime.block_on(crew(index, &load, &lane)));
        if worked.is_err() {
            load.over.cancel();
        }
        // Nobody listens any more only if another thread has failed.
        let _ = ended.send(worked);
    };
    thread::Builder::new().name(format!("load-{index}")).spawn(work).map(drop).map_err(RunError::Thread)
}

/// The workers of one thread.
async fn crew(index: usize, load: &Arc<Load>, lane: &Arc<Lane>) -> Result<Vec<Written>, RunError> {
    let settings = &load.site.settings;
    let mut workers = Vec::new();
    for number in (index..settings.concurrency).step_by(settings.threads) {
        let timer = Timer::new().map_err(RunError::Thread)?;
        workers.push(tokio::spawn(Worker::new(number, load, lane).run(timer)));
    }
    let mut written = Vec::new();
    for worker in join_all(workers).await {
        written.extend(worker.map_err(|error| RunError::Thread(error.into()))?);
    }
    Ok(written)
}

/// Puts together what the lanes counted.
struct Collector<'a> {
    load: &'a Load,
    lanes: &'a [Arc<Lane>],
    cpu_time: fn() -> Duration,
    warm_up: Duration,
    tally: Tally,
    last_reply: Duration,
    /// Processor time when the measured part began. `None`: it has not.
    cpu_begun: Option<Duration>,
    cpu_last: Duration,
    next_tick: Duration,
}

impl<'a> Collector<'a> {
    fn new(load: &'a Load, lanes: &'a [Arc<Lane>], components: &Components) -> Collector<'a> {
        let warm_up = load.site.settings.warm_up;
        Collector {
            load,
            lanes,
            cpu_time: components.cpu_time,
            warm_up,
            tally: Tally::default(),
            last_reply: warm_up,
            cpu_begun: None,
            cpu_last: Duration::ZERO,
            next_tick: warm_up,
        }
    }

    /// The warm-up is over, or another second.
    fn tick(&mut self, observer: &mut dyn Observer) {
        let cpu = (self.cpu_time)();
        if self.cpu_begun.is_none() {
            (self.cpu_begun, self.cpu_last) = (Some(cpu), cpu);
            observer.see(&Event::Measuring);
        } else {
            self.second(observer, cpu);
        }
        // A tick that comes late makes a longer stretch; none is made up for.
        while self.next_tick <= self.load.now() {
            self.next_tick += SECOND;
        }
    }

    fn second(&mut self, observer: &mut dyn Observer, cpu: Duration) {
        let mut tally = Tally::default();
        for lane in self.lanes {
            let Collected { tally: of_lane, last_reply } = lane.collect();
            tally.merge(&of_lane);
            self.last_reply = self.last_reply.max(last_reply);
        }
        let at = self.load.now().saturating_sub(self.warm_up);
        let line = Line::Second(Second::of(&tally, micros(at), micros(cpu.saturating_sub(self.cpu_last))));
        observer.see(&Event::Line(&line));
        self.cpu_last = cpu;
        self.tally.merge(&tally);
    }

    fn finish(
        mut self,
        observer: &mut dyn Observer,
        reason: Reason,
        end: Duration,
        never_begun: u64,
        written: Vec<Written>,
    ) -> Measured {
        let cpu = (self.cpu_time)();
        if let Some(begun) = self.cpu_begun {
            self.second(observer, cpu);
            let elapsed = self.last_reply.max(end).saturating_sub(self.warm_up);
            let cpu = cpu.saturating_sub(begun);
            return Measured { tally: self.tally, reason, elapsed, cpu, never_begun, written };
        }
        // It ended in the warm-up.
        let nothing = Duration::ZERO;
        Measured { tally: self.tally, reason, elapsed: nothing, cpu: nothing, never_begun: 0, written }
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
