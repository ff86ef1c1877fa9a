//! What a child process prints, collected line by line, so that a test can await a line instead of sleeping.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The lines of one or more streams of a child process, in the order in which they came.
#[derive(Clone, Default)]
pub struct Output {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    open_streams: usize,
}

/// Why awaiting a line ended without it.
#[derive(Debug)]
pub enum NoLine {
    /// The streams ended, so the process did.
    Ended,
    /// The deadline passed.
    TimedOut,
}

impl Output {
    /// Starts to collect `stream` on a thread of its own, which ends with the stream.
    pub fn collect(&self, stream: impl Read + Send + 'static) {
        self.state().open_streams += 1;
        let output = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                output.change(|state| state.lines.push(text));
                line.clear();
            }
            output.change(|state| state.open_streams -= 1);
        });
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.state().lines.clone()
    }

    /// What follows `prefix` in the first line that starts so, awaited for up to `patience`.
    pub fn await_line(&self, prefix: &str, patience: Duration) -> Result<String, NoLine> {
        self.await_match(patience, |line| line.strip_prefix(prefix).map(str::to_owned))
    }

    /// The first line that contains `text`, awaited for up to `patience`.
    pub fn await_text(&self, text: &str, patience: Duration) -> Result<String, NoLine> {
        self.await_match(patience, |line| line.contains(text).then(|| line.to_owned()))
    }

    fn await_match(
        &self,
        patience: Duration,
        matches: impl Fn(&str) -> Option<String>,
    ) -> Result<String, NoLine> {
        let deadline = Instant::now() + patience;
        let mut state = self.state();
        loop {
            if let Some(found) = state.lines.iter().find_map(|line| matches(line)) {
                return Ok(found);
            }
            if state.open_streams == 0 {
                return Err(NoLine::Ended);
            }
            state = self.wait(state, deadline).ok_or(NoLine::TimedOut)?;
        }
    }

    /// Awaits the end of every stream, which a process closes when it exits. False if `patience` ran out.
    pub fn await_end(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.state();
        while state.open_streams > 0 {
            match self.wait(state, deadline) {
                Some(changed) => state = changed,
                None => return false,
            }
        }
        true
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>, deadline: Instant) -> Option<MutexGuard<'a, State>> {
        let left = deadline.checked_duration_since(Instant::now())?;
        let (state, _) = self.shared.1.wait_timeout(state, left).expect("a collector panicked");
        Some(state)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("a collector panicked")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.shared.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_the_end_is_noticed() {
        let output = Output::default();
        output.collect(&b"one\nReady on 5\nlast"[..]);
        let patience = Duration::from_secs(10);
        assert_eq!(output.await_line("Ready on ", patience).expect("the line"), "5");
        assert_eq!(output.await_text("on 5", patience).expect("the line"), "Ready on 5");
        assert!(output.await_end(patience));
        assert!(matches!(output.await_line("absent", patience), Err(NoLine::Ended)));
        assert_eq!(output.lines(), ["one", "Ready on 5", "last"]);
    }
}
