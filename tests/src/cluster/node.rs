//! One node of a cluster: its process, its directory, its addresses.

use crate::http;
use crate::output::Output;
use crate::server::{binary, clean_environment};
use crate::serves::Serves;
use crate::wait::eventually;
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

const S3_PORT: u16 = 9000;
const CONSOLE_PORT: u16 = 9001;
const CLUSTER_PORT: u16 = 9100;
/// How long a node may take to exit once it was told to.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// How long a node may take to say whether it is ready.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);
/// Shifts the wall clock of a node.
const CLOCK_OFFSET: &str = "ESKER_TEST_CLOCK_OFFSET_SECONDS";
/// How many of a node's last lines a failed test shows.
const LINES_SHOWN: usize = 40;

/// Who is told how to reach a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Clients alone: the node is told no address for other nodes.
    ByClients,
    /// Other nodes, too.
    ByOthers,
}

/// A node, whether it runs or not. Dropping it kills it.
pub struct Node {
    name: String,
    ip: Ipv4Addr,
    data_dir: PathBuf,
    namespace: Option<String>,
    reach: Reach,
    belongs: Vec<String>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    child: Option<Child>,
    output: Output,
    /// What its earlier processes printed.
    history: Vec<String>,
}

impl Node {
    pub(super) fn new(name: &str, ip: Ipv4Addr, root: &Path) -> Node {
        Node {
            name: name.to_owned(),
            ip,
            data_dir: root.join(name),
            namespace: None,
            reach: Reach::ByOthers,
            belongs: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            child: None,
            output: Output::default(),
            history: Vec::new(),
        }
    }

    pub(super) fn set_namespace(&mut self, namespace: Option<String>) {
        self.namespace = namespace;
    }

    pub(super) fn add_args(&mut self, args: &[String]) {
        self.args.extend_from_slice(args);
    }

    /// From its next start on, who can reach it.
    pub fn set_reach(&mut self, reach: Reach) {
        self.reach = reach;
    }

    /// From its next start on, where the node belongs: `--peers …`, `--join …`, `--await-join`.
    pub fn set_belongs(&mut self, belongs: &[&str]) {
        self.belongs = belongs.iter().map(|arg| (*arg).to_owned()).collect();
    }

    /// Sets an environment variable from its next start on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.retain(|(other, _)| other != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// From its next start on, its clock is wrong by so many seconds.
    pub fn set_clock_offset(&mut self, seconds: i64) {
        self.set_env(CLOCK_OFFSET, &seconds.to_string());
    }

    /// `node-1`, `node-2`, …
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Address of the S3 listener.
    pub fn s3(&self) -> SocketAddr {
        (self.ip, S3_PORT).into()
    }

    /// Address of the console.
    pub fn console(&self) -> SocketAddr {
        (self.ip, CONSOLE_PORT).into()
    }

    /// `http://host:port` of the S3 listener.
    pub fn endpoint(&self) -> String {
        Serves::endpoint(self)
    }

    /// Where other nodes reach it.
    pub fn cluster_address(&self) -> String {
        Node::cluster_address_of(self.ip)
    }

    pub(super) fn cluster_address_of(ip: Ipv4Addr) -> String {
        format!("{ip}:{CLUSTER_PORT}")
    }

