//! What all scenarios use: the programs, a scratch directory, and how to start the one in the other.

use super::scale::Scale;
use crate::client::connection::{CallError, Connection};
use crate::client::sign::{ACCESS_KEY, Call, REGION, SECRET_KEY};
use crate::process::{Process, ProcessError, program};
use esker_env::{Disk, OsDisk};
use std::cell::Cell;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The port on which a subnet of 127.0.0.0/8 is claimed for a cluster.
const CLAIM_PORT: u16 = 9098;
const S3_PORT: u16 = 9000;
const CONSOLE_PORT: u16 = 9001;
const CLUSTER_PORT: u16 = 9100;

/// Why a scenario ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A request failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A disk failed.
    #[error(transparent)]
    Disk(#[from] esker_env::DiskError),
    /// A connection of a scenario's own failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What was measured is not what should be.
    #[error("{0}")]
    Wrong(String),
}

/// The programs and where they keep their data.
#[derive(Debug)]
pub struct Context {
    /// How much to do.
    pub scale: Scale,
    esker: PathBuf,
    floor: PathBuf,
    scratch: PathBuf,
    directories: Cell<u32>,
}

impl Context {
    /// Two programs and a directory for everything that they store.
    pub fn new(scale: Scale, esker: PathBuf, floor: PathBuf, scratch: PathBuf) -> Context {
        Context { scale, esker, floor, scratch, directories: Cell::new(0) }
    }

    /// A new directory on the disk that is measured.
    pub fn directory(&self) -> Result<PathBuf, RunError> {
        let number = self.directories.get();
        self.directories.set(number + 1);
        let dir = self.scratch.join(format!("run-{number}"));
        OsDisk.create_dir_all(&dir)?;
        Ok(dir)
    }

    /// A node alone, with nothing in it.
    pub fn esker(&self) -> Result<Process, RunError> {
        self.esker_in(self.directory()?)
    }

    /// A node alone, which goes on with what is in a directory.
    pub fn esker_in(&self, dir: PathBuf) -> Result<Process, RunError> {
        let mut command = self.server(&dir);
        command.args(["--address", "127.0.0.1:0", "--console-address", "127.0.0.1:0"]);
        Ok(Process::start(command, Some(dir))?)
    }

    /// The bare floor, with nothing in it.
    pub fn bare(&self) -> Result<Process, RunError> {
        let dir = self.directory()?;
        let mut command = program(&self.floor);
        command.arg("--data-dir").arg(&dir);
        Ok(Process::start(command, Some(dir))?)
    }

    /// Nodes that form a cluster on this machine. They are ready when this returns.
    pub fn cluster(&self, count: u8) -> Result<Vec<Process>, RunError> {
        let (subnet, _claim) = subnet()?;
        let address = |node: u8, port| format!("{}:{port}", Ipv4Addr::new(127, subnet[0], subnet[1], node));
        let peers: Vec<String> = (1..=count).map(|node| address(node, CLUSTER_PORT)).collect();
        let mut starts = Vec::new();
        for node in 1..=count {
            let dir = self.directory()?;
            let mut command = self.server(&dir);
            command.args([
                "--address",
                &address(node, S3_PORT),
                "--console-address",
                &address(node, CONSOLE_PORT),
            ]);
            command.args(["--cluster-address", &address(node, CLUSTER_PORT), "--peers", &peers.join(",")]);
            command.env("ESKER_CLUSTER_SECRET", "the secret of a measured cluster");
            // None is ready before all are there.
            starts.push(std::thread::spawn(move || Process::start(command, Some(dir))));
        }
        let started = starts.into_iter().map(|start| start.join().expect("starting does not panic"));
        Ok(started.collect::<Result<_, _>>()?)
    }

    fn server(&self, dir: &Path) -> Command {
        let mut command = program(&self.esker);
        command.arg("server").arg("--data-dir").arg(dir).args(["--region", REGION]);
        command.env("ESKER_ROOT_ACCESS_KEY", ACCESS_KEY).env("ESKER_ROOT_SECRET_KEY", SECRET_KEY);
        command
    }
}

/// Two bytes of a subnet of 127.0.0.0/8 that no other cluster of measurements uses, as long as the listener lives.
fn subnet() -> Result<([u8; 2], TcpListener), RunError> {
    for number in 1..=u16::MAX {
        let [high, low] = number.to_be_bytes();
        let subnet = [32 + high % 32, low];
        if let Ok(claim) = TcpListener::bind((Ipv4Addr::new(127, subnet[0], subnet[1], 254), CLAIM_PORT)) {
            return Ok((subnet, claim));
        }
    }
    Err(RunError::Wrong("no subnet of 127.0.0.0/8 is free".to_owned()))
}

/// The metrics of a node, as its console tells them.
pub(super) async fn metrics(process: &Process) -> Result<String, RunError> {
    let console = process.console().ok_or_else(|| RunError::Wrong("the node has no console".to_owned()))?;
    let reply = Connection::open(console).await?.call(&Call::get("/metrics"), &[200]).await?;
    Ok(String::from_utf8_lossy(&reply.body).into_owned())
}
