//! Ways in which work fails.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What failed, and how: failures that are equal are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// What failed.
    pub kind: FailureKind,
    /// How: a status and S3's code, or the kind of an error.
    pub code: String,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// There was no connection.
    Connect,
    /// The connection broke before the reply was whole.
    Connection,
    /// The reply took longer than was allowed.
    Timeout,
    /// The server answered with an error.
    Status,
    /// The server answered with success, and what S3 says about such a reply does not hold.
    Malformed,
    /// The content was not what was put.
    Verify,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: FailureKind, code: impl Into<String>) -> Failure {
        Failure { kind, code: code.into() }
    }

    /// A reply with an error, and S3's code if it has one.
    pub fn status(status: u16, code: Option<&str>) -> Failure {
        let code = code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
        Failure::new(FailureKind::Status, code)
    }

    /// Whether the server asks to come more slowly.
    pub fn is_slow_down(&self) -> bool {
        self.kind == FailureKind::Status && (self.code == "503 SlowDown" || self.code == "503")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FailureKind::Connect => "no connection",
            FailureKind::Connection => "connection broke",
            FailureKind::Timeout => "timeout",
            FailureKind::Status => "status",
            FailureKind::Malformed => "malformed reply",
            FailureKind::Verify => "wrong content",
        };
        write!(f, "{what}: {}", self.code)
    }
}

impl std::error::Error for Failure {}
