//! Documents about buckets, and `Tagging`.

use crate::request::list::encode_token;
use crate::xml::NAMESPACE;
use crate::xml::results::{ListBucketsResult, LocationResult, VersioningResult};
use crate::xml::writer::Writer;
use esker_types::VersioningState;

impl ListBucketsResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("ListAllMyBucketsResult", Some(NAMESPACE), |w| {
            w.owner("Owner", &self.owner);
            w.element("Buckets", |w| {
                for bucket in &self.buckets {
                    w.element("Bucket", |w| {
                        w.text("Name", bucket.name.as_str());
                        w.time("CreationDate", bucket.created);
                        w.text("BucketRegion", &bucket.region);
                    });
                }
            });
            if !self.prefix.is_empty() {
                w.text("Prefix", &self.prefix);
            }
            if let Some(next) = &self.next {
                w.plain("ContinuationToken", encode_token(next.as_str()));
            }
        })
    }
}

impl LocationResult<'_> {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("LocationConstraint", Some(NAMESPACE), |w| {
            if self.region != "us-east-1" {
                w.characters(self.region);
            }
        })
    }
}

impl VersioningResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("VersioningConfiguration", Some(NAMESPACE), |w| match self.state {
            VersioningState::Unversioned => {}
            VersioningState::Enabled => w.plain("Status", "Enabled"),
            VersioningState::Suspended => w.plain("Status", "Suspended"),
        })
    }
}

/// `Tagging` with these tags (s3-rules 14: none, until tagging exists).
pub fn tagging(tags: &[(String, String)]) -> String {
    Writer::document("Tagging", Some(NAMESPACE), |w| {
        w.element("TagSet", |w| {
            for (key, value) in tags {
                w.element("Tag", |w| {
                    w.text("Key", key);
                    w.text("Value", value);
                });
            }
        });
    })
}
