//! What scenarios prepare: buckets, objects, versions.

use super::connection::{CallError, Connection, Reply};
use super::drive::{Until, Work, drive};
use super::sign::{Call, Payload};
use http::Method;
use std::net::SocketAddr;

/// Clients that fill a bucket.
const FILL_CLIENTS: usize = 64;
/// Entries of one DeleteObjects request.
const DELETE_ENTRIES_MAX: usize = 1000;

/// Makes a bucket in which versions are kept.
///
/// # Errors
/// The server refuses.
pub async fn make_bucket(address: SocketAddr, bucket: &str) -> Result<(), CallError> {
    let mut connection = Connection::open(address).await?;
    connection.call(&Call::new(Method::PUT, format!("/{bucket}")), &[200]).await?;
    let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let call = Call::put(format!("/{bucket}"), &Payload::new(enabled)).query("versioning=");
    connection.call(&call, &[200]).await.map(drop)
}

/// Keys that are spread as real ones are, and never twice the same.
pub fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Puts `count` objects; `path` names them by number.
///
/// # Errors
/// A request failed.
pub async fn fill(
    address: SocketAddr,
    count: u64,
    body: &Payload,
    path: impl Fn(u64) -> String,
) -> Result<(), CallError> {
    let call = |number| Call::put(path(number), body);
    let clients = FILL_CLIENTS.min(usize::try_from(count).unwrap_or(FILL_CLIENTS)).max(1);
    drive(&[address], clients, &Work::new(&call), Until::Requests(count), || ()).await.map(drop)
}

/// A DeleteObjects request that names what `entries` yields: key, and version if one is to go.
pub fn delete_objects(bucket: &str, entries: impl Iterator<Item = (String, Option<String>)>) -> Call {
    let entry = |(key, version): (String, Option<String>)| {
        let version = version.map(|id| format!("<VersionId>{id}</VersionId>")).unwrap_or_default();
        format!("<Object><Key>{key}</Key>{version}</Object>")
    };
    let entries: String = entries.take(DELETE_ENTRIES_MAX).map(entry).collect();
    let body = format!("<Delete><Quiet>true</Quiet>{entries}</Delete>");
    let checksum =
        esker_s3::checksum::ChecksumState::of(esker_types::ChecksumAlgorithm::Crc32, body.as_bytes());
    Call {
        method: Method::POST,
        query: "delete=".to_owned(),
        headers: vec![("x-amz-checksum-crc32", esker_s3::checksum::to_text(&checksum))],
        ..Call::put(format!("/{bucket}"), &Payload::new(body))
    }
}

/// Adds `count` delete markers by DeleteObjects requests of 1,000 entries; `key` names the keys by number. The cheapest
/// way to many versions that a client has.
///
/// # Errors
/// A request failed.
pub async fn add_markers(
    address: SocketAddr,
    bucket: &str,
    count: u64,
    clients: usize,
    key: impl Fn(u64) -> String,
) -> Result<(), CallError> {
    let size = DELETE_ENTRIES_MAX as u64;
    let call = |number: u64| {
        let numbers = number * size..((number + 1) * size).min(count);
        delete_objects(bucket, numbers.map(|number| (key(number), None)))
    };
    let work = Work::new(&call);
    drive(&[address], clients, &work, Until::Requests(count.div_ceil(size)), || ()).await.map(drop)
}

/// A page of a bucket's versions: the call, given where the page before it ended.
pub fn versions_page(bucket: &str, after: Option<&(String, String)>) -> Call {
    let query = match after {
        None => "max-keys=1000&versions=".to_owned(),
        Some((key, version)) => {
            let key = key.replace('/', "%2F");
            format!("key-marker={key}&max-keys=1000&version-id-marker={version}&versions=")
        }
    };
    Call::get(format!("/{bucket}")).query(query)
}

/// Where the next page begins, if there is one.
pub fn next_page(reply: &Reply) -> Option<(String, String)> {
    let marker = |name| reply.elements(name).into_iter().next();
    Some((marker("NextKeyMarker")?, marker("NextVersionIdMarker")?))
}

/// Uploads an object of `parts` parts of the same body.
///
/// # Errors
/// A request failed.
pub async fn upload(address: SocketAddr, path: &str, parts: u64, body: &Payload) -> Result<(), CallError> {
    let mut connection = Connection::open(address).await?;
    let begun = connection.call(&Call::new(Method::POST, path).query("uploads="), &[200]).await?;
    let id = begun.elements("UploadId").into_iter().next().unwrap_or_default();
    let mut listed = String::new();
    for number in 1..=parts {
        let call = Call::put(path, body).query(format!("partNumber={number}&uploadId={id}"));
        let reply = connection.call(&call, &[200]).await?;
        let etag = reply.headers.get("etag").and_then(|etag| etag.to_str().ok()).unwrap_or_default();
        listed += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    }
    let body = Payload::new(format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"));
    let call = Call { body, ..Call::new(Method::POST, path).query(format!("uploadId={id}")) };
    connection.call(&call, &[200]).await.map(drop)
}
