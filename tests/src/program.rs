//! Programs of other people's making, run against a server: Python scripts with boto3, and the AWS CLI.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::server::{ACCESS_KEY, REGION, SECRET_KEY, Server, target_dir};
use crate::serves::Serves;

/// What a program did.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Standard output of a program that succeeded.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Standard error of a program that failed.
    #[track_caller]
    pub fn failure(self) -> String {
        assert_ne!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stderr
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Finished {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{shown}: {error}"));
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `tests/python/SCRIPT` with boto3 against `server`, with `args` after its own.
pub fn python(server: &impl Serves, script: &str, args: &[&str]) -> Finished {
    run(&mut python_command(server, script, args))
}

/// The command that [`python`] runs.
pub(crate) fn python_command(server: &impl Serves, script: &str, args: &[&str]) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    let mut command = Command::new(venv_program("python"));
    // The scripts import each other's helpers; byte code of them must not appear in the repository.
    command.arg("-B").arg(path).args(args);
    aws_environment(&mut command, server);
    command
}

/// An AWS CLI that talks to one server, in a home directory of its own.
pub struct AwsCli<'a> {
    server: &'a Server,
    home: tempfile::TempDir,
    region: String,
}

impl<'a> AwsCli<'a> {
    /// For `server`, in the default region.
    pub fn new(server: &'a Server) -> AwsCli<'a> {
        let cli = AwsCli { server, home: crate::server::scratch_dir(), region: REGION.to_owned() };
        // Version 1 of the CLI still presigns with signature version 2 unless it is told otherwise.
        cli.write("aws-config", b"[default]\ns3 =\n    signature_version = s3v4\n");
        cli
    }

    /// For `server`, in `region`.
    pub fn in_region(server: &'a Server, region: &str) -> AwsCli<'a> {
        AwsCli { region: region.to_owned(), ..AwsCli::new(server) }
    }

    /// The directory in which commands run.
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file in that directory.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.dir().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a parent")).expect("the directory is ours");
        std::fs::write(path, bytes).expect("the directory is ours");
    }

    /// Reads a file in that directory.
    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs `aws ARGS`.
    pub fn run(&self, args: &[&str]) -> Finished {
        let mut command = Command::new(venv_program("aws"));
        command.args(args).current_dir(self.dir());
        aws_environment(&mut command, self.server);
        command.env("HOME", self.dir()).env("AWS_CONFIG_FILE", self.dir().join("aws-config"));
        run(command.env("AWS_DEFAULT_REGION", &self.region).env("AWS_PAGER", ""))
    }

    /// Standard output of `aws ARGS`, which succeeds.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        self.run(args).success()
    }

    /// The JSON that `aws ARGS`, which succeeds, prints.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let text = self.ok(&[args, &["--output", "json"]].concat());
        if text.trim().is_empty() {
            return serde_json::Value::Null;
        }
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

fn aws_environment<'a>(command: &'a mut Command, server: &impl Serves) -> &'a mut Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ENDPOINT_URL", server.endpoint())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
}

fn venv_program(name: &str) -> PathBuf {
    let venv =
        std::env::var_os("ESKER_E2E_VENV").map_or_else(|| target_dir().join("e2e-venv"), PathBuf::from);
    let program = venv.join("bin").join(name);
    assert!(program.is_file(), "{} is missing: run `cargo xtask venv` first", program.display());
    program
}
