//! s3-rules 34 and 35 for presigned URLs.

use super::tests::{DATE, NOW, REGION, extra};
use super::*;
use http::{HeaderMap, HeaderValue, Method};

fn presigned(parameters: &[(&str, &str)]) -> Result<Option<SignedRequest>, S3Error> {
    let mut all = vec![
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", "AKID%2F20130524%2Feu-west-1%2Fs3%2Faws4_request"),
        ("X-Amz-Date", DATE),
        ("X-Amz-Expires", "60"),
        ("X-Amz-SignedHeaders", "host"),
        ("X-Amz-Signature", "00"),
    ];
    for (name, value) in parameters {
        all.retain(|(n, _)| n != name);
        all.push((name, value));
    }
    let pairs: Vec<String> = all.iter().filter(|(_, v)| *v != "-").map(|(n, v)| format!("{n}={v}")).collect();
    let uri = format!("/bucket/k?{}", pairs.join("&")).parse().expect("target");
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost"));
    SignedRequest::parse(&RequestHead::new(&Method::GET, &uri, &headers), NOW, REGION)
}

// s3-rules 34
#[test]
fn presigned_parameters_are_all_needed_and_checked() {
    let code = |name, value| presigned(&[(name, value)]).map(|_| ()).expect_err(name).code;
    assert!(presigned(&[]).is_ok());
    for name in ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"]
    {
        assert_eq!(code(name, "-"), ErrorCode::AuthorizationQueryParametersError, "without {name}");
    }
    for expires in ["0", "-1", "604801", "x", "", "1.5", "99999999999999999999999999999999999999999999"] {
        assert_eq!(code("X-Amz-Expires", expires), ErrorCode::AuthorizationQueryParametersError, "{expires}");
    }
    assert!(presigned(&[("X-Amz-Expires", "1")]).is_ok());
    assert!(presigned(&[("X-Amz-Expires", "604800")]).is_ok());
    assert_eq!(code("X-Amz-Algorithm", "AWS4-HMAC-SHA1"), ErrorCode::AuthorizationQueryParametersError);
    assert_eq!(code("X-Amz-Date", "2013-05-24"), ErrorCode::AuthorizationQueryParametersError);
    assert_eq!(code("X-Amz-SignedHeaders", "range"), ErrorCode::AccessDenied);
    assert_eq!(code("X-Amz-Date", "20130524T001600Z"), ErrorCode::AccessDenied, "not valid yet");
    assert!(presigned(&[("X-Amz-Date", "20130524T001500Z")]).is_ok());
}

// s3-rules 34, 35
#[test]
fn presigned_urls_expire_and_belong_to_a_region() {
    let yesterday =
        [("X-Amz-Date", "20130523T235859Z"), ("X-Amz-Credential", "AKID/20130523/eu-west-1/s3/aws4_request")];
    let expired = presigned(&yesterday).map(|_| ()).expect_err("expired");
    assert_eq!((expired.code, &*expired.message), (ErrorCode::AccessDenied, "Request has expired"));
    let elsewhere = [("X-Amz-Credential", "AKID/20130524/us-east-1/s3/aws4_request")];
    let error = presigned(&elsewhere).map(|_| ()).expect_err("elsewhere");
    assert_eq!(error.code, ErrorCode::AuthorizationQueryParametersError);
    assert_eq!(extra(&error, "Region"), Some(REGION));
}
