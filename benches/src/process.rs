//! The processes under measurement: the release binary and the bare floor, and what Linux knows about them.

use esker_env::{Disk, OsDisk};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a process may say nothing before it is ready.
const PATIENCE: Duration = Duration::from_secs(90);

/// Why a process can't be measured.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It can't be run, or Linux doesn't tell about it.
    #[error("{what}: {source}")]
    Io {
        /// The program or file.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It ended, or fell silent, before it was ready.
    #[error("{program} did not start; its output: {output}")]
    NotReady {
        /// The program.
        program: String,
        /// What it said.
        output: String,
    },
    /// A file in `/proc` doesn't look as it should.
    #[error("{0} has no such field")]
    Field(String),
    /// The scratch directory failed.
    #[error(transparent)]
    Disk(#[from] esker_env::DiskError),
}

/// A running server. Dropping it kills it and removes its directory.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Where it keeps its data; none if that is another's to remove.
    dir: Option<PathBuf>,
    s3: SocketAddr,
    console: Option<SocketAddr>,
}

impl Process {
    /// Runs a command that prints where it listens and then `Ready`. Its directory is removed with it.
    ///
    /// # Errors
    /// It can't be run, or ends before it is ready.
    pub fn start(mut command: Command, dir: Option<PathBuf>) -> Result<Process, ProcessError> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|source| io(&program, source))?;
        let lines = lines_of(child.stdout.take().expect("it is piped"));
        let (mut output, mut s3, mut console, mut ready) = (Vec::new(), None, None, false);
        // It ended if no line can come any more.
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            let address = |prefix: &str| line.strip_prefix(prefix).and_then(|rest| rest.parse().ok());
            s3 = s3.or(address("S3 listening on http://"));
            console = console.or(address("Console listening on http://"));
            ready = line == "Ready";
            output.push(line);
            if ready {
                break;
            }
        }
        match s3 {
            Some(s3) if ready => Ok(Process { child, dir, s3, console }),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                Err(ProcessError::NotReady { program, output: output.join("\n") })
            }
        }
    }

    /// Where it serves S3.
    pub fn s3(&self) -> SocketAddr {
        self.s3
    }

    /// Where it serves health and metrics.
    pub fn console(&self) -> Option<SocketAddr> {
        self.console
    }

    /// The processor time that it took so far, in user and in system mode.
    ///
    /// # Errors
    /// It ended.
    pub fn cpu(&self) -> Result<Duration, ProcessError> {
        let (name, text) = self.proc("stat")?;
        // The second field is the program's name in parentheses, and may hold anything.
        let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let field = |at| rest.split_whitespace().nth(at).and_then(|field: &str| field.parse::<u64>().ok());
        let ticks =
            field(11).zip(field(12)).map(|(user, system)| user + system).ok_or(ProcessError::Field(name))?;
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }

    /// The memory that it holds, in bytes.
    ///
    /// # Errors
    /// It ended.
    pub fn rss_bytes(&self) -> Result<u64, ProcessError> {
        self.status_bytes("VmRSS:")
    }

    /// The most memory that it ever held, in bytes.
    ///
    /// # Errors
    /// It ended.
    pub fn rss_peak_bytes(&self) -> Result<u64, ProcessError> {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, field: &str) -> Result<u64, ProcessError> {
        let (name, text) = self.proc("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kibibytes.map(|kibibytes| kibibytes * 1024).ok_or(ProcessError::Field(name))
    }

    fn proc(&self, file: &str) -> Result<(String, String), ProcessError> {
        let name = format!("/proc/{}/{file}", self.child.id());
        let text = std::fs::read_to_string(&name).map_err(|source| io(&name, source))?;
        Ok((name, text))
    }

    /// Asks it to drain and exit, and waits for that. Its directory stays, to be removed by whoever is given it.
    ///
    /// # Errors
    /// It can't be told, or not waited for.
    pub fn stop(mut self) -> Result<(ExitStatus, Option<PathBuf>), ProcessError> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).map_err(|errno| io("kill", errno.into()))?;
        }
        let status = self.child.wait().map_err(|source| io("wait", source))?;
        Ok((status, self.dir.take()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(dir) = &self.dir {
            // What stays is in the build's folder.
            let _ = OsDisk.remove_dir_all(dir);
        }
    }
}

/// What a process prints, line by line. It is read to its end whether or not anybody takes it, so that the process is never
/// held up.
fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
    });
    lines
}

fn io(what: impl Into<String>, source: std::io::Error) -> ProcessError {
    ProcessError::Io { what: what.into(), source }
}

/// The processor time of several processes together.
///
/// # Errors
/// One of them ended.
pub fn cpu_of(processes: &[&Process]) -> Result<Duration, ProcessError> {
    processes.iter().map(|process| process.cpu()).sum()
}

/// A program without the `ESKER_…` variables of this process.
pub fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ESKER_")) {
        command.env_remove(name);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = program(Path::new("sh"));
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_is_known_by_what_it_prints_and_by_what_linux_counts() {
        let script = "echo 'S3 listening on http://127.0.0.1:1234'; echo Ready; while :; do :; done";
        let process = Process::start(shell(script), None).unwrap();
        assert_eq!((process.s3().port(), process.console()), (1234, None));
        assert!(process.rss_bytes().unwrap() > 0 && process.rss_peak_bytes().unwrap() > 0);
        let before = process.cpu().unwrap();
        // It does nothing but use its core, so this ends.
        while process.cpu().unwrap() == before {
            std::thread::yield_now();
        }
        let (status, dir) = process.stop().unwrap();
        assert!(!status.success() && dir.is_none());
    }

    #[test]
    fn a_process_that_ends_before_it_is_ready_is_told_with_its_output() {
        let failed = Process::start(shell("echo oops"), None).unwrap_err();
        assert!(failed.to_string().ends_with("oops"), "{failed}");
    }
}
