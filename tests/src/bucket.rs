//! A bucket of a test's own, in one of the three versioning states, with the calls that scenarios repeat.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::delete_object::DeleteObjectOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};

use crate::sdk;
use crate::serves::Serves;

/// A versioning state that a bucket can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Never configured.
    Unversioned,
    /// Keeps every version.
    Enabled,
    /// Was enabled, or not, and keeps the null version only.
    Suspended,
}

/// All states.
pub const STATES: [State; 3] = [State::Unversioned, State::Enabled, State::Suspended];

/// A name that no other test of this process uses.
pub fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("bucket-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A bucket, and a client for it.
#[derive(Clone)]
pub struct Bucket {
    /// The client.
    pub client: Client,
    /// The bucket's name.
    pub name: String,
}

/// One row of ListObjectVersions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: String,
    /// Version id, or `null`.
    pub id: String,
    /// What the row is.
    pub kind: Kind,
    /// Whether it is its key's current version.
    pub latest: bool,
}

/// What a row of ListObjectVersions is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object.
    Version,
    /// A delete marker.
    Marker,
}

impl Bucket {
    /// A new bucket in `state`. A suspended one was never enabled.
    pub async fn create(server: &impl Serves, state: State) -> Bucket {
        let bucket = Bucket { client: sdk::client(server), name: unique_name() };
        bucket.client.create_bucket().bucket(&bucket.name).send().await.expect("CreateBucket");
        match state {
            State::Unversioned => {}
            State::Enabled => bucket.enable().await,
            State::Suspended => bucket.suspend().await,
        }
        bucket
    }

    /// Enables versioning.
    pub async fn enable(&self) {
        self.configure(BucketVersioningStatus::Enabled).await;
    }

    /// Suspends versioning.
    pub async fn suspend(&self) {
        self.configure(BucketVersioningStatus::Suspended).await;
    }

    async fn configure(&self, status: BucketVersioningStatus) {
        let configuration = VersioningConfiguration::builder().status(status).build();
        let call = self.client.put_bucket_versioning().bucket(&self.name);
        call.versioning_configuration(configuration).send().await.expect("PutBucketVersioning");
    }

    /// Puts an object; returns the version id of the reply.
    pub async fn put(&self, key: &str, body: &[u8]) -> Option<String> {
        let call = self.client.put_object().bucket(&self.name).key(key).body(body.to_vec().into());
        call.send().await.expect("PutObject").version_id
    }

    /// Puts an object in a bucket that gives it an id.
    pub async fn put_id(&self, key: &str, body: &[u8]) -> String {
        self.put(key, body).await.expect("an enabled bucket replies with a version id")
    }

    /// The bytes of the current version; `None` if there is none.
    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        match self.client.get_object().bucket(&self.name).key(key).send().await {
            Ok(reply) => Some(reply.body.collect().await.expect("the whole body").to_vec()),
            error => {
                sdk::assert_fails(error, 404, "NoSuchKey");
                None
            }
        }
    }

    /// The bytes of a version; `None` if there is none of that id.
    pub async fn get_version(&self, key: &str, id: &str) -> Option<Vec<u8>> {
        match self.client.get_object().bucket(&self.name).key(key).version_id(id).send().await {
            Ok(reply) => Some(reply.body.collect().await.expect("the whole body").to_vec()),
            error => {
                sdk::assert_fails(error, 404, "NoSuchVersion");
                None
            }
        }
    }

    /// Deletes a key.
    pub async fn delete(&self, key: &str) -> DeleteObjectOutput {
        self.client.delete_object().bucket(&self.name).key(key).send().await.expect("DeleteObject")
    }

    /// Deletes a key in a bucket that adds a marker with an id; returns that id.
    pub async fn delete_id(&self, key: &str) -> String {
        self.delete(key).await.version_id.expect("a marker has an id")
    }

    /// Deletes a version.
    pub async fn delete_version(&self, key: &str, id: &str) -> DeleteObjectOutput {
        let call = self.client.delete_object().bucket(&self.name).key(key).version_id(id);
        call.send().await.expect("DeleteObject with a version id")
    }

    /// All rows of the bucket, by key and then newest first. The SDK parts versions from delete markers, so
    /// this says nothing of the order on the wire: scenarios about that order read the XML.
    pub async fn rows(&self) -> Vec<Row> {
        let call = self.client.list_object_versions().bucket(&self.name);
        rows(&call.send().await.expect("ListObjectVersions"))
    }

    /// Version ids of a key, newest first, each with what it is.
    pub async fn history(&self, key: &str) -> Vec<(String, Kind)> {
        let rows = self.rows().await.into_iter();
        rows.filter(|row| row.key == key).map(|row| (row.id, row.kind)).collect()
    }
}

/// The rows of a page, by key and then newest first, as `LastModified` tells.
///
/// # Panics
/// If a row lacks what every row has.
pub fn rows(page: &ListObjectVersionsOutput) -> Vec<Row> {
    let versions = page.versions().iter().map(|version| {
        let (key, id) = (version.key.clone().expect("Key"), version.version_id.clone().expect("VersionId"));
        let latest = version.is_latest.expect("IsLatest");
        (version.last_modified.expect("LastModified"), Row { key, id, kind: Kind::Version, latest })
    });
    let markers = page.delete_markers().iter().map(|marker| {
        let (key, id) = (marker.key.clone().expect("Key"), marker.version_id.clone().expect("VersionId"));
        let latest = marker.is_latest.expect("IsLatest");
        (marker.last_modified.expect("LastModified"), Row { key, id, kind: Kind::Marker, latest })
    });
    let mut rows: Vec<_> = versions.chain(markers).collect();
    rows.sort_by(|(a_time, a), (b_time, b)| {
        a.key.cmp(&b.key).then(b_time.as_nanos().cmp(&a_time.as_nanos()))
    });
    rows.into_iter().map(|(_, row)| row).collect()
}
