//! From the host of an address to checked socket addresses. A name is looked up once for each question, and the connection goes to the
//! addresses that were checked: a name that is answered differently the next time (DNS rebinding) changes nothing.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver as UreqResolver};
use ureq::unversioned::transport::NextTimeout;
use url::Host;

use super::VisionError;
use super::address::Reach;

/// Addresses of one name that are tried; a name has few.
const ADDRESSES_MAX: usize = 16;

type LookUp = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Looks names up.
#[derive(Clone)]
pub struct Resolver(Arc<LookUp>);

impl Resolver {
    /// As the system does: `/etc/hosts`, DNS.
    pub fn system() -> Self {
        Self::new(|name, port| Ok((name, port).to_socket_addrs()?.collect()))
    }

    /// By this function of name and port.
    pub fn new(look_up: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }

    /// Every address of a host. `localhost` is this machine, whatever a name server says of it (RFC 6761, 6.3).
    pub(super) fn addresses(&self, host: &Host<String>, port: u16, timeout: Duration) -> Result<Vec<SocketAddr>, VisionError> {
        let name = match host {
            Host::Ipv4(address) => return Ok(vec![(*address, port).into()]),
            Host::Ipv6(address) => return Ok(vec![(*address, port).into()]),
            Host::Domain(name) => name,
        };
        if is_localhost(name) {
            return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
        }
        let found = self.in_time(name, port, timeout)?;
        let found = found.map_err(|error| VisionError::Unreachable(format!("`{name}`: {error}")))?;
        if found.is_empty() || found.len() > ADDRESSES_MAX {
            return Err(VisionError::Refused(format!("`{name}` has {} addresses; it takes 1 to {ADDRESSES_MAX}", found.len())));
        }
        Ok(found)
    }

    /// The system's look-up knows no timeout: it is left behind on a thread of its own when it takes too long.
    fn in_time(&self, name: &str, port: u16, timeout: Duration) -> Result<io::Result<Vec<SocketAddr>>, VisionError> {
        let (sender, found) = sync_channel(1);
        let (look_up, owned) = (self.0.clone(), name.to_owned());
        let thread = std::thread::Builder::new().name("resolve".to_owned());
        // A receiver that went away is a look-up that came too late.
        let spawned = thread.spawn(move || sender.send(look_up(&owned, port)).ok());
        spawned.map_err(|error| VisionError::Unreachable(format!("no thread to look `{name}` up: {error}")))?;
        found.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => VisionError::Timeout(timeout),
            RecvTimeoutError::Disconnected => VisionError::Unreachable(format!("looking `{name}` up broke off")),
        })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Resolver")
    }
}

/// Whether a name stands for this machine.
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
}

/// What the address leads to, as the most far-off of all: one public address among private ones makes the host external.
pub(super) fn reach_of(addresses: &[SocketAddr]) -> (Reach, Option<IpAddr>) {
    let of = |wanted: Reach| addresses.iter().map(SocketAddr::ip).find(|address| Reach::of(*address) == wanted);
    if let Some(address) = of(Reach::Nowhere) {
        return (Reach::Nowhere, Some(address));
    }
    of(Reach::External).map_or((Reach::Inside, None), |address| (Reach::External, Some(address)))
}

/// Answers ureq with addresses that were checked before, whatever it asks for.
#[derive(Debug)]
pub(super) struct Pinned(pub(super) Vec<SocketAddr>);

impl UreqResolver for Pinned {
    fn resolve(&self, _uri: &Uri, _config: &Config, _timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        self.0.iter().take(ADDRESSES_MAX).for_each(|address| addresses.push(*address));
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_and_localhost_are_not_looked_up() {
        let resolver = Resolver::new(|name, _| panic!("looked `{name}` up"));
        let addresses = |host: &str| resolver.addresses(&Host::parse(host).unwrap(), 80, Duration::from_secs(1)).unwrap();
        assert_eq!(addresses("10.0.0.1"), [at("10.0.0.1:80")]);
        assert_eq!(addresses("[::1]"), [at("[::1]:80")]);
        for name in ["localhost", "LOCALHOST", "localhost."] {
            assert_eq!(addresses(name), [at("127.0.0.1:80"), at("[::1]:80")], "{name}");
        }
        assert!(!is_localhost("localhost.example") && !is_localhost("notlocalhost"));
    }

    #[test]
    fn one_public_address_makes_a_host_external() {
        assert_eq!(reach_of(&[at("127.0.0.1:1"), at("10.0.0.1:1")]).0, Reach::Inside);
        assert_eq!(reach_of(&[at("10.0.0.1:1"), at("8.8.8.8:1")]), (Reach::External, Some("8.8.8.8".parse().unwrap())));
        assert_eq!(reach_of(&[at("8.8.8.8:1"), at("0.0.0.0:1")]).0, Reach::Nowhere);
    }

    #[test]
    fn a_look_up_that_hangs_ends_in_time() {
        let resolver = Resolver::new(|_, _| {
            std::thread::sleep(Duration::from_secs(5));
            Ok(Vec::new())
        });
        let host = Host::parse("slow.example").unwrap();
        let error = resolver.addresses(&host, 80, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error, VisionError::Timeout(Duration::from_millis(50)));
        let none = Resolver::new(|_, _| Ok(Vec::new())).addresses(&host, 80, Duration::from_secs(1)).unwrap_err();
        assert!(none.is_final(), "{none}");
    }
}
