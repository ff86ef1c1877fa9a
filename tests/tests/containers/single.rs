//! One node in a container.

use e2e::bucket::{Bucket, State};
use e2e::compose::{Env, PATIENCE, Project};
use e2e::program::python;
use e2e::{bucket, sdk};

#[tokio::test(flavor = "multi_thread")]
async fn a_single_node_keeps_everything_when_its_container_is_made_anew() {
    let project = Project::start(&Env::of("single.yml"));
    project.container("esker").await_healthy(PATIENCE);
    let published = project.published("esker");
    python(&published, "restore.py", &[&bucket::unique_name()]).success();
    let kept = Bucket::create(&published, State::Enabled).await;
    kept.put("key", b"first").await;
    kept.put("key", b"second").await;
    let rows = kept.rows().await;

    project.down();
    project.up();
    project.container("esker").await_healthy(PATIENCE);
    let kept = Bucket { client: sdk::client(&project.published("esker")), ..kept };
    assert_eq!(kept.rows().await, rows);
    assert_eq!(kept.get("key").await.as_deref(), Some(&b"second"[..]));
}
