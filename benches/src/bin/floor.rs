//! The bare floor as a process of its own: prints where it listens, as the product does, and serves until it is killed.
#![allow(clippy::print_stdout, reason = "whoever started it reads where it listens")]

use bench::floor::bare::Bare;
use clap::Parser;
use esker_env::OsDisk;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// The least that serves PUT and GET durably, to compare with
#[derive(Parser)]
struct Args {
    /// An existing directory for its file
    #[arg(long)]
    data_dir: PathBuf,
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:0")]
    address: SocketAddr,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let bare = Bare::create(&OsDisk, &args.data_dir)?;
        let listener = TcpListener::bind(args.address).await?;
        println!("S3 listening on http://{}", listener.local_addr()?);
        println!("Ready");
        Ok(bare.serve(listener).await?)
    })
}
