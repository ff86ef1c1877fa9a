//! Compiles `proto/raft.proto` without a system `protoc`. What it shares with the calls of nodes without replicas is
//! compiled by `esker-rpc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    for file in ["raft.proto", "failure.proto"] {
        println!("cargo:rerun-if-changed=../../proto/{file}");
    }
    let files = protox::compile(["raft.proto"], ["../../proto"])?;
    tonic_prost_build::configure()
        .bytes(".")
        .extern_path(".esker.metadata.v1.Failure", "::esker_rpc::grpc::Failure")
        .compile_fds(files)?;
    Ok(())
}
