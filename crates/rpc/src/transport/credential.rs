//! The credential of one call: who calls, whom it means, when, and the token that proves it.

use crate::transport::{CallerInfo, ClusterSecret, Identity};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use esker_types::{ClusterId, NodeId};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use uuid::Uuid;

const CLUSTER: HeaderName = HeaderName::from_static("esker-cluster");
const FROM: HeaderName = HeaderName::from_static("esker-from");
const TO: HeaderName = HeaderName::from_static("esker-to");
const TIME: HeaderName = HeaderName::from_static("esker-time");
const TOKEN: HeaderName = HeaderName::from_static("esker-token");

/// A call may be this old, or this far ahead, in milliseconds. Clocks may jump by an hour, and a node must be heard all
/// the same: the bound only ends the life of a token that somebody has written down.
const SKEW_MILLIS_MAX: u64 = 24 * 60 * 60 * 1000;

/// The calls that need no cluster: those that form one, join one, or ask who is there.
const CONTROL: &str = "/esker.control.v1.Control/";

/// Means whoever is at the address.
pub(super) const ANYBODY: NodeId = NodeId(0);

/// What a call says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    /// The caller's cluster, if it has one.
    pub(super) cluster: Option<ClusterId>,
    pub(super) from: NodeId,
    /// The node that is meant, or [`ANYBODY`].
    pub(super) to: NodeId,
    /// By the caller's clock, since the epoch.
    pub(super) millis: u64,
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the call carries no credential")]
    Missing,
    #[error("the call's token is not one of this cluster's secret")]
    Token,
    #[error("the call's date is more than a day from this node's clock")]
    Date,
    #[error("this node belongs to another cluster")]
    OtherCluster,
    #[error("this node belongs to no cluster yet")]
    NoCluster,
    #[error("the caller belongs to no cluster")]
    Stranger,
    #[error("this is another node than the one that is meant")]
    OtherNode,
}

impl Credential {
    fn text(&self, path: &str) -> String {
        let Credential { cluster, from, to, millis } = self;
        format!("esker/1\n{}\n{from}\n{to}\n{millis}\n{path}", ClusterText(*cluster))
    }

    /// Puts the credential for a call of `path` into its headers.
    pub(super) fn write(&self, secret: &ClusterSecret, path: &str, headers: &mut HeaderMap) {
        let value = |text: String| {
            HeaderValue::try_from(text).expect("digits, letters, hyphens and base64 are valid header values")
        };
        headers.insert(CLUSTER, value(ClusterText(self.cluster).to_string()));
        headers.insert(FROM, value(self.from.to_string()));
        headers.insert(TO, value(self.to.to_string()));
        headers.insert(TIME, HeaderValue::from(self.millis));
        headers.insert(TOKEN, value(BASE64_STANDARD.encode(secret.sign(&self.text(path)))));
    }

    /// The credential of a call of `path`, if its token verifies.
    fn read(secret: &ClusterSecret, path: &str, headers: &HeaderMap) -> Result<Credential, Refusal> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let parsed = || {
            Some(Credential {
                cluster: match text(CLUSTER)? {
                    "none" => None,
                    id => Some(ClusterId(Uuid::try_parse(id).ok()?)),
                },
                from: node_id(text(FROM)?)?,
                to: node_id(text(TO)?)?,
                millis: text(TIME)?.parse().ok()?,
            })
        };
        let credential = parsed().ok_or(Refusal::Missing)?;
        let token =
            text(TOKEN).and_then(|token| BASE64_STANDARD.decode(token).ok()).ok_or(Refusal::Missing)?;
        if secret.verifies(&credential.text(path), &token) { Ok(credential) } else { Err(Refusal::Token) }
    }
}

/// Whether a node takes a call.
///
/// # Errors
/// Why not.
pub(super) fn admit(own: &Identity, path: &str, headers: &HeaderMap) -> Result<CallerInfo, Refusal> {
    let call = Credential::read(&own.secret, path, headers)?;
    if call.millis.abs_diff(own.clock.now().micros() / 1000) > SKEW_MILLIS_MAX {
        return Err(Refusal::Date);
    }
    let control = path.starts_with(CONTROL);
    match (own.cluster.get(), call.cluster) {
        (Some(own), Some(theirs)) if own != theirs => return Err(Refusal::OtherCluster),
        (None, _) if !control => return Err(Refusal::NoCluster),
        (Some(_), None) if !control => return Err(Refusal::Stranger),
        _ => {}
    }
    if call.to != own.node && !(control && call.to == ANYBODY) {
        return Err(Refusal::OtherNode);
    }
    Ok(CallerInfo { cluster: call.cluster, from: call.from })
}

/// A node's id, as it displays itself: 16 hex digits.
fn node_id(text: &str) -> Option<NodeId> {
    let id = u64::from_str_radix(text, 16).ok().map(NodeId)?;
    (id.to_string() == text).then_some(id)
}

struct ClusterText(Option<ClusterId>);

