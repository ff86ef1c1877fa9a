//! A server of another region than the one that clients try first.

use e2e::http::{Response, send_unsigned};
use e2e::request::Request;
use e2e::server::{Options, Server};
use e2e::sigv4::Signer;

const REGION: &str = "eu-west-1";

fn started() -> Server {
    Server::start_with(Options::default().args(&["--region", REGION]))
}

fn signed_for(server: &Server, region: &str, method: &str, target: &str) -> Response {
    let signer = Signer { region: region.to_owned(), ..Signer::root(server) };
    send_unsigned(server, &signer.sign(Request::new(method, target)))
}

#[test]
fn rule_35_the_location_may_be_asked_for_in_us_east_1_and_nothing_else_may() {
    let server = started();
    signed_for(&server, REGION, "PUT", "/bucket").expect_status(200);
    for region in ["us-east-1", REGION] {
        let reply = signed_for(&server, region, "GET", "/bucket?location").expect_status(200);
        assert!(reply.text().contains(">eu-west-1</LocationConstraint>"), "{region}: {}", reply.text());
    }
    for (region, method, target) in [
        ("ap-south-1", "GET", "/bucket?location"),
        ("us-east-1", "GET", "/bucket"),
        ("us-east-1", "GET", "/"),
        ("us-east-1", "PUT", "/bucket/k"),
        ("us-east-1", "PUT", "/bucket/k?location"),
        ("us-east-1", "DELETE", "/bucket"),
    ] {
        let reply = signed_for(&server, region, method, target);
        let reply = reply.expect_error(400, "AuthorizationHeaderMalformed");
        assert_eq!(reply.element("Region").as_deref(), Some(REGION), "{method} {target}");
    }
    signed_for(&server, "us-east-1", "HEAD", "/bucket").expect_status(400);
}

#[test]
fn rule_35_every_region_that_is_reported_is_one_that_signing_takes() {
    let server = started();
    signed_for(&server, REGION, "PUT", "/bucket").expect_status(200);
    let refused = signed_for(&server, "us-west-2", "GET", "/bucket").element("Region").expect("Region");
    let location = signed_for(&server, "us-east-1", "GET", "/bucket?location").text();
    let location = location.rsplit_once("</LocationConstraint>").expect("the document").0;
    let location = location.rsplit_once('>').expect("the element").1.to_owned();
    let head = signed_for(&server, REGION, "HEAD", "/bucket");
    let head = head.header("x-amz-bucket-region").expect("the header").to_owned();
    for region in [refused, location, head] {
        signed_for(&server, &region, "GET", "/bucket").expect_status(200);
    }
}

#[test]
fn rule_35_a_link_of_a_wrong_region_is_told_the_right_one() {
    let server = started();
    let signer = Signer { region: "us-east-1".to_owned(), ..Signer::root(&server) };
    let link = signer.presign(Request::new("GET", "/bucket/k"), "60");
    let reply = send_unsigned(&server, &link).expect_error(400, "AuthorizationQueryParametersError");
    assert_eq!(reply.element("Region").as_deref(), Some(REGION));
}
