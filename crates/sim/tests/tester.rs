//! The test of the tester: a seed gives the same run each time, and mistakes in the product are found.

use std::process::Command;

fn simulate(args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_esker-sim")).args(args).output().expect("it runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_seed_gives_the_same_run_each_time() {
    let (good, text) = simulate(&["--seeds", "1..3", "--twice"]);
    assert!(good, "{text}");
}

/// Mistakes are looked for with some seeds; a right product passes all of these.
fn found(mutant: &str, seeds: &str) {
    let (good, text) = simulate(&["--seeds", seeds, "--mutant", mutant, "--first"]);
    assert!(!good, "{mutant} was not found in the seeds {seeds}: {text}");
    assert!(text.contains("FAILED"), "{text}");
}

#[test]
fn replicas_that_nobody_repairs_are_found() {
    found("forget-late", "0..12");
}

#[test]
fn reads_that_skip_the_leader_are_found() {
    found("stale-reads", "0..24");
}

#[test]
fn data_that_is_acknowledged_too_early_is_found() {
    found("early-ack", "0..12");
}

#[test]
fn puts_that_slip_past_a_fence_are_found() {
    found("skip-fence", "0..12");
}

#[test]
fn data_that_is_swept_although_a_version_has_it_is_found() {
    found("sweep-held", "0..12");
}

#[test]
fn what_is_to_go_wrong_does() {
    let (good, text) = simulate(&["--seeds", "0..12", "--jobs", "2"]);
    assert!(good, "{text}");
    for event in [
        "stale put",
        "put overtaken by a fence",
        "stop because of a disk",
        "snapshot received",
        "deleted blob",
    ] {
        assert!(text.contains(event), "{event}: {text}");
    }
}
