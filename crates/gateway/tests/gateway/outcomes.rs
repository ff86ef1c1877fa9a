//! Commands whose outcome is late, lost or negative.

use crate::bytes;
use crate::support::{FakeStorage, Fault, World};
use esker_index::command::CommandBody;

fn is_put(body: &CommandBody) -> bool {
    matches!(body, CommandBody::PutObject { .. })
}

fn is_discard(body: &CommandBody) -> bool {
    matches!(body, CommandBody::Discard { .. })
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again_and_the_write_happens_once() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    for (size, path) in [(10, "/bucket/small"), (1 << 20, "/bucket/large")] {
        world.metadata.inject([Fault::AppliedReplyLost, Fault::Unavailable, Fault::Lost]);
        let put = world.put(path, bytes(size)).send().await.expect(200);
        let list = world.get(&format!("/bucket?versions=&prefix={}", &path[8..])).send().await.expect(200);
        assert_eq!(list.elements("VersionId"), [put.header("x-amz-version-id").unwrap()]);
        assert!(world.get(path).send().await.expect(200).body == bytes(size));
    }
    assert!(!world.metadata.applied().iter().any(|(_, body)| is_discard(body)));
}

#[tokio::test]
async fn a_leader_that_comes_back_soon_is_waited_for() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.metadata.inject([Fault::Unavailable, Fault::Unavailable, Fault::Unavailable]);
    world.put("/bucket/key", "x").send().await.expect(200);
}

#[tokio::test]
async fn a_write_that_was_certainly_not_applied_gives_its_data_up() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.metadata.inject([Fault::Full]);
    assert_eq!(world.put("/bucket/key", bytes(1 << 20)).send().await.error(), (507, "InsufficientStorage"));
    world.metadata.until(is_discard).await;
    assert!(!world.metadata.applied().iter().any(|(_, body)| is_put(body)));
}

#[tokio::test]
async fn without_a_leader_the_client_is_told_to_come_back_and_the_data_is_given_up() {
    let world = World::with(FakeStorage::new(), |settings| {
        settings.limits.unavailable = std::time::Duration::from_millis(60);
    })
    .await;
    world.bucket("bucket", None).await;
    // With pauses of 25 and 50 ms, the second failure is the last that 60 ms allow.
    world.metadata.inject([Fault::Unavailable, Fault::Unavailable]);
    assert_eq!(world.put("/bucket/key", bytes(1 << 20)).send().await.error(), (503, "ServiceUnavailable"));
    world.metadata.until(is_discard).await;
}

#[tokio::test]
async fn a_write_whose_outcome_stays_unknown_is_never_given_up() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.metadata.inject([Fault::Lost; 200]);
    // Pauses add up to the command's whole life; they pass at once, since nothing else happens meanwhile.
    tokio::time::pause();
    let reply = world.put("/bucket/key", bytes(1 << 20)).send().await;
    tokio::time::resume();
    assert_eq!(reply.error(), (503, "ServiceUnavailable"));
    assert_eq!(world.storage.blobs().len(), 1, "it may be referenced");
    assert!(!world.metadata.applied().iter().any(|(_, body)| is_discard(body)));
}

#[tokio::test]
async fn a_client_that_goes_away_after_its_body_has_its_write_settled_all_the_same() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.metadata.inject([Fault::Unavailable, Fault::Unavailable]);
    let request = world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD");
    let mut connection = world.connect().await;
    connection.write(&request.head(Some(1 << 20))).await;
    connection.write(&bytes(1 << 20)).await;
    // Long enough for the body, and far too short for the commit, which meets two faults first.
    while world.storage.blobs().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(connection);
    // Either way is right, as long as it is one of them: the version is there, or its data is given up.
    world.metadata.until(|body| is_put(body) || is_discard(body)).await;
}

#[tokio::test]
async fn a_gateway_that_is_cut_off_makes_its_first_clients_wait_and_refuses_the_others_until_it_is_not() {
    let world = World::with(FakeStorage::new(), |settings| {
        settings.limits.unavailable = std::time::Duration::from_millis(300);
    })
    .await;
    world.bucket("bucket", None).await;
    world.put("/bucket/key", "x").send().await.expect(200);
    world.metadata.cut_off();
    let refused = (503, "ServiceUnavailable");
    assert_eq!(world.get("/bucket/key").send().await.error(), refused);
    let before = world.metadata.questions();
    for _ in 0..10 {
        assert_eq!(world.get("/bucket/key").send().await.error(), refused);
        assert_eq!(world.put("/bucket/other", "x").send().await.error(), refused);
        assert_eq!(world.put("/bucket/large", bytes(1 << 20)).send().await.error(), refused);
    }
    assert_eq!(world.metadata.questions(), before, "nobody is asked in vain");
    assert!(world.storage.blobs().is_empty(), "no body is stored in vain");

    world.metadata.heal();
    let served = async {
        while world.get("/bucket/key").send().await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), served).await.expect("it is back");
    world.put("/bucket/other", "x").send().await.expect(200);
    assert!(!world.metadata.applied().iter().any(|(_, body)| is_discard(body)), "nothing was proposed");
}