impl fmt::Display for ClusterText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cluster) => cluster.fmt(f),
            None => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ClusterCell;
    use esker_env::ManualClock;
    use esker_types::Timestamp;
    use std::sync::Arc;

    const NOW: u64 = 1_800_000_000_000;
    const DAY: u64 = 24 * 60 * 60 * 1000;
    const PUT: &str = "/esker.storage.v1.Storage/Put";
    const HELLO: &str = "/esker.control.v1.Control/Hello";

    fn cluster(id: u128) -> Option<ClusterId> {
        Some(ClusterId::from_bytes(id.to_be_bytes()))
    }

    fn node(id: u64, cluster: Option<ClusterId>) -> Identity {
        Identity {
            secret: ClusterSecret::new("0123456789abcdef").unwrap(),
            node: NodeId(id),
            cluster: cluster.map(ClusterCell::of).unwrap_or_default(),
            clock: Arc::new(ManualClock::new(Timestamp::from_millis(NOW))),
        }
    }

    const GOOD: Credential = Credential { cluster: None, from: NodeId(1), to: NodeId(2), millis: NOW };

    fn signed(call: Credential, path: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        call.write(&node(0, None).secret, path, &mut headers);
        headers
    }

    fn decided(own: Option<ClusterId>, call: Credential, path: &str) -> Result<NodeId, Refusal> {
        admit(&node(2, own), path, &signed(call, path)).map(|caller| caller.from)
    }

    #[test]
    fn a_call_within_the_cluster_is_let_in() {
        let call = Credential { cluster: cluster(7), ..GOOD };
        let caller = admit(&node(2, cluster(7)), PUT, &signed(call, PUT)).unwrap();
        assert_eq!(caller, CallerInfo { cluster: cluster(7), from: NodeId(1) });
    }

    #[test]
    fn clusters_do_not_mix_and_only_control_does_without_one() {
        use Refusal::{NoCluster, OtherCluster, Stranger};
        let with = |id| Credential { cluster: id, ..GOOD };
        for (own, theirs, for_data, for_control) in [
            (cluster(7), cluster(7), Ok(NodeId(1)), Ok(NodeId(1))),
            (cluster(7), cluster(8), Err(OtherCluster), Err(OtherCluster)),
            (cluster(7), None, Err(Stranger), Ok(NodeId(1))),
            (None, cluster(7), Err(NoCluster), Ok(NodeId(1))),
            (None, None, Err(NoCluster), Ok(NodeId(1))),
        ] {
            assert_eq!(decided(own, with(theirs), PUT), for_data, "{own:?} {theirs:?}");
            assert_eq!(decided(own, with(theirs), HELLO), for_control, "{own:?} {theirs:?}");
        }
    }

    #[test]
    fn a_call_for_another_node_is_refused_and_for_whoever_is_there_is_control_only() {
        let to = |to| Credential { cluster: cluster(7), to: NodeId(to), ..GOOD };
        assert_eq!(decided(cluster(7), to(3), PUT), Err(Refusal::OtherNode));
        assert_eq!(decided(cluster(7), to(3), HELLO), Err(Refusal::OtherNode));
        assert_eq!(decided(cluster(7), to(0), PUT), Err(Refusal::OtherNode));
        assert_eq!(decided(cluster(7), to(0), HELLO), Ok(NodeId(1)));
    }

    #[test]
    fn clocks_may_differ_by_a_day_and_no_more() {
        let at = |millis| Credential { millis, ..GOOD };
        for millis in [NOW - DAY, NOW - DAY / 24, NOW + DAY] {
            assert_eq!(decided(None, at(millis), HELLO), Ok(NodeId(1)));
        }
        for millis in [0, NOW - DAY - 1, NOW + DAY + 1, u64::MAX] {
            assert_eq!(decided(None, at(millis), HELLO), Err(Refusal::Date));
        }
    }

    #[test]
    fn a_token_covers_every_header_and_the_path() {
        let call = Credential { cluster: cluster(7), ..GOOD };
        let other = signed(
            Credential { cluster: cluster(8), from: NodeId(8), to: NodeId(8), millis: NOW + 8 },
            "/esker.storage.v1.Storage/Delete",
        );
        let own = node(2, cluster(7));
        for name in [CLUSTER, FROM, TO, TIME, TOKEN] {
            let mut changed = signed(call, PUT);
            changed.insert(name.clone(), other[&name].clone());
            assert_eq!(admit(&own, PUT, &changed), Err(Refusal::Token), "{name}");
            changed.remove(&name);
            assert_eq!(admit(&own, PUT, &changed), Err(Refusal::Missing), "{name}");
            changed.insert(name.clone(), HeaderValue::from_static("%"));
            assert_eq!(admit(&own, PUT, &changed), Err(Refusal::Missing), "{name}");
        }
        assert_eq!(admit(&own, "/esker.storage.v1.Storage/Delete", &signed(call, PUT)), Err(Refusal::Token));
        let mut theirs = HeaderMap::new();
        call.write(&ClusterSecret::new("another 16 bytes").unwrap(), PUT, &mut theirs);
        assert_eq!(admit(&own, PUT, &theirs), Err(Refusal::Token));
    }

    /// Nodes of different versions have to agree about it.
    #[test]
    fn the_token_of_a_known_call_never_changes() {
        let headers = signed(Credential { cluster: cluster(7), ..GOOD }, PUT);
        assert_eq!(headers[CLUSTER], "00000000-0000-0000-0000-000000000007");
        assert_eq!(
            (&headers[FROM], &headers[TO]),
            (&"0000000000000001".parse().unwrap(), &"0000000000000002".parse().unwrap())
        );
        assert_eq!(headers[TIME], "1800000000000");
        assert_eq!(headers[TOKEN], "X5hwlLktLLi8XSWaP54VYITV+r8lHJfgOT8DUBdr+5U=");
    }
}
