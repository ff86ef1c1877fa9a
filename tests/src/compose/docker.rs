//! The command lines of Docker and Compose.

use crate::program::{Finished, run};
use std::process::Command;
use std::sync::OnceLock;

/// Runs `docker ARGS`.
pub fn docker(args: &[&str]) -> Finished {
    run(Command::new("docker").args(args))
}

/// Standard output of `docker ARGS`, which succeeds, without the spaces around it.
#[track_caller]
pub fn docker_ok(args: &[&str]) -> String {
    let finished = docker(args);
    assert_eq!(finished.code, Some(0), "docker {args:?}: {finished:?}");
    finished.stdout.trim().to_owned()
}

/// A Compose command: Docker's plugin, or the program of its own that it was before.
pub(super) fn compose() -> Command {
    static PLUGIN: OnceLock<bool> = OnceLock::new();
    let plugin = *PLUGIN.get_or_init(|| docker(&["compose", "version"]).code == Some(0));
    let mut command = Command::new(if plugin { "docker" } else { "docker-compose" });
    if plugin {
        command.arg("compose");
    }
    command
}

/// The image under test, which `cargo xtask verify` makes.
pub fn esker_image() -> String {
    image("ESKER_IMAGE")
}

/// An image with HAProxy.
pub(super) fn haproxy_image() -> String {
    image("HAPROXY_IMAGE")
}

fn image(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no image: run `cargo xtask verify --only containers`"))
}
