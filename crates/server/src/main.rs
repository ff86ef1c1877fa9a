//! The binary `esker`.

mod access;
mod admin;
mod banner;
mod bench;
mod clock;
mod control;
mod directory;
mod doors;
mod forming;
mod health;
mod known;
mod link;
mod metadata;
mod newcomer;
mod node;
mod open;
mod probe;
#[cfg(test)]
mod reference;
mod register;
#[cfg(test)]
mod register_tests;
mod root;
mod run;
mod settings;
mod start_error;
mod stop;
mod telemetry;
mod upkeep;

use clap::{Parser, Subcommand};
use esker_storage::IndexStart;
use settings::{Given, Settings};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Versioned S3 object storage: every version of every object, in one agreed order.
#[derive(Parser)]
#[command(name = "esker", version, about, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  esker server
      Serves S3 on 127.0.0.1:9000 and keeps everything in ./esker-data. The first start prints root keys.
  ESKER_ROOT_ACCESS_KEY=admin ESKER_ROOT_SECRET_KEY=change-me esker server --data-dir /var/lib/esker
      Serves with keys of your own.
  esker server --address 0.0.0.0:9000 --domain s3.example.net
      Also answers bucket.s3.example.net.";

#[derive(Subcommand)]
enum Command {
    /// Runs a node until it is told to stop (SIGTERM or Ctrl-C)
    #[command(after_help = SERVER_HELP)]
    Server {
        #[command(flatten)]
        given: Box<Given>,

        /// A TOML file with settings, named as the flags are with underscores: data_dir = \"/var/lib/esker\"
        #[arg(long, env = "ESKER_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,

        /// Makes the index of stored data anew from the segments that are there: for once, after segments were lost
        #[arg(long)]
        rebuild_blob_index: bool,
    },
    /// Looks at a cluster and changes its nodes
    #[command(after_help = admin::HELP)]
    Admin(Box<admin::Admin>),
    /// Asks a node how it is: for the health checks of containers and load balancers
    #[command(after_help = health::HELP)]
    Health(health::Ask),
    /// Puts a load on an S3 endpoint, this one or another, and tells how it was answered
    #[command(after_help = bench::HELP)]
    Bench(Box<bench::Bench>),
}

const SERVER_HELP: &str = "\
A flag wins over its environment variable, and that over the configuration file.

Examples:
  esker server --data-dir /srv/esker --address 0.0.0.0:9000 --region eu-central-1
  esker server --config /etc/esker.toml";

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Server { given, config, rebuild_blob_index } => {
            let index = if rebuild_blob_index { IndexStart::Rebuild } else { IndexStart::Recover };
            server(*given, config.as_deref(), index)
        }
        Command::Admin(admin) => run_brief(admin::run(*admin), admin::AdminError::exit_code),
        Command::Health(ask) => run_brief(health::run(ask), health::HealthError::exit_code),
        Command::Bench(given) => bench::bench(*given),
    }
}

fn server(given: Given, config: Option<&Path>, index: IndexStart) -> ExitCode {
    let outcome = Settings::load(given, config)
        .map_err(start_error::StartError::from)
        .and_then(|settings| run::server(&settings, index));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            banner::failure(&error);
            ExitCode::FAILURE
        }
    }
}

/// Runs a command that asks once, on this thread, and prints what it finds.
fn run_brief<E: std::error::Error>(
    command: impl Future<Output = Result<String, E>>,
    exit_code: fn(&E) -> ExitCode,
) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            banner::failure(&error);
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command) {
        Ok(text) => banner::answer(&text),
        Err(error) => {
            banner::failure(&error);
            exit_code(&error)
        }
    }
}
