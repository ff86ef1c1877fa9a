use crate::support::World;

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    for size in [0, 1, 16 << 10, (16 << 10) + 1, 1 << 20, (8 << 20) + 3] {
        let body: Vec<u8> = (0..size).map(|i: usize| (i % 251) as u8).collect();
        let put = world.put("/bucket/key", body.clone()).send().await.expect(200);
        let got = world.get("/bucket/key").send().await.expect(200);
        assert!(got.body == body, "{size} bytes");
        assert_eq!(got.header("etag"), put.header("etag"));
    }
}
