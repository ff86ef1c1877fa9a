//! `cargo xtask cluster`: a cluster of real processes on this machine, by the fixture of the end-to-end tests.

use crate::process::{TaskError, run, works};
use crate::workspace::Workspace;
use clap::Args;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// The namespace that tells whether this machine can have any.
const PROBE: &str = "esker-xtask-probe";

#[derive(Args)]
pub(crate) struct ClusterArgs {
    /// How many nodes
    #[arg(long, default_value_t = 3)]
    nodes: u8,
    /// Their zones, in turn
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    zones: Vec<String>,
    /// Keep the nodes' directories here; the next start goes on with them
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Give each node a network namespace, so that it can be cut off (needs root)
    #[arg(long)]
    namespaces: bool,
    /// Run the release build, which takes longer to make and less to run
    #[arg(long)]
    release: bool,
    /// Further arguments of every node's `esker server`
    #[arg(last = true)]
    server_args: Vec<String>,
}

/// Builds the binary and becomes the fixture, so that Ctrl-C ends it and nothing in between.
pub(crate) fn exec(workspace: &Workspace, args: &ClusterArgs) -> Result<(), TaskError> {
    if args.namespaces {
        namespaces()?;
    }
    let profile = if args.release { "release" } else { "dev" };
    run(&mut workspace.cargo(&["build", "--package", "esker", "--bin", "esker", "--profile", profile]))?;
    run(&mut workspace.cargo(&["build", "--package", "e2e", "--example", "cluster"]))?;
    let folder = if args.release { "release" } else { "debug" };
    let mut fixture = Command::new(workspace.target().join("debug/examples/cluster"));
    fixture.env("ESKER_BIN", workspace.target().join(folder).join("esker"));
    fixture.args(["--nodes", &args.nodes.to_string(), "--zones", &args.zones.join(",")]);
    if let Some(dir) = &args.data_dir {
        fixture.arg("--data-dir").arg(dir);
    }
    if args.namespaces {
        fixture.arg("--namespaces");
    }
    fixture.arg("--").args(&args.server_args);
    let source = fixture.exec();
    Err(TaskError::Spawn { program: "the fixture".to_owned(), source })
}

/// [`TaskError::Missing`] unless nodes can have network namespaces here, which partitions need.
pub(crate) fn namespaces() -> Result<(), TaskError> {
    for tool in ["ip", "iptables"] {
        if !works(tool, &["-V"]) {
            let what = format!("`{tool}` is not installed (the packages iproute2 and iptables)");
            return Err(TaskError::Missing(what));
        }
    }
    // One that a killed probe left is no hindrance.
    works("ip", &["netns", "delete", PROBE]);
    if !works("ip", &["netns", "add", PROBE]) {
        return Err(TaskError::Missing(
            "network namespaces can't be made: that needs root on Linux".to_owned(),
        ));
    }
    works("ip", &["netns", "delete", PROBE]);
    Ok(())
}
