//! The settings that are about other nodes, and which of them contradict each other.

use super::addresses::{peers, reachable, seeds};
use super::{Given, SettingsError, invalid};
use esker_types::{ClusterSettings as Agreed, NodeRole, NodeRoles};
use std::collections::BTreeSet;
use std::num::{NonZeroU8, NonZeroU32};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A shorter secret could be guessed.
const SECRET_BYTES_MIN: usize = 16;
const SECRET_BYTES_MAX: u64 = 4096;
/// Replicas and voters beyond these cost more than they protect.
const REPLICAS_MAX: u8 = 16;
const VOTERS_MAX: u8 = 9;
/// Names of zones and hosts are shown in tables.
const NAME_CHARS_MAX: usize = 64;

/// How a node without a cluster gets one. A node that has one ignores it, but for the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// It is a cluster of its own.
    Alone,
    /// It forms one with these nodes, itself included; sorted.
    Peers(Vec<String>),
    /// It joins the cluster of these nodes.
    Join(Vec<String>),
    /// It waits to be added to one.
    AwaitJoin,
}

/// Where a node and its peers meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Where others reach the node.
    pub(crate) address: String,
    /// Where the node listens.
    pub(crate) listen: String,
    /// What all nodes of the cluster know.
    pub(crate) secret: String,
}

/// The settings that are about other nodes, complete and checked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ClusterSettings {
    pub(crate) beginning: Beginning,
    /// None: the node has no peers.
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) roles: NodeRoles,
    /// Empty: none.
    pub(crate) zone: String,
    /// None: the host's name.
    pub(crate) host: Option<String>,
    /// None: the disk's size in GiB.
    pub(crate) weight: Option<NonZeroU32>,
    /// What a cluster that is formed now agrees on.
    pub(crate) agreed: Agreed,
    /// None: nodes are never given up.
    pub(crate) lost_after: Option<Duration>,
    pub(crate) move_bytes_per_second: u64,
}

impl ClusterSettings {
    pub(super) fn complete(given: &Given) -> Result<ClusterSettings, SettingsError> {
        let roles = roles(&given.roles)?;
        let endpoint = endpoint(given)?;
        let beginning = beginning(given, endpoint.as_ref())?;
        check_roles(roles, &beginning, endpoint.as_ref())?;
        let agreed = Agreed {
            replicas: count("replicas", given.replicas.unwrap_or(3), REPLICAS_MAX)?,
            voters: count("voters", given.voters.unwrap_or(3), VOTERS_MAX)?,
        };
        check_agreed(agreed)?;
        let weight = match given.weight {
            None => None,
            Some(weight) => Some(NonZeroU32::new(weight).ok_or_else(|| invalid("weight", "at least 1"))?),
        };
        let rate = u64::from(given.move_rate.unwrap_or(100));
        if rate == 0 {
            return Err(invalid("move_rate", "at least 1: without any, nothing could ever be repaired"));
        }
        let lost_after = given.lost_after.unwrap_or(3600);
        Ok(ClusterSettings {
            beginning,
            endpoint,
            roles,
            zone: name("zone", given.zone.as_deref())?.unwrap_or_default(),
            host: name("host", given.host.as_deref())?.filter(|host| !host.is_empty()),
            weight,
            agreed,
            lost_after: (lost_after > 0).then(|| Duration::from_secs(lost_after)),
            move_bytes_per_second: rate << 20,
        })
    }

    /// The addresses that the settings name of other nodes.
    pub(crate) fn seeds(&self) -> Vec<String> {
        let own = self.endpoint.as_ref().map(|endpoint| endpoint.address.as_str());
        let named: &[String] = match &self.beginning {
            Beginning::Peers(seeds) | Beginning::Join(seeds) => seeds,
            Beginning::Alone | Beginning::AwaitJoin => &[],
        };
        named.iter().filter(|seed| Some(seed.as_str()) != own).cloned().collect()
    }
}

/// Checks what all nodes of a cluster agree about, when it is formed and when it is changed.
pub(crate) fn check_agreed(agreed: Agreed) -> Result<(), SettingsError> {
    count("replicas", agreed.replicas.get(), REPLICAS_MAX)?;
    if count("voters", agreed.voters.get(), VOTERS_MAX)?.get() % 2 == 0 {
        let what = "an odd number: one voter more than that costs nothing less in safety and time";
        return Err(invalid("voters", what));
    }
    Ok(())
}

fn count(setting: &'static str, given: u8, max: u8) -> Result<NonZeroU8, SettingsError> {
    let count = NonZeroU8::new(given).filter(|count| count.get() <= max);
    count.ok_or_else(|| invalid(setting, format!("1 to {max}")))
}