    /// Starts its process, and awaits nothing.
    ///
    /// # Panics
    /// If it runs already, or the binary can't be run.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let mut command = match &self.namespace {
            None => Command::new(binary()),
            // `ip` gives its place to the binary, so its process is the node's.
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(binary());
                command
            }
        };
        clean_environment(&mut command);
        command.arg("server").arg("--data-dir").arg(&self.data_dir);
        for (flag, port) in [("--address", S3_PORT), ("--console-address", CONSOLE_PORT)] {
            command.arg(flag).arg(format!("{}:{port}", self.ip));
        }
        if self.reach == Reach::ByOthers {
            command.arg("--cluster-address").arg(self.cluster_address());
        }
        command.args(&self.belongs).args(&self.args);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be run");
        self.history.extend(std::mem::take(&mut self.output).lines());
        self.output.collect(child.stdout.take().expect("piped"));
        self.output.collect(child.stderr.take().expect("piped"));
        self.child = Some(child);
    }

    /// Ends its process as a power cut of the process would: no handler runs.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            child.wait().expect("it was not waited for yet");
            self.output.await_end(STOP_PATIENCE);
        }
    }

    /// Asks it to drain and exit, and awaits it.
    ///
    /// # Panics
    /// If it doesn't run, or does not exit in time.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.await_exit(STOP_PATIENCE)
    }

    /// Asks it to drain and exit.
    pub fn terminate(&self) {
        // One that ended by itself needs not be asked.
        if self.failed_start().is_ok() {
            self.signal(Signal::TERM);
        }
    }

    /// Awaits that it exits by itself.
    ///
    /// # Panics
    /// If it doesn't run, or does not exit in time.
    pub fn await_exit(&mut self, patience: Duration) -> ExitStatus {
        assert!(self.output.await_end(patience), "{} goes on after {patience:?}\n{}", self.name, self.logs());
        let mut child = self.child.take().expect("it runs");
        child.wait().expect("it was not waited for yet")
    }

    /// Stops it in its tracks: its connections stay open, and nobody answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// The id of its process.
    ///
    /// # Panics
    /// If it doesn't run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("process ids fit an i32");
        kill_process(Pid::from_raw(pid).expect("a process id is not 0"), signal).expect("it runs");
    }

    /// Kills it, if it runs, and starts it again in the same directory. Awaits nothing.
    pub fn restart(&mut self) {
        self.kill9();
        self.start();
    }

    /// Deletes its directory.
    ///
    /// # Panics
    /// If it runs.
    pub fn wipe(&mut self) {
        assert!(self.child.is_none(), "{} runs in the directory that is to be deleted", self.name);
        match std::fs::remove_dir_all(&self.data_dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", self.name),
            _ => {}
        }
    }

    /// Whether it was started and not killed. A process that ended by itself counts as running.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Whether its process ended by itself.
    pub fn has_ended(&self) -> bool {
        self.failed_start().is_err()
    }

    /// All that it printed since the fixture was made, standard output and error together.
    pub fn logs(&self) -> String {
        [self.history.clone(), self.output.lines()].concat().join("\n")
    }

    /// What it printed since it was last started.
    pub fn lines(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Whether it says that it is ready; if not, why.
    pub fn ready(&self) -> Result<(), String> {
        let request = b"GET /health/ready HTTP/1.1\r\nhost: console\r\nconnection: close\r\n\r\n";
        let response = http::try_exchange(self.console(), request, PROBE_PATIENCE);
        match response {
            Ok(response) if response.status == 200 => Ok(()),
            Ok(response) => Err(format!("{} says {}: {}", self.name, response.status, response.text())),
            Err(error) => Err(format!("{} does not answer: {error}", self.name)),
        }
    }

    /// Awaits that it has printed a line that contains this, since it was last started.
    #[track_caller]
    pub fn await_line(&self, text: &str, patience: Duration) -> String {
        let found = eventually(&format!("{} says {text:?}", self.name), patience, || {
            let line = self.lines().into_iter().find(|line| line.contains(text));
            line.ok_or_else(|| "not yet".to_owned())
        });
        found.unwrap_or_else(|why| panic!("{why}\n{}", self.logs()))
    }

    /// An error if its process ended by itself, with what it printed.
    pub(super) fn failed_start(&self) -> Result<(), String> {
        match self.output.await_end(Duration::ZERO) && self.child.is_some() {
            true => Err(format!("{} ended\n{}", self.name, self.lines().join("\n"))),
            false => Ok(()),
        }
    }

    /// Awaits that it is ready.
    #[track_caller]
    pub fn await_ready(&self, patience: Duration) {
        let ready = eventually(&format!("{} is ready", self.name), patience, || {
            if let Err(ended) = self.failed_start() {
                panic!("{ended}");
            }
            self.ready()
        });
        ready.unwrap_or_else(|why| panic!("{why}"));
    }
}

impl Serves for Node {
    fn s3(&self) -> SocketAddr {
        self.s3()
    }

    fn console(&self) -> SocketAddr {
        self.console()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let lines = self.output.lines();
            show(&self.name, &lines[lines.len().saturating_sub(LINES_SHOWN)..]);
        }
    }
}

#[allow(clippy::print_stderr, reason = "the test runner shows it with the failed test")]
fn show(name: &str, lines: &[String]) {
    eprintln!("--- the last lines of {name} ---\n{}", lines.join("\n"));
}
