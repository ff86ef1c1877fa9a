//! No secret has a default.

use e2e::compose::{Env, Project, SECRETS};

#[track_caller]
fn refuses_without(file: &str, secret: &str) {
    let project = Project::new(&Env::of(file).without(secret));
    let up = project.compose(&["up", "-d"]);
    let (code, said) = (up.code, up.failure());
    assert_ne!(code, None, "a signal ended it");
    assert!(said.contains(secret) && said.contains(".env"), "{file} without {secret}: {said}");
    for service in ["esker", "node1", "lb"] {
        assert!(project.find(service).is_none(), "{file} without {secret} made {service}");
    }
}

#[test]
fn the_cluster_does_not_start_without_its_secrets() {
    for secret in SECRETS {
        refuses_without("cluster.yml", secret);
    }
}

#[test]
fn the_single_node_does_not_start_without_its_secrets() {
    for secret in &SECRETS[..2] {
        refuses_without("single.yml", secret);
    }
}
