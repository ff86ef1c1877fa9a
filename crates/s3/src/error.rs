//! The errors that a client can see: one table from code to text, HTTP status and default message.
//!
//! Source: S3 API reference, "Error responses" (list of error codes).

use http::{HeaderName, HeaderValue, StatusCode};
use std::borrow::Cow;
use std::fmt;

macro_rules! error_codes {
    ($($name:ident $text:literal $status:ident $message:literal;)*) => {
        /// An S3 error code. Each variant's line of documentation is its default message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $(#[doc = $message] $name,)* }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name,)*];

            /// The code's text in `<Code>`.
            pub const fn text(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> StatusCode {
                match self { $(ErrorCode::$name => StatusCode::$status,)* }
            }

            /// The message when the thrower has nothing more precise to say.
            pub const fn default_message(self) -> &'static str {
                match self { $(ErrorCode::$name => $message,)* }
            }
        }
    };
}

error_codes! {
    AccessDenied "AccessDenied" FORBIDDEN "Access Denied";
    AuthorizationHeaderMalformed "AuthorizationHeaderMalformed" BAD_REQUEST "The authorization header that you provided is not valid.";
    AuthorizationQueryParametersError "AuthorizationQueryParametersError" BAD_REQUEST "The authorization query parameters that you provided are not valid.";
    BadDigest "BadDigest" BAD_REQUEST "The Content-MD5 or checksum value that you specified did not match what the server received.";
    BucketAlreadyExists "BucketAlreadyExists" CONFLICT "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.";
    BucketAlreadyOwnedByYou "BucketAlreadyOwnedByYou" CONFLICT "Your previous request to create the named bucket succeeded and you already own it.";
    BucketNotEmpty "BucketNotEmpty" CONFLICT "The bucket that you tried to delete is not empty. You must delete all versions in the bucket.";
    ConditionalRequestConflict "ConditionalRequestConflict" CONFLICT "A conflicting operation occurred. Retry the request.";
    EntityTooLarge "EntityTooLarge" BAD_REQUEST "Your proposed upload exceeds the maximum allowed object size.";
    EntityTooSmall "EntityTooSmall" BAD_REQUEST "Your proposed upload is smaller than the minimum allowed size.";
    IllegalLocationConstraint "IllegalLocationConstraintException" BAD_REQUEST "The specified location-constraint is not valid for the region of this server.";
    IllegalVersioningConfiguration "IllegalVersioningConfigurationException" BAD_REQUEST "The versioning configuration specified in the request is invalid.";
    IncompleteBody "IncompleteBody" BAD_REQUEST "You did not provide the number of bytes specified by the Content-Length HTTP header.";
    InsufficientStorage "InsufficientStorage" INSUFFICIENT_STORAGE "The cluster has no room for this write. Reads still work.";
    InternalError "InternalError" INTERNAL_SERVER_ERROR "We encountered an internal error. Please try again.";
    InvalidAccessKeyId "InvalidAccessKeyId" FORBIDDEN "The AWS Access Key Id you provided does not exist in our records.";
    InvalidArgument "InvalidArgument" BAD_REQUEST "Invalid Argument";
    InvalidBucketName "InvalidBucketName" BAD_REQUEST "The specified bucket is not valid.";
    InvalidBucketState "InvalidBucketState" CONFLICT "The request is not valid for the current state of the bucket.";
    InvalidDigest "InvalidDigest" BAD_REQUEST "The Content-MD5 you specified was invalid.";
    InvalidLocationConstraint "InvalidLocationConstraint" BAD_REQUEST "The specified location constraint is not valid.";
    InvalidPart "InvalidPart" BAD_REQUEST "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.";
    InvalidPartOrder "InvalidPartOrder" BAD_REQUEST "The list of parts was not in ascending order. Parts must be ordered by part number.";
    InvalidRange "InvalidRange" RANGE_NOT_SATISFIABLE "The requested range is not satisfiable";
    InvalidRequest "InvalidRequest" BAD_REQUEST "Invalid Request";
    InvalidStorageClass "InvalidStorageClass" BAD_REQUEST "The storage class you specified is not valid";
    InvalidTag "InvalidTag" BAD_REQUEST "The tag provided was not a valid tag.";
    InvalidToken "InvalidToken" BAD_REQUEST "The provided token is malformed or otherwise invalid.";
    InvalidUri "InvalidURI" BAD_REQUEST "Couldn't parse the specified URI.";
    KeyTooLong "KeyTooLongError" BAD_REQUEST "Your key is too long";
    MalformedTrailer "MalformedTrailerError" BAD_REQUEST "The request contained trailing data that was not well-formed or did not conform to our published schema.";
    MalformedXml "MalformedXML" BAD_REQUEST "The XML you provided was not well-formed or did not validate against our published schema";
    MaxMessageLengthExceeded "MaxMessageLengthExceeded" BAD_REQUEST "Your request was too big.";
    MetadataTooLarge "MetadataTooLarge" BAD_REQUEST "Your metadata headers exceed the maximum allowed metadata size";
    MethodNotAllowed "MethodNotAllowed" METHOD_NOT_ALLOWED "The specified method is not allowed against this resource.";
    MissingContentLength "MissingContentLength" LENGTH_REQUIRED "You must provide the Content-Length HTTP header.";
    MissingRequestBody "MissingRequestBodyError" BAD_REQUEST "Request body is empty.";
    NoSuchBucket "NoSuchBucket" NOT_FOUND "The specified bucket does not exist";
    NoSuchKey "NoSuchKey" NOT_FOUND "The specified key does not exist.";
    NoSuchUpload "NoSuchUpload" NOT_FOUND "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    NoSuchVersion "NoSuchVersion" NOT_FOUND "The specified version does not exist.";
    NotImplemented "NotImplemented" NOT_IMPLEMENTED "A header or parameter you provided implies functionality that is not implemented";
    NotModified "NotModified" NOT_MODIFIED "Not Modified";
    OperationAborted "OperationAborted" CONFLICT "A conflicting conditional operation is currently in progress against this resource. Please try again.";
    PreconditionFailed "PreconditionFailed" PRECONDITION_FAILED "At least one of the pre-conditions you specified did not hold";
    RequestHeaderSectionTooLarge "RequestHeaderSectionTooLarge" BAD_REQUEST "Your request header section exceeds the maximum allowed size.";
    RequestTimeTooSkewed "RequestTimeTooSkewed" FORBIDDEN "The difference between the request time and the current time is too large.";
    RequestTimeout "RequestTimeout" BAD_REQUEST "Your socket connection to the server was not read from or written to within the timeout period.";
    ServiceUnavailable "ServiceUnavailable" SERVICE_UNAVAILABLE "Service is unable to handle request.";
    SignatureDoesNotMatch "SignatureDoesNotMatch" FORBIDDEN "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    SlowDown "SlowDown" SERVICE_UNAVAILABLE "Please reduce your request rate.";
    TooManyBuckets "TooManyBuckets" BAD_REQUEST "You have attempted to create more buckets than allowed.";
    XAmzContentSha256Mismatch "XAmzContentSHA256Mismatch" BAD_REQUEST "The provided 'x-amz-content-sha256' header does not match what was computed.";
}

