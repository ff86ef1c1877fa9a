//! Where a node's console is, for a command that asks it.

use super::{Given, SettingsError};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// Where the console is served unless the settings say otherwise.
pub(super) const CONSOLE_ADDRESS: &str = "127.0.0.1:9001";

/// How a command reaches a node's console.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConsoleReached {
    pub(crate) address: String,
}

impl ConsoleReached {
    /// From an address that is given, and then from the node's configuration file.
    pub(crate) fn load(
        given: Option<String>,
        config: Option<&Path>,
    ) -> Result<ConsoleReached, SettingsError> {
        let address = match (given, config) {
            (Some(address), _) => Some(address),
            (None, Some(file)) => Given::from_file(file)?.console_address,
            (None, None) => None,
        };
        let address = address.unwrap_or_else(|| CONSOLE_ADDRESS.to_owned());
        Ok(ConsoleReached { address: reached(&address) })
    }
}

/// A node that listens on every address of its machine is asked on the nearest one.
fn reached(listens: &str) -> String {
    let listens = listens.trim();
    let Some((host, port)) = listens.rsplit_once(':') else { return listens.to_owned() };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match ip {
        Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => format!("127.0.0.1:{port}"),
        Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => format!("[::1]:{port}"),
        _ => listens.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_listens_everywhere_is_asked_nearby() {
        let load = |address: &str| {
            ConsoleReached::load(Some(address.to_owned()), None).expect("there is no file to read").address
        };
        assert_eq!(load("0.0.0.0:9001"), "127.0.0.1:9001");
        assert_eq!(load("[::]:7"), "[::1]:7");
        for other in ["10.0.0.1:9001", "esker-0.esker:9001", "[fd00::1]:9001"] {
            assert_eq!(load(other), other);
        }
        assert_eq!(ConsoleReached::load(None, None).expect("no file").address, CONSOLE_ADDRESS);
    }
}
