//! Entity tags as S3 makes them.

use std::fmt;

/// An object's entity tag, without its quotes: the MD5 of the body in lower-case hex, for a multipart object
/// the MD5 of the parts' binary MD5s followed by `-` and the number of parts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ETag(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Repr {
    md5: [u8; 16],
    parts: Option<u16>,
}

/// The text is not an entity tag that Esker makes, so it matches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an entity tag")]
pub struct InvalidETag;

impl ETag {
    /// The tag of a body with this MD5.
    pub fn of_body(md5: [u8; 16]) -> ETag {
        ETag(Repr { md5, parts: None })
    }

    /// The tag of a multipart object: `md5` of the concatenated binary part MD5s.
    pub fn of_parts(md5: [u8; 16], parts: u16) -> ETag {
        ETag(Repr { md5, parts: Some(parts) })
    }

    /// The binary MD5.
    pub fn md5(&self) -> [u8; 16] {
        self.0.md5
    }

    /// The number of parts, for a multipart object.
    pub fn parts(&self) -> Option<u16> {
        self.0.parts
    }

    /// Parses the text form, with or without quotes.
    pub fn parse(text: &str) -> Result<ETag, InvalidETag> {
        let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        let (digest, parts) = match text.split_once('-') {
            None => (text, None),
            // Tags are compared as texts, so the number of parts has one form too: `-0` and `-01` match nothing.
            Some((digest, parts)) if !parts.starts_with('0') && parts.bytes().all(|b| b.is_ascii_digit()) => {
                (digest, Some(parts.parse().map_err(|_| InvalidETag)?))
            }
            Some(_) => return Err(InvalidETag),
        };
        if digest.len() != 32 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidETag);
        }
        let bits = u128::from_str_radix(digest, 16).map_err(|_| InvalidETag)?;
        Ok(ETag(Repr { md5: bits.to_be_bytes(), parts }))
    }

    /// The tag in double quotes, as headers and XML carry it.
    pub fn quoted(&self) -> String {
        format!("\"{self}\"")
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0.md5))?;
        match self.0.parts {
            Some(parts) => write!(f, "-{parts}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_with_and_without_quotes() {
        let tag = ETag::of_parts([0xab; 16], 12);
        assert_eq!(tag.to_string(), format!("{}-12", "ab".repeat(16)));
        assert_eq!(ETag::parse(&tag.quoted()), Ok(tag.clone()));
        assert_eq!(ETag::parse(&tag.to_string()), Ok(tag));
    }

    // The stored form of a tag has no place for a count of 0: `TAG-0` in a condition would have matched `TAG`.
    #[test]
    fn the_number_of_parts_has_one_form() {
        let tag = |parts: &str| ETag::parse(&format!("{}-{parts}", "ab".repeat(16)));
        for parts in ["0", "00", "01", "010", "+1", " 1", "65536"] {
            assert_eq!(tag(parts), Err(InvalidETag), "{parts:?}");
        }
        assert_eq!(tag("10"), Ok(ETag::of_parts([0xab; 16], 10)));
    }

    #[test]
    fn texts_that_match_nothing_are_refused() {
        for text in ["", "\"\"", "*", "abc", &"g".repeat(32), &format!("{}-", "a".repeat(32)), "-1"] {
            assert_eq!(ETag::parse(text), Err(InvalidETag), "{text:?}");
        }
    }
}