fn name(setting: &'static str, given: Option<&str>) -> Result<Option<String>, SettingsError> {
    let Some(name) = given else { return Ok(None) };
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(invalid(setting, format!("at most {NAME_CHARS_MAX} characters without spaces")));
    }
    Ok(Some(name.to_owned()))
}

fn roles(given: &[String]) -> Result<NodeRoles, SettingsError> {
    if given.is_empty() {
        return Ok(NodeRoles::ALL);
    }
    let mut roles = BTreeSet::new();
    for name in given {
        roles.insert(match name.trim() {
            "gateway" => NodeRole::Gateway,
            "metadata" => NodeRole::Metadata,
            "storage" => NodeRole::Storage,
            other => {
                return Err(invalid("roles", format!("{other:?} is none of gateway, metadata, storage")));
            }
        });
    }
    NodeRoles::new(roles).ok_or_else(|| invalid("roles", "at least one"))
}

/// How an operator's command reaches a cluster, as far as the settings say.
pub(crate) struct Reached {
    pub(crate) address: Option<String>,
    pub(crate) secret: Option<String>,
}

impl Reached {
    /// From a secret that is given, or a file of it, and then from the node's configuration file.
    pub(crate) fn load(
        secret: Option<String>,
        secret_file: Option<PathBuf>,
        config: Option<&Path>,
    ) -> Result<Reached, SettingsError> {
        let file = config.map(Given::from_file).transpose()?.unwrap_or_default();
        let given =
            Given { cluster_secret: secret, cluster_secret_file: secret_file, ..Given::default() }.or(file);
        let secret = secret_of(&given)?;
        Ok(Reached { address: given.cluster_address, secret })
    }
}

fn secret_of(given: &Given) -> Result<Option<String>, SettingsError> {
    match (&given.cluster_secret, &given.cluster_secret_file) {
        (Some(_), Some(_)) => {
            Err(invalid("cluster_secret_file", "cluster_secret is given, too: give one of them"))
        }
        (Some(secret), None) => checked_secret("cluster_secret", secret).map(Some),
        (None, Some(file)) => read_secret(file).map(Some),
        (None, None) => Ok(None),
    }
}

fn endpoint(given: &Given) -> Result<Option<Endpoint>, SettingsError> {
    let secret = secret_of(given)?;
    let Some(address) = &given.cluster_address else {
        if given.cluster_listen.is_some() {
            return Err(invalid("cluster_listen", "needs cluster_address, where other nodes reach this one"));
        }
        return Ok(None);
    };
    let address = reachable("cluster_address", address)?;
    let secret = secret.ok_or_else(|| {
        invalid("cluster_secret", "missing: a node with a cluster_address lets in only those that know it")
    })?;
    let listen = given.cluster_listen.clone().unwrap_or_else(|| address.clone());
    Ok(Some(Endpoint { address, listen, secret }))
}

/// The cluster's secret from a file; spaces and line ends around it don't count.
fn read_secret(file: &Path) -> Result<String, SettingsError> {
    let unreadable =
        |what: String| invalid("cluster_secret_file", format_args!("can't read {}: {what}", file.display()));
    let bytes = esker_env::read_file(&esker_env::OsDisk, file, SECRET_BYTES_MAX)
        .map_err(|error| unreadable(error.to_string()))?
        .ok_or_else(|| unreadable("there is no such file".to_owned()))?;
    let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
    checked_secret("cluster_secret_file", &text)
}

fn checked_secret(setting: &'static str, text: &str) -> Result<String, SettingsError> {
    let secret = text.trim();
    if secret.len() < SECRET_BYTES_MIN {
        let what = format!("at least {SECRET_BYTES_MIN} characters; `openssl rand -hex 32` makes a good one");
        return Err(invalid(setting, what));
    }
    Ok(secret.to_owned())
}

fn beginning(given: &Given, endpoint: Option<&Endpoint>) -> Result<Beginning, SettingsError> {
    let await_join = given.await_join.unwrap_or(false);
    let ways =
        [("peers", !given.peers.is_empty()), ("join", !given.join.is_empty()), ("await_join", await_join)];
    let chosen: Vec<&'static str> = ways.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    let setting = match chosen[..] {
        [] => return Ok(Beginning::Alone),
        [one] => one,
        [one, other, ..] => {
            return Err(invalid(
                other,
                format_args!("contradicts {one}: a node gets its cluster in one way"),
            ));
        }
    };
    let Some(endpoint) = endpoint else {
        return Err(invalid("cluster_address", format_args!("missing, but {setting} is given")));
    };
    match setting {
        "peers" => peers(&given.peers, &endpoint.address).map(Beginning::Peers),
        "join" => seeds(&given.join, &endpoint.address).map(Beginning::Join),
        _ => Ok(Beginning::AwaitJoin),
    }
}

