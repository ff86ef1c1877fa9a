//! Elements that several documents have.

use crate::checksum::{element_name, object_to_text, to_text};
use crate::request::list::EncodingType;
use crate::times::format_iso8601;
use crate::xml::results::{ChecksumKind, Owner};
use crate::xml::writer::Writer;
use esker_types::{Checksum, ObjectChecksum, Timestamp};

/// The one storage class.
pub(super) const STORAGE_CLASS: &str = "STANDARD";

impl Writer {
    /// A key, prefix, delimiter or marker, encoded as the request asks.
    pub(super) fn encoded(&mut self, name: &str, text: &str, encoding: EncodingType) {
        self.text(name, encoding.apply(text));
    }

    /// `Prefix`, `Delimiter`, `EncodingType` as every list echoes them.
    pub(super) fn list_parameters(&mut self, prefix: &str, delimiter: Option<&str>, encoding: EncodingType) {
        self.encoded("Prefix", prefix, encoding);
        if let Some(delimiter) = delimiter {
            self.encoded("Delimiter", delimiter, encoding);
        }
        if encoding == EncodingType::Url {
            self.plain("EncodingType", "url");
        }
    }

    /// `CommonPrefixes`
    pub(super) fn common_prefixes(&mut self, prefixes: &[String], encoding: EncodingType) {
        for prefix in prefixes {
            self.element("CommonPrefixes", |w| w.encoded("Prefix", prefix, encoding));
        }
    }

    /// `Owner` or `Initiator`
    pub(super) fn owner(&mut self, name: &str, owner: &Owner) {
        self.element(name, |w| {
            w.text("ID", &owner.id);
            w.text("DisplayName", &owner.display_name);
        });
    }

    /// A time with its fraction.
    pub(super) fn time(&mut self, name: &str, time: Timestamp) {
        self.plain(name, format_iso8601(time));
    }

    /// `ChecksumAlgorithm` and `ChecksumType`
    pub(super) fn checksum_kind(&mut self, checksum: Option<ChecksumKind>) {
        if let Some(kind) = checksum {
            self.plain("ChecksumAlgorithm", kind.algorithm.name());
            self.plain("ChecksumType", kind.checksum_type.name());
        }
    }

    /// A part's `Checksum…`
    pub(super) fn part_checksum(&mut self, checksum: Option<&Checksum>) {
        if let Some(checksum) = checksum {
            self.text(element_name(checksum.algorithm()), to_text(checksum));
        }
    }

    /// An object's `Checksum…` and `ChecksumType`
    pub(super) fn object_checksum(&mut self, checksum: Option<&ObjectChecksum>) {
        if let Some(checksum) = checksum {
            self.text(element_name(checksum.value.algorithm()), object_to_text(checksum));
            self.plain("ChecksumType", checksum.checksum_type().name());
        }
    }
}
