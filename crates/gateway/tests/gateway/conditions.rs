//! Conditions on reads and writes.

use crate::support::World;

#[tokio::test]
async fn conditions_on_reads_follow_rfc_9110() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let put = world.put("/bucket/key", "hello").header("cache-control", "no-cache").send().await.expect(200);
    let etag = put.header("etag").unwrap();
    let (now, before, after) =
        ("Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:04 GMT", "Fri, 02 Jan 2026 03:04:06 GMT");
    let other = "\"00000000000000000000000000000000\"";
    for (headers, status) in [
        (vec![("if-match", etag)], 200),
        (vec![("if-match", "*")], 200),
        (vec![("if-match", other)], 412),
        (vec![("if-none-match", etag)], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", other)], 200),
        // s3-rules 3: whole seconds, although the object has a fraction.
        (vec![("if-modified-since", now)], 304),
        (vec![("if-modified-since", before)], 200),
        (vec![("if-unmodified-since", now)], 200),
        (vec![("if-unmodified-since", before)], 412),
        // A tag condition makes the date condition of its pair moot.
        (vec![("if-match", etag), ("if-unmodified-since", before)], 200),
        (vec![("if-none-match", other), ("if-modified-since", after)], 200),
        (vec![("if-none-match", etag), ("if-modified-since", before)], 304),
    ] {
        for method in ["GET", "HEAD"] {
            let request = world.request(method, "/bucket/key");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(name, *value));
            let reply = request.send().await;
            assert_eq!(reply.status, status, "{method} {headers:?}");
            if status == 304 {
                assert_eq!(reply.header("etag"), Some(etag));
                assert_eq!(reply.header("last-modified"), Some(now));
                assert_eq!(reply.header("x-amz-version-id"), put.header("x-amz-version-id"));
                assert_eq!(reply.header("cache-control"), Some("no-cache"));
                assert!(reply.body.is_empty());
            }
        }
    }
    let failed = world.get("/bucket/key").header("if-match", other).send().await;
    assert_eq!(
        (failed.error(), failed.element("Condition")),
        ((412, "PreconditionFailed"), Some("If-Match"))
    );
}

#[tokio::test]
async fn conditions_on_writes_are_decided_where_writes_are_ordered() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let put = |name: &'static str, value: String| world.put("/bucket/key", "x").header(name, value).send();
    // s3-rules 8
    assert_eq!(put("if-match", "*".into()).await.error(), (404, "NoSuchKey"));
    let first = put("if-none-match", "*".into()).await.expect(200);
    let again = put("if-none-match", "*".into()).await;
    assert_eq!(
        (again.error(), again.element("Condition")),
        ((412, "PreconditionFailed"), Some("If-None-Match"))
    );
    let etag = first.header("etag").unwrap().to_owned();
    put("if-match", etag.clone()).await.expect(200);
    assert_eq!(put("if-none-match", etag.clone()).await.status, 412);

    // A delete marker counts as no object.
    world.request("DELETE", "/bucket/key").send().await.expect(204);
    assert_eq!(put("if-match", etag.clone()).await.error(), (404, "NoSuchKey"));
    put("if-none-match", "*".into()).await.expect(200);
    let delete = |etag: &str| world.request("DELETE", "/bucket/key").header("if-match", etag).send();
    assert_eq!(delete("\"00000000000000000000000000000000\"").await.error(), (412, "PreconditionFailed"));
    delete(&etag).await.expect(204);
    assert_eq!(delete(&etag).await.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn of_many_conditional_creates_through_two_gateways_exactly_one_succeeds() {
    let world = World::start().await;
    let second = world.second().await;
    world.bucket("bucket", None).await;
    let create = |n: usize| {
        let gateway = if n.is_multiple_of(2) { &world } else { &second };
        // Some inline, some on storage nodes.
        gateway.put("/bucket/key", vec![b'x'; n * 5000]).header("if-none-match", "*").send()
    };
    let replies = futures::future::join_all((0..16).map(create)).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 15, "{statuses:?}");
    let winner = statuses.iter().position(|status| *status == 200).unwrap();
    let length = (winner * 5000).to_string();
    assert_eq!(
        world.request("HEAD", "/bucket/key").send().await.header("content-length"),
        Some(length.as_str())
    );
}
