//! The reply documents as text. Every document is a `to_xml` of a result in `xml::results`, or a function here.

mod buckets;
mod common;
mod delete;
mod error;
mod lists;
mod multipart;
mod versions;

pub use buckets::tagging;
pub use error::error_document;

/// The `Content-Type` of every document.
pub const CONTENT_TYPE: &str = "application/xml";
/// What every document begins with. A reply that has to wait may send this first, then white space as often as
/// it likes, then [`after_declaration`] of its document (s3-rules 18).
pub const DECLARATION: &str = crate::xml::writer::DECLARATION;

/// A document without its [`DECLARATION`].
pub fn after_declaration(document: &str) -> &str {
    document.strip_prefix(DECLARATION).unwrap_or(document)
}

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod multipart_tests;
#[cfg(test)]
mod tests;
