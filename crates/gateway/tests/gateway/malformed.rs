//! Requests that are wrong, and how they are told so.

use crate::bytes;
use crate::support::World;

#[tokio::test]
async fn requests_without_a_right_signature_are_refused() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    assert_eq!(world.get("/bucket/key").send_anonymously().await.error(), (403, "AccessDenied"));
    let signed = world.get("/bucket/key").head(None);
    let send = |head: String| {
        let world = &world;
        async move {
            let mut connection = world.connect().await;
            connection.write(head.as_bytes()).await;
            connection.reply(false).await.unwrap()
        }
    };
    let text = String::from_utf8(signed).unwrap();
    let wrong = send(text.replace("Signature=", "Signature=0")).await;
    assert_eq!(wrong.error(), (403, "SignatureDoesNotMatch"));
    for element in ["AWSAccessKeyId", "StringToSign", "SignatureProvided", "CanonicalRequest"] {
        assert!(wrong.element(element).is_some(), "s3-rules 36: {element}");
    }
    assert_eq!(send(text.replace("AKIDEXAMPLE", "AKIDOTHER")).await.error(), (403, "InvalidAccessKeyId"));
    let region = send(text.replace("/us-east-1/", "/mars-1/")).await;
    assert_eq!(
        (region.error(), region.element("Region")),
        ((400, "AuthorizationHeaderMalformed"), Some("us-east-1"))
    );
    world.clock.advance(std::time::Duration::from_secs(16 * 60));
    assert_eq!(send(text).await.error(), (403, "RequestTimeTooSkewed"));
}

#[tokio::test]
async fn an_error_names_the_resource_and_the_request() {
    let world = World::start().await;
    let reply = world.get("/nobucket/a%20key").send().await;
    assert_eq!(reply.error(), (404, "NoSuchBucket"));
    assert_eq!(reply.element("Resource"), Some("/nobucket/a%20key"));
    assert_eq!(reply.element("RequestId"), reply.header("x-amz-request-id"));
    assert_eq!(reply.header("content-type"), Some("application/xml"));
    assert_eq!(reply.element("BucketName"), Some("nobucket"));
}

#[tokio::test]
async fn what_s3_has_and_esker_has_not_is_501_and_never_something_else() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.put("/bucket/key", "x").send().await.expect(200);
    for (method, target) in [
        ("PUT", "/bucket/key?acl="),
        ("PUT", "/bucket/key?tagging="),
        ("DELETE", "/bucket/key?tagging="),
        ("GET", "/bucket?lifecycle="),
        ("DELETE", "/bucket?policy="),
        ("POST", "/bucket/key?restore="),
    ] {
        let reply = world.request(method, target).body("y").send().await;
        assert_eq!(reply.error(), (501, "NotImplemented"), "{method} {target}");
    }
    assert_eq!(world.get("/bucket/key?x-id=GetObject").send().await.expect(200).text(), "x");
}

// s3-rules 9
#[tokio::test]
async fn limits_of_keys_bodies_and_headers_are_told_as_s3_errors() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let long = format!("/bucket/{}", "k".repeat(1025));
    assert_eq!(world.put(&long, "x").send().await.error(), (400, "KeyTooLongError"));
    let metadata = world.put("/bucket/key", "x").header("x-amz-meta-a", "v".repeat(2048)).send().await;
    assert_eq!(metadata.error(), (400, "MetadataTooLarge"));
    let big = world.put("/bucket/key", "x").header("x-big", "v".repeat(66 << 10)).send().await;
    assert_eq!(big.error(), (400, "RequestHeaderSectionTooLarge"));
    let many = (0..150).fold(world.get("/bucket"), |request, n| request.header(&format!("x-{n}"), "v"));
    assert_eq!(many.send().await.error(), (400, "RequestHeaderSectionTooLarge"));

    let mut connection = world.connect().await;
    connection.write(&world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD").head(None)).await;
    assert_eq!(connection.reply(false).await.unwrap().error(), (411, "MissingContentLength"));
    let mut connection = world.connect().await;
    let size = (5u64 << 30) + 1;
    connection.write(&world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD").head(Some(size))).await;
    let reply = connection.reply(false).await.unwrap();
    assert_eq!((reply.error(), reply.header("connection")), ((400, "EntityTooLarge"), Some("close")));
}

#[tokio::test]
async fn a_compressed_transfer_is_refused_rather_than_stored_compressed() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    for (codings, status) in [("gzip, chunked", 501), ("chunked", 200)] {
        let request = world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD");
        let mut connection = world.connect().await;
        connection.write(&request.header("transfer-encoding", codings).head(None)).await;
        connection.write(b"5\r\nhello\r\n0\r\n\r\n").await;
        connection.reply(false).await.unwrap().expect(status);
        let stored = world.get("/bucket/key").send().await.status;
        assert_eq!(stored, if status == 200 { 200 } else { 404 }, "{codings}");
    }
}

#[tokio::test]
async fn a_client_that_sends_its_whole_body_first_still_reads_the_error() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    // Far more than the sockets hold, so that the client could not go on if nobody read.
    let body = bytes(6 << 20);
    for _ in 0..2 {
        let request = world.put("/nobucket/key", "").payload("UNSIGNED-PAYLOAD");
        connection.write(&request.head(Some(body.len() as u64))).await;
        connection.write(&body).await;
        assert_eq!(connection.reply(false).await.unwrap().error(), (404, "NoSuchBucket"));
    }
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_refused_without_being_told_to_go_on() {
    let world = World::start().await;
    let ask = |path: &str| world.put(path, "").payload("UNSIGNED-PAYLOAD").header("expect", "100-continue");
    let mut connection = world.connect().await;
    connection.write(&ask("/nobucket/key").head(Some(1 << 20))).await;
    let (status, _) = connection.head().await.unwrap();
    assert_eq!(status, 404, "and not 100");

    world.bucket("bucket", None).await;
    let mut connection = world.connect().await;
    connection.write(&ask("/bucket/key").head(Some(1 << 20))).await;
    let (status, _) = connection.head().await.unwrap();
    assert_eq!(status, 100);
    connection.write(&bytes(1 << 20)).await;
    connection.reply(false).await.unwrap().expect(200);
}

#[tokio::test]
async fn bytes_that_are_no_http_end_the_connection_and_nothing_else() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..], b"GET\r\n\r\n", b"\0\0\0\0\r\n\r\n"]
    {
        let mut connection = world.connect().await;
        connection.write(garbage).await;
        let rest = connection.rest().await;
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 400"), "{rest:?}");
    }
    world.get("/bucket").send().await.expect(200);
}
