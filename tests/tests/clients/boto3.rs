//! boto3 as the scripts use it that people write and copy: each is a file in `tests/python`.

use e2e::bucket::unique_name;
use e2e::program::python;
use e2e::server::Server;

/// Runs a script, which asserts for itself, on a bucket name of its own.
fn passes(script: &str) {
    let server = Server::shared();
    let out = python(&server, script, &[&unique_name()]).success();
    assert!(out.trim_end().ends_with("ok"), "{script} did not run to its end: {out}");
}

#[test]
fn boto3_rolls_back_to_a_version_by_last_modified() {
    passes("rollback.py");
}

#[test]
fn boto3_restores_versions_by_copying_them_onto_their_keys() {
    passes("restore.py");
}

#[test]
fn boto3_round_trips_awkward_keys() {
    passes("keys.py");
}

#[test]
fn boto3_uploads_and_downloads_in_parts() {
    passes("transfer.py");
}

#[test]
fn boto3_walks_every_version_through_its_paginators() {
    passes("paginators.py");
}

#[test]
fn boto3_empties_a_bucket_of_all_versions() {
    passes("empty_bucket.py");
}
