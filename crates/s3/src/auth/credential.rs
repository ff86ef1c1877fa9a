//! `Credential`: who signed, and the scope that the signing key is good for.

use crate::error::{ErrorCode, S3Error};
use crate::times::format_amz_date;
use std::fmt;

/// What a signing key is good for: one day, one region, the service `s3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CredentialScope {
    /// The day, `YYYYMMDD`.
    pub date: String,
    /// The region.
    pub region: String,
}

impl fmt::Display for CredentialScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/s3/aws4_request", self.date, self.region)
    }
}

/// Where a credential stands, which decides how its errors read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the `Authorization` header.
    Header,
    /// In the query.
    Query,
}

impl Place {
    /// The error for signature data that is wrong in this place.
    pub(super) fn malformed(self, what: &str) -> S3Error {
        match self {
            Place::Header => S3Error::message(
                ErrorCode::AuthorizationHeaderMalformed,
                format!("The authorization header is malformed; {what}"),
            ),
            Place::Query => S3Error::message(
                ErrorCode::AuthorizationQueryParametersError,
                format!("Error parsing the X-Amz-Credential parameter; {what}"),
            ),
        }
    }

    /// Parses `ACCESS_KEY/DATE/REGION/s3/aws4_request`. An access key may contain slashes.
    pub(super) fn parse_credential(self, text: &str) -> Result<(String, CredentialScope), S3Error> {
        let malformed = || {
            self.malformed(
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            )
        };
        let fields: Vec<&str> = text.rsplitn(5, '/').collect();
        let &[terminal, service, region, date, access_key] = fields.as_slice() else {
            return Err(malformed());
        };
        if terminal != "aws4_request" {
            let what = format!("incorrect terminal \"{terminal}\". This endpoint uses \"aws4_request\".");
            return Err(self.malformed(&what));
        }
        if service != "s3" {
            let what = format!("incorrect service \"{service}\". This endpoint belongs to \"s3\".");
            return Err(self.malformed(&what));
        }
        let is_date = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
        if !is_date || access_key.is_empty() || region.is_empty() {
            return Err(malformed());
        }
        let scope = CredentialScope { date: date.to_owned(), region: region.to_owned() };
        Ok((access_key.to_owned(), scope))
    }

    /// Checks a scope against the request's time and the regions that are accepted, the server's own first.
    pub(super) fn check_scope(
        self,
        scope: &CredentialScope,
        time: u64,
        regions: &[&str],
    ) -> Result<(), S3Error> {
        if !regions.contains(&scope.region.as_str()) {
            // s3-rules 35: clients retry with the region that the error names.
            let expected = regions.first().copied().unwrap_or_default();
            let what = format!("the region '{}' is wrong; expecting '{expected}'", scope.region);
            return Err(self.malformed(&what).with_extra("Region", expected));
        }
        let sent = format_amz_date(time);
        if !sent.starts_with(&scope.date) {
            let what = format!(
                "Invalid credential date \"{}\". This date is not the same as X-Amz-Date: \"{}\".",
                scope.date,
                &sent[..8]
            );
            return Err(self.malformed(&what));
        }
        Ok(())
    }
}
