//! The server under test: the release binary in a process of its own, on ports that the kernel chose.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::output::Output;
use crate::serves::Serves;

/// Access key of the root user of every server that a test starts, unless the test says otherwise.
pub const ACCESS_KEY: &str = "ESKERTESTACCESSKEY00";
/// Its secret key.
pub const SECRET_KEY: &str = "esker/test+secret/key0000000000000000000";
/// The region that servers have, unless the test says otherwise.
pub const REGION: &str = "us-east-1";

/// How long a server may take to recover and listen, or to drain and exit.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where root credentials come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `ACCESS_KEY` and `SECRET_KEY`, through the environment.
    Given,
    /// Nowhere: the server makes some up at its first start.
    Generated,
}

/// How to start a server.
#[derive(Clone)]
pub struct Options {
    /// Where root credentials come from.
    pub root: Root,
    /// Arguments after `esker server` and those that the fixture gives.
    pub args: Vec<String>,
    /// Further environment variables; every other `ESKER_…` variable is taken away.
    pub env: Vec<(String, String)>,
    s3_address: String,
}

impl Default for Options {
    fn default() -> Options {
        Options { root: Root::Given, args: Vec::new(), env: Vec::new(), s3_address: "127.0.0.1:0".to_owned() }
    }
}

impl Options {
    /// Adds arguments.
    pub fn args(mut self, args: &[&str]) -> Options {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Adds an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Options {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has the server make up its root credentials.
    pub fn generated_root(mut self) -> Options {
        self.root = Root::Generated;
        self
    }
}

/// A running server. Dropping it kills it; its data directory goes with the last holder.
pub struct Server {
    child: Child,
    output: Output,
    options: Options,
    data_dir: PathBuf,
    /// None if the directory outlives the server.
    data: Option<Arc<TempDir>>,
    s3: SocketAddr,
    console: SocketAddr,
}

impl Server {
    /// Starts a server on an empty data directory.
    pub fn start() -> Server {
        Server::start_with(Options::default())
    }

    /// Starts a server on an empty data directory.
    pub fn start_with(options: Options) -> Server {
        Server::start_on(&Arc::new(scratch_dir()), options).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// Starts a server on `data`. The error tells how it ended and what it printed.
    pub fn start_on(data: &Arc<TempDir>, options: Options) -> Result<Server, String> {
        Server::spawned(data.path(), Some(data.clone()), options)
    }

    /// Starts a server on a directory that outlives it. The error tells how it ended and what it printed.
    pub fn start_in(data_dir: &Path, options: Options) -> Result<Server, String> {
        Server::spawned(data_dir, None, options)
    }

    fn spawned(data_dir: &Path, data: Option<Arc<TempDir>>, options: Options) -> Result<Server, String> {
        let (mut child, output) = spawn(data_dir, &options);
        let address = |prefix: &str| -> Result<SocketAddr, String> {
            let url =
                output.await_line(prefix, PATIENCE).map_err(|why| format!("no line {prefix:?}: {why:?}"))?;
            url.trim_end_matches('/').parse().map_err(|_| format!("{prefix:?} is followed by {url:?}"))
        };
        let listening = address("S3 listening on http://").and_then(|s3| {
            let console = address("Console listening on http://")?;
            output.await_line("Ready", PATIENCE).map_err(|why| format!("no line \"Ready\": {why:?}"))?;
            Ok((s3, console))
        });
        match listening {
            Ok((s3, console)) => {
                Ok(Server { child, output, options, data_dir: data_dir.to_owned(), data, s3, console })
            }
            Err(failure) => {
                let _ = child.kill();
                let status = child.wait().map_err(|error| error.to_string())?;
                output.await_end(PATIENCE);
                Err(format!("esker server did not start: {failure}; {status}\n{}", output.lines().join("\n")))
            }
        }
    }

    /// A server that tests running at the same time share; it ends with the last of them.
    ///
    /// For scenarios that stay within buckets of their own.
    pub fn shared() -> Arc<Server> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Address of the S3 listener.
    pub fn s3(&self) -> SocketAddr {
        self.s3
    }

    /// Address of the console.
    pub fn console(&self) -> SocketAddr {
        self.console
    }

    /// `http://host:port` of the S3 listener.
    pub fn endpoint(&self) -> String {
        Serves::endpoint(self)
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The data directory, kept alive by the holder.
    ///
    /// # Panics
    /// If the server was started in a directory that outlives it.
    pub fn data(&self) -> Arc<TempDir> {
        self.data.clone().expect("the server has a directory of its own")
    }

    /// All that the server printed so far, standard output and error together.
    pub fn logs(&self) -> String {
        self.output.lines().join("\n")
    }

    /// Ends the server as a power cut of the process would: no handler runs.
    pub fn kill9(&mut self) {
        let _ = self.child.kill();
        self.child.wait().expect("the server was not waited for yet");
    }

    /// Asks the server to drain and exit, and awaits it.
    pub fn sigterm_and_wait(&mut self) -> ExitStatus {
        self.sigterm();
        self.wait()
    }

    /// Asks the server to drain and exit.
    pub fn sigterm(&self) {
        let pid = i32::try_from(self.child.id()).expect("process ids fit an i32");
        kill_process(Pid::from_raw(pid).expect("a process id is not 0"), Signal::TERM)
            .expect("the server runs");
    }

    /// Awaits the server's exit.
    pub fn wait(&mut self) -> ExitStatus {
        assert!(self.output.await_end(PATIENCE), "the server did not exit in {PATIENCE:?}\n{}", self.logs());
        self.child.wait().expect("the server was not waited for yet")
    }

    /// Starts a new process on the same data directory, with the same options, and on the same S3 port, so
    /// that clients go on as they would after a crash.
    pub fn restart(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.options.s3_address = self.s3.to_string();
        let next = Server::spawned(&self.data_dir, self.data.clone(), self.options.clone())
            .unwrap_or_else(|failure| panic!("{failure}"));
        *self = next;
    }

    /// Most memory that the process ever held, in bytes (`VmHWM`).
    pub fn rss_peak_bytes(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    /// Memory that the process holds, in bytes (`VmRSS`).
    pub fn rss_bytes(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    fn status_bytes(&self, field: &str) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a Linux /proc");
        let line =
            status.lines().find_map(|line| line.strip_prefix(field)).expect("the field of /proc/PID/status");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kibibytes * 1024
    }
}

impl Serves for Server {
    fn s3(&self) -> SocketAddr {
        self.s3
    }

    fn console(&self) -> SocketAddr {
        self.console
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.output.lines();
            let tail = &lines[lines.len().saturating_sub(40)..];
            eprint_tail(tail);
        }
    }
}

#[allow(clippy::print_stderr, reason = "the test runner shows it with the failed test")]
fn eprint_tail(tail: &[String]) {
    eprintln!("--- the server's last lines ---\n{}", tail.join("\n"));
}

fn spawn(data_dir: &Path, options: &Options) -> (Child, Output) {
    let mut command = esker();
    command.arg("server").arg("--data-dir").arg(data_dir);
    command.args(["--address", &options.s3_address, "--console-address", "127.0.0.1:0"]);
    if options.root == Root::Given {
        command.env("ESKER_ROOT_ACCESS_KEY", ACCESS_KEY).env("ESKER_ROOT_SECRET_KEY", SECRET_KEY);
    }
    command.args(&options.args).envs(options.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be run");
    let output = Output::default();
    output.collect(child.stdout.take().expect("piped"));
    output.collect(child.stderr.take().expect("piped"));
    (child, output)
}

/// A command that runs the binary under test without any `ESKER_…` variable of this process.
pub fn esker() -> Command {
    let mut command = Command::new(binary());
    clean_environment(&mut command);
    command
}

/// Keeps every `ESKER_…` variable of this process from a command.
pub(crate) fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ESKER_")) {
        command.env_remove(name);
    }
}

/// The binary under test: `ESKER_BIN`, or what was built last for release, or for development.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("ESKER_BIN") {
        return PathBuf::from(path);
    }
    let candidates = ["release/esker", "debug/esker"].map(|name| target_dir().join(name));
    let found = candidates.iter().find(|path| path.is_file());
    found.cloned().unwrap_or_else(|| {
        panic!("no esker binary in {}: run `cargo build --release -p esker` first", target_dir().display())
    })
}

/// Cargo's target directory.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
}

/// An empty directory on the disk that holds the build: `/tmp` may be memory, where nothing is ever synced.
pub fn scratch_dir() -> TempDir {
    let parent = target_dir().join("e2e-tmp");
    std::fs::create_dir_all(&parent).expect("the target directory is writable");
    TempDir::with_prefix_in("esker-", parent).expect("the target directory is writable")
}
