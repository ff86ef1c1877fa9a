//! The images that the tests of containers run: made here, since no image registry need be reachable.
//!
//! A Debian image with HAProxy is fetched once and kept, by a tag that names all that it is made of. On top of it come the
//! base of Esker's image and the image itself, from the Dockerfiles that users build and the binary that was built before.

use crate::process::{TaskError, output, run, works};
use crate::workspace::Workspace;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes a Debian image, from the root.
const DEBIAN_IMAGE: &str = "deploy/docker/debian-image.sh";
/// What is in it beyond a minimal system.
const PACKAGES: [&str; 1] = ["haproxy"];
const BASE: &str = "deploy/docker/base.Dockerfile";
const IMAGE: &str = "deploy/docker/Dockerfile";
/// Everything that is made here is called so.
const REPOSITORY: &str = "esker-verify";

/// The images of a run. Those that are of no use to the next one are removed when this is dropped.
pub(crate) struct Images {
    /// With HAProxy.
    pub(crate) debian: String,
    base: String,
    /// Under test.
    pub(crate) esker: String,
}

/// Makes the images around a release binary.
///
/// [`TaskError::Missing`] without Docker, Compose, debootstrap, or the right to use them.
pub(crate) fn images(workspace: &Workspace, binary: &Path) -> Result<Images, TaskError> {
    tools()?;
    let images = Images {
        debian: debian(workspace)?,
        base: format!("{REPOSITORY}/base:{}", std::process::id()),
        esker: format!("{REPOSITORY}/esker:{}", std::process::id()),
    };
    let context = context(workspace, binary)?;
    build(workspace, BASE, &images.base, &["--build-arg", &format!("DEBIAN={}", images.debian)], &context)?;
    let args = ["--target", "binary", "--build-arg", &format!("BASE={}", images.base)];
    build(workspace, IMAGE, &images.esker, &args, &context)?;
    run(docker(&["images", "--filter", &format!("reference={REPOSITORY}/*")])
        .env("DOCKER_CLI_HINTS", "false"))?;
    Ok(images)
}

impl Drop for Images {
    fn drop(&mut self) {
        // One that was not made can't be removed, and that is all right.
        works("docker", &["image", "rm", "--force", &self.esker, &self.base]);
    }
}

fn tools() -> Result<(), TaskError> {
    let missing = |what: &str| Err(TaskError::Missing(what.to_owned()));
    if !works("docker", &["info"]) {
        return missing("no Docker daemon answers (the package docker.io)");
    }
    if !works("docker", &["compose", "version"]) && !works("docker-compose", &["version"]) {
        return missing("Docker has no Compose (the package docker-compose)");
    }
    Ok(())
}

/// The Debian image's name; it is made if there is none yet.
fn debian(workspace: &Workspace) -> Result<String, TaskError> {
    let suite = output(Command::new("sh").args(["-c", ". /etc/os-release && echo \"$VERSION_CODENAME\""]))?;
    let made_of = [workspace.read(DEBIAN_IMAGE)?.as_str(), suite.trim(), &PACKAGES.join(" ")].join("\n");
    let image = format!("{REPOSITORY}/debian:{}", &fingerprint(&made_of)[..16]);
    if works("docker", &["image", "inspect", &image]) {
        return Ok(image);
    }
    if !works("sh", &["-c", "command -v debootstrap"]) {
        return Err(TaskError::Missing("debootstrap is not installed".to_owned()));
    }
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err(TaskError::Missing("debootstrap needs root".to_owned()));
    }
    run(Command::new(workspace.root().join(DEBIAN_IMAGE)).arg(&image).args(PACKAGES))?;
    Ok(image)
}

/// A folder with what the Dockerfiles take: the binary, and an empty folder for data.
fn context(workspace: &Workspace, binary: &Path) -> Result<PathBuf, TaskError> {
    let context = workspace.target().join("container-context");
    let at = |source| TaskError::File { path: context.clone(), source };
    std::fs::create_dir_all(context.join("data")).map_err(at)?;
    let copied = context.join("esker");
    std::fs::copy(binary, &copied).map_err(|source| TaskError::File { path: binary.to_owned(), source })?;
    // Lines for debuggers are most of it, and no use where there is no debugger.
    run(Command::new("strip").arg("--strip-debug").arg(&copied))?;
    Ok(context)
}

fn build(
    workspace: &Workspace,
    dockerfile: &str,
    image: &str,
    args: &[&str],
    context: &Path,
) -> Result<(), TaskError> {
    let mut command = docker(&["build", "--quiet", "--tag", image]);
    run(command.arg("--file").arg(workspace.root().join(dockerfile)).args(args).arg(context))
}

fn docker(args: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(args);
    command
}

fn fingerprint(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
