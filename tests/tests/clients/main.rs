//! Programs that people use against S3, unchanged: the AWS CLI and scripts with boto3.
//!
//! They live in a Python environment that `cargo xtask venv` makes; without it these tests fail and say so.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests watch the product from outside: real clock, real files"
)]

mod aws_cli;
mod aws_cli_files;
mod boto3;
