//! Kinds of work that are counted apart.

use super::Meaningless;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of work: one request, but for [`Kind::Multipart`], which is all the requests of one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// PutObject.
    Put,
    /// GetObject, whole.
    Get,
    /// GetObject with a range.
    RangeGet,
    /// GetObject with a version id.
    GetVersion,
    /// HeadObject.
    Head,
    /// DeleteObject.
    Delete,
    /// DeleteObject with a version id.
    DeleteVersion,
    /// ListObjectsV2, a page.
    List,
    /// ListObjectVersions, a page.
    ListVersions,
    /// A whole multipart upload, of the requests below.
    Multipart,
    /// CreateMultipartUpload.
    CreateUpload,
    /// UploadPart.
    UploadPart,
    /// CompleteMultipartUpload.
    CompleteUpload,
}

impl Kind {
    /// All kinds, in the order of reports.
    pub const ALL: [Kind; 13] = [
        Kind::Put,
        Kind::Get,
        Kind::RangeGet,
        Kind::GetVersion,
        Kind::Head,
        Kind::Delete,
        Kind::DeleteVersion,
        Kind::List,
        Kind::ListVersions,
        Kind::Multipart,
        Kind::CreateUpload,
        Kind::UploadPart,
        Kind::CompleteUpload,
    ];

    /// Its name, as in reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Put => "put",
            Kind::Get => "get",
            Kind::RangeGet => "range-get",
            Kind::GetVersion => "get-version",
            Kind::Head => "head",
            Kind::Delete => "delete",
            Kind::DeleteVersion => "delete-version",
            Kind::List => "list",
            Kind::ListVersions => "list-versions",
            Kind::Multipart => "multipart",
            Kind::CreateUpload => "create-upload",
            Kind::UploadPart => "upload-part",
            Kind::CompleteUpload => "complete-upload",
        }
    }

    /// Whether it is one request, and so counts in sums over kinds.
    pub fn is_request(self) -> bool {
        self != Kind::Multipart
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = Meaningless;

    fn from_str(text: &str) -> Result<Kind, Meaningless> {
        let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| {
            Meaningless::new(text, "kind of work", "put, get, range-get, head, delete, list …")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_texts_and_in_json() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).expect("JSON"), format!("\"{kind}\""));
        }
    }
}
