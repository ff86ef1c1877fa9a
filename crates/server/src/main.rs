//! The binary `esker`.

mod banner;
mod probe;
mod root;
mod run;
mod settings;
mod stop;
mod telemetry;

use clap::{Parser, Subcommand};
use esker_storage::IndexStart;
use settings::{Given, Settings};
use std::path::PathBuf;
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
}

const SERVER_HELP: &str = "\
A flag wins over its environment variable, and that over the configuration file.

Examples:
  esker server --data-dir /srv/esker --address 0.0.0.0:9000 --region eu-central-1
  esker server --config /etc/esker.toml";

fn main() -> ExitCode {
    let Cli { command: Command::Server { given, config, rebuild_blob_index } } = Cli::parse();
    let index = if rebuild_blob_index { IndexStart::Rebuild } else { IndexStart::Recover };
    let outcome = Settings::load(*given, config.as_deref())
        .map_err(run::StartError::from)
        .and_then(|settings| run::server(&settings, index));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            banner::failure(&error);
            ExitCode::FAILURE
        }
    }
}
