//! Addresses of nodes, as settings name them.

use super::{SettingsError, invalid};

const PEERS_MAX: usize = 64;

/// An address that other nodes can use: `host:port`.
pub(super) fn reachable(setting: &'static str, text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    let bad = |what: &str| Err(invalid(setting, format_args!("{text:?} {what}")));
    let Some((host, port)) = text.rsplit_once(':') else { return bad("is not HOST:PORT") };
    match port.parse::<u16>() {
        Ok(port) if port > 0 => {}
        _ => return bad("has no port of 1 to 65535"),
    }
    if host.is_empty() || host.contains(['/', '@', ' ', ',']) {
        return bad("is not HOST:PORT");
    }
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    if ip.is_ok_and(|ip| ip.is_unspecified()) {
        return bad(
            "can't be reached by others; listen there with cluster_listen, and name an address of this node",
        );
    }
    Ok(text.to_ascii_lowercase())
}

/// The addresses of a cluster that is to be formed, sorted.
pub(super) fn peers(given: &[String], own: &str) -> Result<Vec<String>, SettingsError> {
    let mut peers = Vec::new();
    for peer in given {
        peers.push(reachable("peers", peer)?);
    }
    peers.sort();
    if let Some(twice) = peers.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(invalid("peers", format_args!("{} is there twice", twice[0])));
    }
    if peers.len() > PEERS_MAX {
        return Err(invalid("peers", format_args!("at most {PEERS_MAX}; further nodes join")));
    }
    if !peers.iter().any(|peer| peer == own) {
        return Err(invalid("peers", format_args!("this node's cluster_address {own} is not among them")));
    }
    Ok(peers)
}

/// The addresses of a cluster that is to be joined.
pub(super) fn seeds(given: &[String], own: &str) -> Result<Vec<String>, SettingsError> {
    let mut seeds = Vec::new();
    for seed in given {
        let seed = reachable("join", seed)?;
        if seed == own {
            return Err(invalid("join", format_args!("{seed} is this node's own cluster_address")));
        }
        seeds.push(seed);
    }
    Ok(seeds)
}