fn check_roles(
    roles: NodeRoles,
    beginning: &Beginning,
    endpoint: Option<&Endpoint>,
) -> Result<(), SettingsError> {
    let metadata = roles.has(NodeRole::Metadata);
    match beginning {
        Beginning::Alone if endpoint.is_none() && roles != NodeRoles::ALL => {
            Err(invalid("roles", "a node without a cluster_address has nobody to take over the other roles"))
        }
        Beginning::Alone if !metadata => Err(invalid(
            "roles",
            "the first node of a cluster needs the metadata role; give join to a node without it",
        )),
        Beginning::Peers(_) if !metadata => Err(invalid(
            "peers",
            "are the metadata nodes that form the cluster; give join to a node without the metadata role",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Given {
        toml::from_str(text).expect("the text is a valid file")
    }

    fn complete(text: &str) -> Result<ClusterSettings, SettingsError> {
        ClusterSettings::complete(&given(text))
    }

    const MEMBER: &str = "cluster_address = 'a:9100'\ncluster_secret = '0123456789abcdef'\n";

    #[track_caller]
    fn refused(text: &str, because: &str) {
        let error = complete(text).err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(error.to_string().contains(because), "{text}: {error}");
    }

    #[test]
    fn a_node_is_alone_unless_it_is_told_of_others() {
        let alone = complete("").expect("nothing is needed");
        assert_eq!((alone.beginning, alone.endpoint, alone.roles), (Beginning::Alone, None, NodeRoles::ALL));
        let agreed = (alone.agreed.replicas.get(), alone.agreed.voters.get());
        assert_eq!((agreed, alone.lost_after), ((3, 3), Some(Duration::from_secs(3600))));
    }

    #[test]
    fn peers_are_sorted_and_seeds_are_the_others() {
        let node = complete(&format!("{MEMBER}peers = ['c:9100', 'A:9100', 'b:9100']")).expect("valid");
        let peers = ["a:9100", "b:9100", "c:9100"].map(str::to_owned).to_vec();
        assert_eq!(node.beginning, Beginning::Peers(peers));
        assert_eq!(node.seeds(), ["b:9100", "c:9100"]);
    }

    #[test]
    fn contradictions_are_told() {
        refused(&format!("{MEMBER}peers = ['a:9100']\njoin = ['b:9100']"), "join: contradicts peers");
        refused(&format!("{MEMBER}join = ['b:9100']\nawait_join = true"), "await_join: contradicts join");
        refused(
            &format!("{MEMBER}peers = ['b:9100', 'c:9100']"),
            "this node's cluster_address a:9100 is not",
        );
        refused(&format!("{MEMBER}peers = ['a:9100', 'a:9100']"), "twice");
        refused(&format!("{MEMBER}join = ['a:9100']"), "own cluster_address");
        refused("peers = ['a:9100']", "cluster_address: missing, but peers is given");
        refused("cluster_address = 'a:9100'", "cluster_secret: missing");
        refused("cluster_listen = '0.0.0.0:9100'", "cluster_listen: needs cluster_address");
        refused(&format!("{MEMBER}cluster_secret_file = 'x'"), "give one of them");
        refused(&format!("{MEMBER}peers = ['a:9100']\nroles = ['storage']"), "peers: are the metadata nodes");
        refused("roles = ['gateway']", "nobody to take over");
        refused(&format!("{MEMBER}roles = ['gateway']"), "needs the metadata role");
    }

    #[test]
    fn values_out_of_range_are_told() {
        refused("voters = 4", "voters: an odd number");
        refused("voters = 0", "voters: 1 to 9");
        refused("replicas = 17", "replicas: 1 to 16");
        refused("weight = 0", "weight: at least 1");
        refused("move_rate = 0", "move_rate: at least 1");
        refused("roles = ['tape']", "is none of gateway, metadata, storage");
        refused("zone = 'a b'", "zone: at most 64");
        refused("cluster_address = 'a:9100'\ncluster_secret = 'short'", "at least 16 characters");
        for address in ["a", "a:0", ":9100", "a:70000", "http://a:9100", "0.0.0.0:9100", "[::]:9100"] {
            refused(&format!("cluster_address = '{address}'\ncluster_secret = '0123456789abcdef'"), address);
        }
    }

    #[test]
    fn a_node_may_join_with_any_roles() {
        for roles in ["gateway", "metadata", "storage"] {
            let node = complete(&format!("{MEMBER}join = ['b:9100']\nroles = ['{roles}']"));
            assert_eq!(node.expect("valid").beginning, Beginning::Join(vec!["b:9100".to_owned()]));
        }
    }
}
