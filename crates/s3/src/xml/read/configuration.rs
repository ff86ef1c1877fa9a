//! `CreateBucketConfiguration` and `VersioningConfiguration`.

use crate::error::{ErrorCode, S3Error};
use crate::xml::tree::{Element, malformed};
use esker_types::VersioningState;

/// Reads the body of CreateBucket, which may be empty, and checks its location against the server's region
/// (s3-rules 30).
///
/// # Errors
/// `MalformedXML`, `IllegalLocationConstraintException`, `NotImplemented` for directory buckets and tags.
pub fn create_bucket_configuration(body: &[u8], region: &str) -> Result<(), S3Error> {
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    let root = Element::parse(body, "CreateBucketConfiguration")?;
    for name in ["Location", "Bucket", "Tags"] {
        if root.child(name)?.is_some_and(|child| !child.children.is_empty()) {
            return Err(S3Error::not_implemented(&format!("CreateBucketConfiguration/{name}")));
        }
    }
    root.only(&["LocationConstraint", "Location", "Bucket", "Tags"])?;
    let location = root.child_text("LocationConstraint")?.unwrap_or_default().trim();
    // S3's old name of the region.
    let location = if location == "EU" { "eu-west-1" } else { location };
    if location.is_empty() || location == region {
        return Ok(());
    }
    let message = format!(
        "The {location} location constraint is incompatible for the region specific endpoint this request was \
         sent to."
    );
    Err(S3Error::message(ErrorCode::IllegalLocationConstraint, message)
        .with_extra("LocationConstraint", location))
}

/// Reads the body of PutBucketVersioning: never `Unversioned` (s3-rules 22).
///
/// # Errors
/// `MalformedXML` for a bad `Status`, `IllegalVersioningConfigurationException` for a missing one,
/// `NotImplemented` for MFA delete, `MissingRequestBodyError`.
pub fn versioning_configuration(body: &[u8]) -> Result<VersioningState, S3Error> {
    if body.trim_ascii().is_empty() {
        return Err(ErrorCode::MissingRequestBody.into());
    }
    let root = Element::parse(body, "VersioningConfiguration")?;
    root.only(&["Status", "MfaDelete"])?;
    match root.child_text("MfaDelete")?.map(str::trim) {
        None | Some("Disabled") => {}
        Some("Enabled") => return Err(S3Error::not_implemented("MFA delete")),
        Some(_) => return Err(malformed()),
    }
    match root.child_text("Status")?.map(str::trim) {
        Some("Enabled") => Ok(VersioningState::Enabled),
        Some("Suspended") => Ok(VersioningState::Suspended),
        Some(_) => Err(malformed()),
        None => Err(S3Error::message(
            ErrorCode::IllegalVersioningConfiguration,
            "The Versioning element must be specified",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(body: &str) -> Result<(), ErrorCode> {
        create_bucket_configuration(body.as_bytes(), "eu-west-1").map_err(|error| error.code)
    }

    // s3-rules 30
    #[test]
    fn only_the_servers_own_location_is_accepted() {
        let location = |text: &str| {
            create(&format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{text}</LocationConstraint></CreateBucketConfiguration>"
            ))
        };
        assert_eq!(create(""), Ok(()));
        assert_eq!(create("<CreateBucketConfiguration/>"), Ok(()));
        assert_eq!(location(""), Ok(()));
        assert_eq!(location("eu-west-1"), Ok(()));
        assert_eq!(location("EU"), Ok(()));
        assert_eq!(location("us-east-1"), Err(ErrorCode::IllegalLocationConstraint));
        assert_eq!(
            create("<CreateBucketConfiguration><X/></CreateBucketConfiguration>"),
            Err(ErrorCode::MalformedXml)
        );
        assert_eq!(create("<LocationConstraint/>"), Err(ErrorCode::MalformedXml));
        let tags = "<CreateBucketConfiguration><Tags><Tag/></Tags></CreateBucketConfiguration>";
        assert_eq!(create(tags), Err(ErrorCode::NotImplemented));
    }

    // s3-rules 22
    #[test]
    fn versioning_is_enabled_or_suspended() {
        let read = |content: &str| {
            let body = format!("<VersioningConfiguration>{content}</VersioningConfiguration>");
            versioning_configuration(body.as_bytes()).map_err(|error| error.code)
        };
        assert_eq!(read("<Status>Enabled</Status>"), Ok(VersioningState::Enabled));
        assert_eq!(
            read("<Status>Suspended</Status><MfaDelete>Disabled</MfaDelete>"),
            Ok(VersioningState::Suspended)
        );
        assert_eq!(read("<Status>enabled</Status>"), Err(ErrorCode::MalformedXml));
        assert_eq!(read("<Status/>"), Err(ErrorCode::MalformedXml));
        assert_eq!(read("<Status>Enabled</Status><Status>Enabled</Status>"), Err(ErrorCode::MalformedXml));
        assert_eq!(read(""), Err(ErrorCode::IllegalVersioningConfiguration));
        assert_eq!(
            read("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>"),
            Err(ErrorCode::NotImplemented)
        );
        assert_eq!(read("<Other/>"), Err(ErrorCode::MalformedXml));
        assert_eq!(versioning_configuration(b"").map_err(|e| e.code), Err(ErrorCode::MissingRequestBody));
    }
}
