//! Requests that boto3 1.44 sent, signatures and bodies included: an oracle that shares no code with ours.
//!
//! `golden/boto3_requests.txt` holds what went over the wire; `golden/boto3_operations.txt` what we understand.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use esker_s3::auth::{SignedRequest, Verified};
use esker_s3::body::{BodyKind, BodyPlan, BodyReader};
use esker_s3::md5::Md5;
use esker_s3::request::{Caller, Hosting, Operation, Request, RequestHead};
use esker_s3::{ErrorCode, S3Error, xml};
use esker_types::Timestamp;
use expect_test::expect_file;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

const SECRET_KEY: &str = "secret/Example+Key";
const REGION: &str = "eu-west-1";
/// 2026-03-04T05:06:07Z, when boto3's clock stood still.
const NOW: Timestamp = Timestamp(1_772_600_767_000_000);

struct Recorded {
    name: String,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Recorded {
    fn parse(text: &str) -> Recorded {
        let mut lines = text.lines();
        let name = lines.next().expect("name").trim_start_matches("# ").to_owned();
        let (method, target) = lines.next().expect("request line").split_once(' ').expect("target");
        let mut headers = HeaderMap::new();
        let mut body = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(": ").expect("header");
            if name == "body" {
                body = BASE64_STANDARD.decode(value).expect("base64");
            } else {
                let name = HeaderName::try_from(name).expect("name");
                headers.append(name, HeaderValue::try_from(value).expect("value"));
            }
        }
        let method = method.parse().expect("method");
        Recorded { name, method, uri: target.parse().expect("target"), headers, body }
    }

    fn head(&self) -> RequestHead<'_> {
        RequestHead::new(&self.method, &self.uri, &self.headers)
    }

    fn verify(&self) -> Result<Verified, S3Error> {
        SignedRequest::parse(&self.head(), NOW, REGION)?.expect("signed").verify(SECRET_KEY)
    }

    fn operation(&self) -> Operation {
        let hosting = Hosting { domains: vec!["s3.example.com".to_owned()] };
        Request::parse(&self.head(), &hosting, Caller::Signed).expect(&self.name).operation
    }

    /// The body as its operation understands it.
    fn content(&self, operation: &Operation) -> String {
        let kind = match operation {
            Operation::PutObject(_) | Operation::UploadPart(_) => BodyKind::Object,
            Operation::DeleteObjects(_) => BodyKind::DeleteObjects,
            Operation::CompleteMultipartUpload(_) => BodyKind::CompleteMultipartUpload,
            Operation::CreateBucket(_) | Operation::PutBucketVersioning(_) => BodyKind::Document,
            _ => return String::new(),
        };
        let payload = self.verify().expect("verified").payload;
        let mut reader = BodyReader::new(BodyPlan::parse(&self.head(), payload, kind).expect("plan"));
        let mut input = Bytes::from(self.body.clone());
        let mut bytes = Vec::new();
        while let Some(piece) = reader.decode(&mut input).expect("body") {
            bytes.extend_from_slice(&piece);
        }
        let summary = reader.finish(Md5::of(&bytes)).expect("complete");
        match kind {
            BodyKind::Object => {
                let text = String::from_utf8_lossy(&bytes);
                format!("{text:?} {} {} {:?}\n", summary.size, summary.etag(), summary.checksum)
            }
            BodyKind::DeleteObjects => format!("{:#?}\n", xml::read::delete_objects(&bytes).expect("XML")),
            BodyKind::CompleteMultipartUpload => {
                format!("{:#?}\n", xml::read::complete_multipart_upload(&bytes).expect("XML"))
            }
            BodyKind::Document if matches!(operation, Operation::CreateBucket(_)) => {
                xml::read::create_bucket_configuration(&bytes, REGION).expect("XML");
                String::new()
            }
            BodyKind::Document => {
                format!("{:#?}\n", xml::read::versioning_configuration(&bytes).expect("XML"))
            }
        }
    }
}

fn recorded() -> Vec<Recorded> {
    include_str!("../golden/boto3_requests.txt").split("\n\n").map(Recorded::parse).collect()
}

#[test]
fn every_signature_verifies() {
    for request in recorded() {
        let verified = request.verify().expect(&request.name);
        assert_eq!(verified.access_key, "AKIAESKEREXAMPLE");
    }
}

#[test]
fn no_signature_survives_a_change_of_what_it_signs() {
    for request in recorded() {
        let code = |request: &Recorded| request.verify().map(|_| ()).expect_err(&request.name).code;
        let mut other_method = Recorded::parse(&format!("# {}\nPATCH /\n", request.name));
        other_method.uri = request.uri.clone();
        other_method.headers = request.headers.clone();
        assert_eq!(code(&other_method), ErrorCode::SignatureDoesNotMatch);
        let mut other_host = Recorded { headers: request.headers.clone(), ..other_method };
        other_host.method = request.method.clone();
        other_host.headers.insert("host", HeaderValue::from_static("evil.example.com"));
        assert_eq!(code(&other_host), ErrorCode::SignatureDoesNotMatch);
        other_host.headers = request.headers.clone();
        other_host.headers.insert("x-amz-meta-added", HeaderValue::from_static("1"));
        assert_eq!(code(&other_host), ErrorCode::AccessDenied);
    }
}

#[test]
fn every_request_is_understood() {
    let mut text = String::new();
    for request in recorded() {
        let operation = request.operation();
        text += &format!("# {}\n{operation:#?}\n{}\n", request.name, request.content(&operation));
    }
    expect_file!["../golden/boto3_operations.txt"].assert_eq(&text);
}
