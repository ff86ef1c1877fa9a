//! `DeleteResult` (s3-rules 20).

use crate::xml::NAMESPACE;
use crate::xml::results::{DeleteMarkerEffect, DeleteOutcome, DeleteResult};
use crate::xml::writer::Writer;

impl DeleteResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("DeleteResult", Some(NAMESPACE), |w| {
            for outcome in &self.outcomes {
                write_outcome(w, outcome);
            }
        })
    }
}

fn write_outcome(w: &mut Writer, outcome: &DeleteOutcome) {
    match outcome {
        DeleteOutcome::Deleted { key, version, marker } => w.element("Deleted", |w| {
            w.text("Key", key);
            if let Some(version) = version {
                w.plain("VersionId", version);
            }
            if let DeleteMarkerEffect::Added(id) | DeleteMarkerEffect::Removed(id) = marker {
                w.plain("DeleteMarker", true);
                w.plain("DeleteMarkerVersionId", id);
            }
        }),
        DeleteOutcome::Failed { key, version, error } => w.element("Error", |w| {
            w.text("Key", key);
            if let Some(version) = version {
                w.text("VersionId", version);
            }
            w.plain("Code", error.code.text());
            w.text("Message", &error.message);
        }),
    }
}