/// An error as the client will see it: a row of the table, a message, and what else the reply carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Error {
    /// The row of the table.
    pub code: ErrorCode,
    /// What `<Message>` says.
    pub message: Cow<'static, str>,
    /// Further elements of the error document, in order, such as `Region` or `StringToSign`.
    pub extras: Vec<(&'static str, String)>,
    /// Headers of the reply, such as `Allow` or `x-amz-delete-marker`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl S3Error {
    /// An error with its code's default message.
    pub fn new(code: ErrorCode) -> S3Error {
        S3Error::message(code, code.default_message())
    }

    /// An error with a message of its own.
    pub fn message(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> S3Error {
        S3Error { code, message: message.into(), extras: Vec::new(), headers: Vec::new() }
    }

    /// Adds an element to the error document.
    #[must_use]
    pub fn with_extra(mut self, name: &'static str, value: impl Into<String>) -> S3Error {
        self.extras.push((name, value.into()));
        self
    }

    /// Adds a header to the reply.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> S3Error {
        self.headers.push((name, value));
        self
    }

    /// The HTTP status of the reply.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// 400 `InvalidArgument` that names the argument, as S3 does.
    pub fn invalid_argument(
        name: &'static str,
        value: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
    ) -> S3Error {
        S3Error::message(ErrorCode::InvalidArgument, message)
            .with_extra("ArgumentName", name)
            .with_extra("ArgumentValue", value)
    }

    /// 412 `PreconditionFailed` that names the header that failed, as S3 does.
    pub fn precondition_failed(condition: &'static str) -> S3Error {
        S3Error::new(ErrorCode::PreconditionFailed).with_extra("Condition", condition)
    }

    /// 501 for a known header or parameter that Esker does not implement.
    pub fn not_implemented(what: &str) -> S3Error {
        S3Error::message(ErrorCode::NotImplemented, format!("{what} is not implemented"))
    }

    /// 416 for a body of `size` bytes, with the `Content-Range` that says so (s3-rules 4).
    pub fn invalid_range(size: u64) -> S3Error {
        let content_range = HeaderValue::try_from(format!("bytes */{size}"));
        let mut error =
            S3Error::new(ErrorCode::InvalidRange).with_extra("ActualObjectSize", size.to_string());
        error.headers.extend(content_range.ok().map(|value| (http::header::CONTENT_RANGE, value)));
        error
    }
}

impl From<ErrorCode> for S3Error {
    fn from(code: ErrorCode) -> S3Error {
        S3Error::new(code)
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.text(), self.message)
    }
}

impl std::error::Error for S3Error {}

impl From<esker_types::InvalidBucketName> for S3Error {
    fn from(_: esker_types::InvalidBucketName) -> S3Error {
        ErrorCode::InvalidBucketName.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect_file;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_golden() {
        let table: Vec<String> = ErrorCode::ALL
            .iter()
            .map(|code| format!("{} {} {}\n", code.status().as_u16(), code.text(), code.default_message()))
            .collect();
        expect_file!["../golden/errors.txt"].assert_eq(&table.concat());
    }

    #[test]
    fn every_code_has_its_own_text_and_an_error_status() {
        let texts: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.text()).collect();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            let status = code.status();
            assert!(status.is_client_error() || status.is_server_error() || *code == ErrorCode::NotModified);
        }
    }

    // s3-rules 4
    #[test]
    fn an_unsatisfiable_range_says_the_size() {
        let error = S3Error::invalid_range(7);
        assert_eq!(error.status().as_u16(), 416);
        assert_eq!(error.headers, [(http::header::CONTENT_RANGE, HeaderValue::from_static("bytes */7"))]);
    }
}
