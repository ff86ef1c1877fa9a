//! Histories as text, one operation or list in a line, so that a failed run can be kept and looked at.

use crate::history::{History, Listing, Operation};
use serde::{Deserialize, Serialize};

/// A line that is no part of a history.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is no operation and no list: {source}")]
pub struct LineError {
    line: usize,
    source: serde_json::Error,
}

/// What a line holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<O, L> {
    Operation(O),
    Listing(L),
}

impl History {
    /// The history as JSON lines.
    pub fn to_json_lines(&self) -> String {
        let operations = self.operations().map(Line::Operation);
        let lines = operations.chain(self.listings().iter().map(Line::Listing));
        let text = |line: Line<&Operation, &Listing>| {
            serde_json::to_string(&line).expect("numbers and strings can always be written") + "\n"
        };
        lines.map(text).collect()
    }

    /// The history in JSON lines; empty lines are skipped.
    pub fn from_json_lines(text: &str) -> Result<History, LineError> {
        let mut history = History::default();
        for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let failed = |source| LineError { line: line + 1, source };
            let backwards = || failed(serde::de::Error::custom("it ends before it begins"));
            match serde_json::from_str(text).map_err(failed)? {
                Line::Operation(Operation { invoked, returned, .. }) if invoked > returned => {
                    return Err(backwards());
                }
                Line::Listing(Listing { invoked, returned, .. }) if invoked > returned => {
                    return Err(backwards());
                }
                Line::Operation(operation) => history.push(operation),
                Line::Listing(listing) => history.list(listing),
            }
        }
        Ok(history)
    }
}

/// Version ids as clients see them.
pub(crate) mod version {
    use esker_types::VersionUuid;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "serde calls it with a reference"
    )]
    pub(crate) fn serialize<S: Serializer>(version: &Option<VersionUuid>, to: S) -> Result<S::Ok, S::Error> {
        version.map(|version| version.to_string()).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<VersionUuid>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| super::parsed(&text)).transpose()
    }
}

/// The same where there is always one.
pub(crate) mod required_version {
    use esker_types::VersionUuid;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(crate) fn serialize<S: Serializer>(version: &VersionUuid, to: S) -> Result<S::Ok, S::Error> {
        version.to_string().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<VersionUuid, D::Error> {
        super::parsed(&String::deserialize(from)?)
    }
}

/// A version id of the server's making.
fn parsed<E: serde::de::Error>(text: &str) -> Result<esker_types::VersionUuid, E> {
    let uuid = uuid::Uuid::try_parse(text).map_err(E::custom)?;
    esker_types::VersionUuid::from_uuid(uuid).ok_or_else(|| E::custom("no version has such an id"))
}
