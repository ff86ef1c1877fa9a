//! A cluster to develop with: `cargo xtask cluster`. Runs until Ctrl-C, and says how to reach it.
//!
//! The fixture is the tests': what a developer sees is what the scenarios run on.
#![allow(clippy::print_stdout, reason = "it talks to the terminal")]

use e2e::cluster::{Cluster, Options};
use e2e::server::{ACCESS_KEY, REGION, SECRET_KEY};
use std::path::PathBuf;

const USAGE: &str =
    "usage: cluster [--nodes N] [--zones A,B,…] [--data-dir DIR] [--namespaces] [-- SERVER ARGS]";

fn options() -> Result<Options, String> {
    let mut args = std::env::args().skip(1);
    let (mut nodes, mut zones, mut data, mut namespaces) = (3, String::new(), None, None);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"));
        match arg.as_str() {
            "--nodes" => nodes = value()?.parse().map_err(|_| format!("--nodes needs a number\n{USAGE}"))?,
            "--zones" => zones = value()?,
            "--data-dir" => data = Some(PathBuf::from(value()?)),
            "--namespaces" => namespaces = Some(()),
            "--" => break,
            other => return Err(format!("{other} is not known\n{USAGE}")),
        }
    }
    if !(1..=100).contains(&nodes) {
        return Err(format!("--nodes: 1 to 100\n{USAGE}"));
    }
    let rest: Vec<String> = args.collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let zones: Vec<&str> = zones.split(',').filter(|zone| !zone.is_empty()).collect();
    let options = Options::nodes(nodes).zones(&zones).args(&rest);
    let options = if namespaces.is_some() { options.namespaces() } else { options.fixed_addresses() };
    Ok(match data {
        Some(data) => options.data(data),
        None => options,
    })
}

fn tell(cluster: &Cluster) {
    for node in cluster.nodes() {
        println!(
            "{}: S3 {}  console http://{}  nodes {}  data {}",
            node.name(),
            node.endpoint(),
            node.console(),
            node.cluster_address(),
            node.data_dir().display(),
        );
    }
    let first = cluster.node(0);
    println!();
    println!("  export AWS_ACCESS_KEY_ID={ACCESS_KEY}");
    println!("  export AWS_SECRET_ACCESS_KEY={SECRET_KEY}");
    println!("  export AWS_DEFAULT_REGION={REGION}");
    println!("  export AWS_ENDPOINT_URL={}", first.endpoint());
    println!("  export ESKER_CLUSTER_SECRET={:?}", cluster.secret());
    println!("  esker admin status --endpoint {}", first.cluster_address());
    println!();
}

fn main() -> Result<(), String> {
    let options = options()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    // Waiting for the cluster must not keep Ctrl-C from ending it: children get the signal, too.
    let mut cluster = Cluster::launch(options)?;
    tell(&cluster);
    println!("Forming …");
    cluster.await_healthy();
    println!("Ready. Ctrl-C stops it.");
    runtime.block_on(tokio::signal::ctrl_c()).map_err(|error| error.to_string())?;
    println!("Stopping …");
    cluster.stop();
    Ok(())
}
