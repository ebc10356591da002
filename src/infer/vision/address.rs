//! Which addresses an endpoint may have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This machine, or a private network: loopback, RFC 1918 (10/8, 172.16/12, 192.168/16), RFC 4193 (fc00::/7).
    Inside,
    /// Anywhere else. Link-local addresses too: cloud providers serve credentials there.
    External,
    /// No single machine: unspecified, broadcast, multicast.
    Nowhere,
}

impl Reach {
    /// Of an address; an IPv4 address inside an IPv6 one (`::ffff:a.b.c.d`) counts as what it is.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => of_four(address),
            IpAddr::V6(address) => of_six(address),
        }
    }
}

fn of_four(address: Ipv4Addr) -> Reach {
    // All of 0.0.0.0/8 is "this host on this network" (RFC 1122, 3.2.1.3); Linux takes 0.0.0.0 for loopback.
    let first = address.octets()[0];
    if first == 0 || address.is_multicast() || address.is_broadcast() {
        return Reach::Nowhere;
    }
    if address.is_loopback() || address.is_private() { Reach::Inside } else { Reach::External }
}

fn of_six(address: Ipv6Addr) -> Reach {
    if address.is_unspecified() || address.is_multicast() {
        return Reach::Nowhere;
    }
    if address.is_loopback() || address.is_unique_local() { Reach::Inside } else { Reach::External }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_private_networks_are_inside() {
        let reach = |text: &str| Reach::of(text.parse().unwrap());
        for inside in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
        ] {
            assert_eq!(reach(inside), Reach::Inside, "{inside}");
        }
        for external in [
            "8.8.8.8",
            "172.15.255.255",
            "172.32.0.1",
            "192.167.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "2001:db8::1",
            "fe80::1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert_eq!(reach(external), Reach::External, "{external}");
        }
        for nowhere in ["0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "::", "ff02::1", "::ffff:0.0.0.0"] {
            assert_eq!(reach(nowhere), Reach::Nowhere, "{nowhere}");
        }
    }
}
