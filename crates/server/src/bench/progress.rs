//! How a load goes on, told while it does: one line that changes on a terminal, plain lines elsewhere.

use super::lines::LineFile;
use esker_env::DiskError;
use esker_load::report::{Line, Second, bytes_per_second, duration, number};
use esker_load::run::{Event, Observer, Settings};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, Write as _};

/// Tells how a load goes on, and writes its report.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    file: Option<LineFile>,
    /// What went wrong with the file; the load goes on.
    failure: Option<DiskError>,
    begin: String,
    /// The end of the last second, in microseconds.
    before: u64,
    told: u64,
}

/// Of many small steps, how many are passed over on a plain output.
const STEPS: u64 = 5_000;

impl Progress {
    pub(super) fn new(settings: &Settings, file: Option<LineFile>) -> Progress {
        let endpoints: Vec<String> = settings.endpoints.iter().map(ToString::to_string).collect();
        let begin = format!(
            "{} at {}: {} connections, {}, {:?} after {:?} of warming up",
            settings.workload,
            endpoints.join(", "),
            settings.concurrency,
            settings.pace,
            settings.duration,
            settings.warm_up
        );
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or(ProgressStyle::default_spinner()));
            bar
        });
        Progress { bar, file, failure: None, begin, before: 0, told: 0 }
    }

    /// The error that the report's file met, if any.
    pub(super) fn finish(&mut self) -> Result<(), DiskError> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn tell(&self, text: String) {
        match &self.bar {
            Some(bar) => bar.set_message(text),
            // If nobody reads it, nobody misses it.
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    /// Tells of one of many small steps now and then.
    fn step(&mut self, count: u64, text: impl FnOnce() -> String) {
        if self.bar.is_some() || count >= self.told + STEPS {
            self.told = count;
            self.tell(text());
        }
    }

    fn second(&mut self, second: &Second) {
        let stretch = second.at_us.saturating_sub(self.before).max(1) as f64 / 1e6;
        // The last stretch, until the last reply, may be too short to tell a rate.
        if stretch < 0.5 && self.before > 0 {
            return;
        }
        self.before = second.at_us;
        let mut text = format!("{:>4.0} s", second.at_us as f64 / 1e6);
        for (kind, of) in &second.kinds {
            text.push_str(&format!(
                "  {kind} {}/s {} p50 {} p99 {}",
                number(of.done as f64 / stretch),
                bytes_per_second(of.bytes as f64 / stretch),
                duration(of.p50_us as f64),
                duration(of.p99_us as f64)
            ));
            if of.failed > 0 {
                text.push_str(&format!(" {} failed", of.failed));
            }
        }
        self.tell(text);
    }
}

impl Observer for Progress {
    fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Prepared { done, total } => {
                self.step(*done, || format!("putting objects to work on: {done} of {total}"));
            }
            Event::WarmingUp => self.tell(self.begin.clone()),
            Event::Measuring => self.told = 0,
            Event::ReadingBack => self.tell("reading again what was put".to_owned()),
            Event::Removed(count) => self.step(*count, || format!("clearing up: {count} removed")),
            Event::Line(line) => {
                if let Line::Second(second) = line {
                    self.second(second);
                }
                if let Some(file) = &mut self.file
                    && self.failure.is_none()
                {
                    self.failure = file.write(line).err();
                }
            }
        }
    }
}
