//! Amazon's own SDK for Rust, set up for one server, and what its errors say.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use std::fmt::Debug;
use std::time::Duration;

use crate::server::{ACCESS_KEY, REGION, SECRET_KEY};
use crate::serves::Serves;

/// A client of the root user. It never retries: what a test sees is what the server answered once.
pub fn client(server: &impl Serves) -> Client {
    client_as(server, ACCESS_KEY, SECRET_KEY, REGION)
}

/// A client with these credentials and this region.
pub fn client_as(server: &impl Serves, access_key: &str, secret_key: &str, region: &str) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(900))
        .build();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(server.endpoint())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new(access_key, secret_key, None, None, "test"))
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

/// An error response.
#[derive(Debug)]
pub struct Failure {
    /// Status code.
    pub status: u16,
    /// S3 error code; empty if the response had no body.
    pub code: String,
    headers: Vec<(String, String)>,
}

impl Failure {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// The error response of a call that failed.
///
/// # Panics
/// If the call succeeded, or failed without a response.
#[track_caller]
pub fn failure<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, SdkError<E>>) -> Failure {
    let error = result.expect_err("the call fails");
    let response = error.raw_response().unwrap_or_else(|| panic!("no response: {error:?}"));
    let headers = response.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Failure {
        status: response.status().as_u16(),
        code: error.code().unwrap_or_default().to_owned(),
        headers: headers.collect(),
    }
}

/// Asserts that a call fails with this status and S3 error code.
#[track_caller]
pub fn assert_fails<T: Debug, E: ProvideErrorMetadata + Debug>(
    result: Result<T, SdkError<E>>,
    status: u16,
    code: &str,
) -> Failure {
    let failure = failure(result);
    assert_eq!((failure.status, failure.code.as_str()), (status, code), "{failure:?}");
    failure
}
