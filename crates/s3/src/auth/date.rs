//! When a request was signed, and whether that is now (s3-rules 34).

use super::{PRESIGNED_SECONDS_MAX, SKEW_SECONDS_MAX};
use crate::error::{ErrorCode, S3Error};
use crate::request::target::RequestHead;
use crate::times::{format_amz_date, format_iso8601, parse_amz_date, parse_http_date};
use esker_types::Timestamp;

/// The signing time of a request signed by header: `x-amz-date`, else `Date`.
pub(super) fn of_header(head: &RequestHead<'_>) -> Result<u64, S3Error> {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let parse = |text: &str| parse_amz_date(text).or_else(|| parse_http_date(text));
    text("x-amz-date").or_else(|| text("date")).map(str::trim).and_then(parse).ok_or_else(|| {
        let message = "AWS authentication requires a valid Date or x-amz-date header";
        S3Error::message(ErrorCode::AccessDenied, message)
    })
}

/// Checks that a request signed by header was signed within 15 minutes of now.
pub(super) fn check_skew(time: u64, now: Timestamp) -> Result<(), S3Error> {
    if time.abs_diff(now.seconds()) <= SKEW_SECONDS_MAX {
        return Ok(());
    }
    Err(S3Error::new(ErrorCode::RequestTimeTooSkewed)
        .with_extra("RequestTime", format_amz_date(time))
        .with_extra("ServerTime", format_iso8601(now))
        .with_extra("MaxAllowedSkewMilliseconds", (SKEW_SECONDS_MAX * 1000).to_string()))
}

/// Parses `X-Amz-Expires`, in seconds.
pub(super) fn parse_expires(text: &str) -> Result<u64, S3Error> {
    let error = |message| S3Error::message(ErrorCode::AuthorizationQueryParametersError, message);
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return Err(error("X-Amz-Expires should be a number"));
    }
    match text.parse::<i128>() {
        Ok(seconds) if seconds < 1 => Err(error("X-Amz-Expires must be at least 1 second")),
        Ok(seconds) => u64::try_from(seconds).ok().filter(|s| *s <= PRESIGNED_SECONDS_MAX).ok_or_else(|| {
            error("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
        }),
        Err(_) => Err(error("X-Amz-Expires should be a number")),
    }
}

/// Checks that a presigned URL is valid now.
pub(super) fn check_expiry(time: u64, expires: u64, now: Timestamp) -> Result<(), S3Error> {
    let denied = |message| S3Error::message(ErrorCode::AccessDenied, message);
    if time > now.seconds() + SKEW_SECONDS_MAX {
        return Err(denied("Request is not valid yet").with_extra("ServerTime", format_iso8601(now)));
    }
    let end = time + expires;
    if now.seconds() <= end {
        return Ok(());
    }
    Err(denied("Request has expired")
        .with_extra("X-Amz-Expires", expires.to_string())
        .with_extra("Expires", format_iso8601(Timestamp(end.saturating_mul(1_000_000))))
        .with_extra("ServerTime", format_iso8601(now)))
}
