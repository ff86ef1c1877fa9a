//! Compiles what the roles say to one another, without a system `protoc`.

use std::error::Error;

const FILES: [&str; 4] = ["control.proto", "failure.proto", "metadata.proto", "storage.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed=../../proto/{file}");
    }
    let files = protox::compile(FILES, ["../../proto"])?;
    tonic_prost_build::configure().bytes(".").compile_fds(files)?;
    Ok(())
}
