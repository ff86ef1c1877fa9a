//! Lists: pages, markers, grouping (s3-rules 23–27).

use crate::support::World;

async fn filled() -> World {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    for key in ["a", "b/1", "b/2", "c", "d%20e"] {
        world.put(&format!("/bucket/{key}"), "x").send().await.expect(200);
        world.put(&format!("/bucket/{key}"), "xy").send().await.expect(200);
    }
    world.request("DELETE", "/bucket/c").send().await.expect(204);
    world
}

#[tokio::test]
async fn current_objects_are_listed_in_pages_without_markers_or_older_versions() {
    let world = filled().await;
    let all = world.get("/bucket?list-type=2").send().await.expect(200);
    assert_eq!(all.elements("Key"), ["a", "b/1", "b/2", "d e"]);
    assert_eq!((all.element("KeyCount"), all.element("IsTruncated")), (Some("4"), Some("false")));
    assert_eq!(all.elements("Size"), ["2"; 4]);
    assert_eq!(all.element("Owner"), None);

    let page = world.get("/bucket?delimiter=%2F&list-type=2&max-keys=2").send().await.expect(200);
    assert_eq!((page.elements("Key"), page.element("IsTruncated")), (vec!["a"], Some("true")));
    assert!(page.text().contains("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"));
    let token = page.element("NextContinuationToken").unwrap();
    let next = format!("/bucket?continuation-token={token}&delimiter=%2F&fetch-owner=true&list-type=2");
    let page = world.get(&next).send().await.expect(200);
    assert_eq!((page.elements("Key"), page.element("ID")), (vec!["d e"], Some("root")));
    assert!(!page.text().contains("CommonPrefixes"), "a common prefix is never repeated");

    let empty = world.get("/bucket?list-type=2&max-keys=0").send().await.expect(200);
    assert_eq!((empty.elements("Key").len(), empty.element("IsTruncated")), (0, Some("false")));
    let page = world.get("/bucket?encoding-type=url&marker=c").send().await.expect(200);
    assert_eq!((page.elements("Key"), page.element("ID")), (vec!["d%20e"], Some("root")));
    let page = world.get("/bucket?max-keys=1").send().await.expect(200);
    assert_eq!(
        (page.element("IsTruncated"), page.element("NextMarker")),
        (Some("true"), None),
        "s3-rules 27"
    );
    for bad in ["max-keys=-1", "max-keys=x", "encoding-type=x", "continuation-token=%21&list-type=2"] {
        assert_eq!(
            world.get(&format!("/bucket?{bad}")).send().await.error(),
            (400, "InvalidArgument"),
            "{bad}"
        );
    }
    assert_eq!(world.get("/nobucket?list-type=2").send().await.error(), (404, "NoSuchBucket"));
}

#[tokio::test]
async fn pages_of_versions_join_without_gap_or_repetition_whatever_their_size() {
    let world = filled().await;
    world.versioning("bucket", "Suspended").await;
    world.put("/bucket/a", "null").send().await.expect(200);
    let all = world.get("/bucket?versions=").send().await.expect(200);
    let expected: Vec<String> = all.elements("VersionId").into_iter().map(str::to_owned).collect();
    assert_eq!(expected.len(), 12);
    assert_eq!(expected[0], "null", "the newest of a");
    assert_eq!(all.text().matches("<DeleteMarker>").count(), 1);
    for size in 1..=5 {
        let mut found = Vec::new();
        let mut marker = String::new();
        loop {
            let page =
                world.get(&format!("/bucket?{marker}max-keys={size}&versions=")).send().await.expect(200);
            assert!(page.elements("VersionId").len() <= size);
            found.extend(page.elements("VersionId").into_iter().map(str::to_owned));
            if page.element("IsTruncated") == Some("false") {
                break;
            }
            let key = page.element("NextKeyMarker").unwrap().replace(' ', "%20").replace('/', "%2F");
            let version = page.element("NextVersionIdMarker").unwrap();
            assert_ne!(version, "null", "s3-rules 26");
            marker = format!("key-marker={key}&version-id-marker={version}&");
        }
        assert_eq!(found, expected, "pages of {size}");
    }
    let reply = world.get("/bucket?version-id-marker=null&versions=").send().await;
    assert_eq!(reply.error(), (400, "InvalidArgument"));
}
