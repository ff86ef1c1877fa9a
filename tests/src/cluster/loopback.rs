//! Nodes on loopback addresses. Linux answers on all of 127.0.0.0/8, without further ado.

use std::net::{Ipv4Addr, TcpListener};

/// A listener on this port of a subnet's last address claims the subnet.
const CLAIM_PORT: u16 = 9099;

/// The addresses 127.x.y.1, 127.x.y.2, …
pub(super) struct Loopback {
    subnet: [u8; 3],
    /// Kept open: it keeps other clusters from taking the subnet.
    _claim: Option<TcpListener>,
}

impl Loopback {
    /// A subnet that no other cluster uses, in this process or another.
    pub(super) fn claim() -> Result<Loopback, String> {
        for number in 1..=u16::MAX {
            let [high, low] = number.to_be_bytes();
            let subnet = [127, 64 + high % 128, low];
            let address = Ipv4Addr::new(subnet[0], subnet[1], subnet[2], 254);
            if let Ok(claim) = TcpListener::bind((address, CLAIM_PORT)) {
                return Ok(Loopback { subnet, _claim: Some(claim) });
            }
        }
        Err("no subnet of 127.0.0.0/8 is free, or this system has none but 127.0.0.1".to_owned())
    }

    /// 127.0.0.1, 127.0.0.2, …
    pub(super) fn fixed() -> Loopback {
        Loopback { subnet: [127, 0, 0], _claim: None }
    }

    pub(super) fn ip(&self, index: usize) -> Ipv4Addr {
        let [a, b, c] = self.subnet;
        Ipv4Addr::new(a, b, c, u8::try_from(index + 1).expect("a small cluster"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_run_at_once_have_addresses_of_their_own() {
        let (one, other) = (Loopback::claim().expect("a subnet"), Loopback::claim().expect("a subnet"));
        assert_ne!(one.ip(0), other.ip(0));
        assert_ne!(one.ip(0), one.ip(1));
        assert!(one.ip(200).is_loopback());
    }
}
