//! `Error`, the document of every reply that is an error (but never of a HEAD's, s3-rules 1).

use crate::error::S3Error;
use crate::xml::writer::Writer;

/// The document; `resource` is the request's raw path. Unlike all others it has no namespace.
pub fn error_document(error: &S3Error, resource: &str, request_id: &str) -> String {
    Writer::document("Error", None, |w| {
        w.plain("Code", error.code.text());
        w.text("Message", &error.message);
        for (name, value) in &error.extras {
            w.text(name, value);
        }
        w.text("Resource", resource);
        w.text("RequestId", request_id);
    })
}
