//! The containers of `deploy/compose`, as users start them: from a copy of the folder, with a `.env` beside it.
//!
//! Each test has a project of its own, so that it meets no container, network or volume of others.

mod container;
mod docker;
mod traffic;

pub use container::Container;
pub use docker::{docker, docker_ok, esker_image};
pub use traffic::{Noticed, Traffic};

use crate::cluster::Status;
use crate::program::{Finished, run};
use crate::server::{ACCESS_KEY, SECRET_KEY, scratch_dir};
use crate::serves::Serves;
use crate::wait::eventually;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// How long containers may take to start, to find one another, and to have everything everywhere.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The settings without which nothing starts.
pub const SECRETS: [&str; 3] = ["ESKER_ROOT_ACCESS_KEY", "ESKER_ROOT_SECRET_KEY", "ESKER_CLUSTER_SECRET"];

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const S3_PORT: u16 = 9000;
const CONSOLE_PORT: u16 = 9001;

/// The settings of a `.env`.
#[derive(Clone, Debug)]
pub struct Env(Vec<(&'static str, String)>);

impl Env {
    /// All that is needed to start one of the files; S3 is published on a port that Docker chooses.
    pub fn of(file: &str) -> Env {
        Env(vec![
            ("COMPOSE_FILE", file.to_owned()),
            ("ESKER_ROOT_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("ESKER_ROOT_SECRET_KEY", SECRET_KEY.to_owned()),
            ("ESKER_CLUSTER_SECRET", SECRET.to_owned()),
            ("ESKER_PUBLISH", "127.0.0.1:0".to_owned()),
            ("ESKER_PUBLISH_CONSOLE", "127.0.0.1:0".to_owned()),
            ("ESKER_IMAGE", docker::esker_image()),
            ("HAPROXY_IMAGE", docker::haproxy_image()),
        ])
    }

    /// Without a setting.
    pub fn without(mut self, name: &str) -> Env {
        self.0.retain(|(other, _)| *other != name);
        self
    }
}

/// A project of Compose. Dropping it removes its containers, networks and volumes.
pub struct Project {
    name: String,
    folder: TempDir,
}

impl Project {
    /// Prepares a project, and starts nothing.
    pub fn new(env: &Env) -> Project {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("eskertest{}n{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = scratch_dir();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/compose"), folder.path());
        let mut text = format!("COMPOSE_PROJECT_NAME={name}\n");
        for (name, value) in &env.0 {
            writeln!(text, "{name}={value}").expect("a string takes everything");
        }
        std::fs::write(folder.path().join(".env"), text).expect("the folder is ours");
        Project { name, folder }
    }

    /// Prepares a project and starts it.
    #[track_caller]
    pub fn start(env: &Env) -> Project {
        let project = Project::new(env);
        project.up();
        project
    }

    /// Runs Compose in the project's folder, as a user does.
    pub fn compose(&self, args: &[&str]) -> Finished {
        run(self.command().args(args))
    }

    fn command(&self) -> Command {
        let mut command = docker::compose();
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            // What is set here would win over `.env`.
            if text.starts_with("ESKER_") || text.starts_with("COMPOSE_") || text == "HAPROXY_IMAGE" {
                command.env_remove(&name);
            }
        }
        command.current_dir(self.folder.path());
        command
    }

    /// Runs Compose, which succeeds.
    #[track_caller]
    pub fn compose_ok(&self, args: &[&str]) -> String {
        let finished = self.compose(args);
        assert_eq!(finished.code, Some(0), "compose {args:?}: {finished:?}");
        finished.stdout
    }

    /// Makes and starts what is not there.
    #[track_caller]
    pub fn up(&self) {
        self.compose_ok(&["up", "-d"]);
    }

    /// Stops and removes all containers and networks. Volumes stay.
    #[track_caller]
    pub fn down(&self) {
        self.compose_ok(&["down"]);
    }

    /// Removes the container of a service and makes a new one, as an upgrade does.
    #[track_caller]
    pub fn recreate(&self, service: &str) {
        self.compose_ok(&["up", "-d", "--no-deps", "--force-recreate", service]);
    }

    /// The container of a service, if there is one, whether it runs or not.
    pub fn find(&self, service: &str) -> Option<Container> {
        let (project, service) = (self.label("project", &self.name), self.label("service", service));
        let found =
            docker_ok(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &project, "--filter", &service]);
        (!found.is_empty()).then_some(Container { id: found })
    }

    /// The container of a service.
    #[track_caller]
    pub fn container(&self, service: &str) -> Container {
        self.find(service).unwrap_or_else(|| panic!("{service} has no container"))
    }

    /// A network, by its name in the file.
    pub fn network(&self, name: &str) -> String {
        format!("{}_{name}", self.name)
    }

    /// Where a service's S3 is published on this machine.
    #[track_caller]
    pub fn published(&self, service: &str) -> Published {
        let container = self.container(service);
        let port = |port: u16| {
            let told = docker(&["port", &container.id, &port.to_string()]).stdout;
            told.lines().next().and_then(|line| line.parse::<SocketAddr>().ok())
        };
        let s3 = port(S3_PORT).unwrap_or_else(|| panic!("{service} publishes no S3: {}", container.logs()));
        Published { s3, console: port(CONSOLE_PORT) }
    }

    /// Where a node serves S3 in the network of clients.
    #[track_caller]
    pub fn s3_of(&self, node: &str) -> SocketAddr {
        (self.container(node).address(&self.network("clients")), S3_PORT).into()
    }

    /// The state of the cluster as a node tells it.
    pub fn status(&self, node: &str) -> Result<Status, String> {
        let told = self.container(node).exec(&["/usr/bin/esker", "admin", "status", "--json"]);
        match told.code {
            Some(0) => Status::parse(&told.stdout),
            code => Err(format!("esker admin status: {code:?}: {}", told.stderr.trim())),
        }
    }

    /// Awaits that each of these nodes knows as many active nodes as these, that nothing needs attention, and that
    /// everything is where it belongs.
    #[track_caller]
    pub fn await_whole(&self, nodes: &[&str]) {
        for node in nodes {
            let whole = eventually(&format!("{node} sees a whole cluster"), PATIENCE, || {
                let status = self.status(node)?;
                let active = status.nodes().iter().filter(|node| node.state == "active").count();
                let owed = ["moving", "under_replicated", "repairs"].map(|name| status.data(name));
                match status.healthy() && active == nodes.len() && owed == [Some(0); 3] {
                    true => Ok(()),
                    false => Err(format!("{active} active; owed {owed:?}; {:?}", status.problems())),
                }
            });
            whole.unwrap_or_else(|why| panic!("{why}\n{}", self.container(node).logs()));
        }
    }

    /// The service of the node that leads the metadata group, as one of these says.
    #[track_caller]
    pub fn leader(&self, nodes: &[&str]) -> String {
        let leader = eventually("there is a leader", PATIENCE, || {
            let address = nodes.iter().find_map(|node| self.status(node).ok()?.leader(0));
            let address = address.ok_or("nobody knows of one")?;
            let name = address.split('.').next().unwrap_or_default().to_owned();
            nodes.contains(&name.as_str()).then_some(name).ok_or(format!("{address} is another"))
        });
        leader.unwrap_or_else(|why| panic!("{why}"))
    }

    fn label(&self, name: &str, value: &str) -> String {
        format!("label=com.docker.compose.{name}={value}")
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show(&self.compose(&["logs", "--tail", "60"]));
        }
        let mut down = self.command();
        for secret in SECRETS {
            // A file that lacks one can't be read, not even to remove what was made.
            down.env(secret, "unused");
        }
        down.args(["--profile", "node4", "down", "--volumes", "--remove-orphans", "--timeout", "2"]);
        let removed = run(&mut down);
        if removed.code != Some(0) {
            show(&removed);
        }
    }
}

#[allow(clippy::print_stderr, reason = "the test runner shows it with the failed test")]
fn show(finished: &Finished) {
    eprintln!("{}{}", finished.stdout, finished.stderr);
}

/// Where something is published on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    s3: SocketAddr,
    console: Option<SocketAddr>,
}

impl Serves for Published {
    fn s3(&self) -> SocketAddr {
        self.s3
    }

    fn console(&self) -> SocketAddr {
        self.console.expect("its console is published")
    }
}

/// Copies a folder of files and folders; what git ignores there, a developer's own `.env`, stays.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the folder is in the repository") {
        let entry = entry.expect("an entry");
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            std::fs::create_dir_all(&copied).expect("the folder is ours");
            copy(&path, &copied);
        } else if entry.file_name() != ".env" {
            std::fs::copy(&path, &copied).expect("the folder is ours");
        }
    }
}
