//! The query of a request target, decoded once for routing and for signatures alike.

use crate::encoding::{Plus, decode, encode};
use crate::error::{ErrorCode, S3Error};

/// Decoded names and values in the order sent. A parameter without `=` has an empty value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Decodes a raw query. `+` is a space: form encoders write it so, S3 reads it so, and clients that mean a
    /// plus send `%2B`.
    ///
    /// # Errors
    /// `InvalidURI` for a bad escape or bytes that are not UTF-8.
    pub fn parse(raw: &str) -> Result<Query, S3Error> {
        let text = |part| decode(part, Plus::Space).map_err(|_| S3Error::new(ErrorCode::InvalidUri));
        let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((text(name)?, text(value)?))
        });
        Ok(Query { pairs: pairs.collect::<Result<_, S3Error>>()? })
    }

    /// The value of the first parameter of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is a parameter of this name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How often a parameter of this name occurs.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.names().filter(|n| *n == name).count()
    }

    /// The names, in the order sent.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    /// Names and values, in the order sent.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The canonical query of a signature: encoded, sorted, all parameters but `except` (s3-rules 33).
    pub(crate) fn canonical(&self, except: Option<&str>) -> String {
        let mut encoded: Vec<(String, String)> = self
            .pairs
            .iter()
            .filter(|(name, _)| Some(name.as_str()) != except)
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        encoded.sort();
        let pairs: Vec<String> = encoded.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // botocore writes a space as %20 and a plus as %2B; HTML forms write a space as +.
    #[test]
    fn spaces_and_pluses_are_told_apart() {
        let query = Query::parse("prefix=a%20b%2Bc&delimiter=+&&acl&marker=x=y").expect("valid");
        assert_eq!(query.get("prefix"), Some("a b+c"));
        assert_eq!(query.get("delimiter"), Some(" "));
        assert_eq!(query.get("acl"), Some(""));
        assert_eq!(query.get("marker"), Some("x=y"));
        assert_eq!(query.get("absent"), None);
        for raw in ["a=%", "a=%f", "%gg=1", "a=%ff"] {
            assert_eq!(Query::parse(raw).expect_err(raw).code, ErrorCode::InvalidUri, "{raw}");
        }
    }

    // s3-rules 33
    #[test]
    fn the_canonical_form_is_sorted_and_encoded_and_keeps_unknown_parameters() {
        let canonical = |raw: &str| Query::parse(raw).expect("valid").canonical(Some("X-Amz-Signature"));
        assert_eq!(
            canonical("prefix=a+b&x-id=GetObject&acl&X-Amz-Signature=1"),
            "acl=&prefix=a%20b&x-id=GetObject"
        );
        assert_eq!(canonical("b=2&a=2&a=1&A=3"), "A=3&a=1&a=2&b=2");
        assert_eq!(canonical("k=/*~-_."), "k=%2F%2A~-_.");
        assert_eq!(canonical(""), "");
    }

    proptest! {
        // Canonicalising what is canonical changes nothing, so a client that sends what it signed always matches.
        #[test]
        fn canonicalisation_is_idempotent(pairs in proptest::collection::vec((".{0,8}", ".{0,8}"), 0..6)) {
            let raw: Vec<String> = pairs.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
            let once = Query::parse(&raw.join("&")).expect("encoded").canonical(None);
            prop_assert_eq!(Query::parse(&once).expect("canonical").canonical(None), once);
        }
    }
}
