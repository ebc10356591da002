//! An endpoint over HTTP.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use url::{Host, Url};

use super::address::Reach;
use super::resolve::{Pinned, is_localhost, reach_of};
use super::{Answer, Question, Reply, Resolver, Terms, Vision, VisionError, chat};

/// Bytes of an answer; a summary and some events are a few KiB.
const ANSWER_BYTES: u64 = 1 << 20;
/// Bytes of a key.
const KEY_BYTES: u64 = 8 << 10;
/// Bytes of the header of an answer.
const HEADER_BYTES: usize = 32 << 10;

/// Which addresses are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Loopback and private networks.
    Inside,
    /// Any machine.
    External,
}

/// A server of the OpenAI form. Nothing is opened until it is asked.
#[derive(Debug)]
pub struct Endpoint {
    host: Host<String>,
    port: u16,
    /// `BASE/chat/completions`.
    url: Url,
    model: String,
    key_file: Option<PathBuf>,
    allowed: Allowed,
    resolver: Resolver,
}

impl Endpoint {
    /// The endpoint at `base`, for example `http://127.0.0.1:11434/v1`. An address that is not allowed is refused here, a name when it is
    /// looked up.
    ///
    /// # Errors
    /// What is wrong with `base`, in words for the user.
    pub fn new(base: &str, model: &str, allowed: Allowed, resolver: Resolver) -> Result<Self, String> {
        let url = Url::parse(base).map_err(|error| format!("`{base}` is no address ({error}); it takes http://HOST:PORT/v1"))?;
        // The password would be in every dump of the configuration.
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it has a user name; a key goes into the file of `api_key_file`".to_owned());
        }
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("`{base}` takes the form http://HOST:PORT/v1 or https://HOST:PORT/v1"));
        }
        let host = url.host().map(|host| host.to_owned()).ok_or_else(|| format!("`{base}` has no host"))?;
        let port = url.port_or_known_default().ok_or_else(|| format!("`{base}` has no port"))?;
        let reach = match &host {
            Host::Ipv4(address) => Reach::of((*address).into()),
            Host::Ipv6(address) => Reach::of((*address).into()),
            Host::Domain(_) => Reach::Inside,
        };
        refusal(reach, allowed, &host.to_string()).map_or(Ok(()), Err)?;
        let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
        let mut asked = url;
        asked.set_path(&path);
        Ok(Self { host, port, url: asked, model: model.to_owned(), key_file: None, allowed, resolver })
    }

    /// With a key, which is read from this file before each question and sent as a bearer token (RFC 6750).
    #[must_use]
    pub fn with_key(mut self, file: PathBuf) -> Self {
        self.key_file = Some(file);
        self
    }

    /// The host as the configuration names it, without the port.
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// What is asked, for a result key: never with a key in it.
    pub fn address(&self) -> &str {
        self.url.as_str()
    }

    fn answer(&self, question: &Question<'_>, timeout: Duration) -> Result<Answer, VisionError> {
        let began = Instant::now();
        let key = self.key()?;
        let addresses = self.resolver.addresses(&self.host, self.port, timeout)?;
        let (reach, furthest) = reach_of(&addresses);
        let shown = furthest.map_or_else(|| self.host(), |address| address.to_string());
        if let Some(words) = refusal(reach, self.allowed, &shown) {
            return Err(VisionError::Refused(if is_name(&self.host) { format!("`{}`: {words}", self.host) } else { words }));
        }
        let left = timeout.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(VisionError::Timeout(timeout));
        }
        let agent = agent(Pinned(addresses), left);
        let body = serde_json::to_vec(&chat::request(&self.model, question));
        let body = body.map_err(|error| VisionError::Refused(error.to_string()))?;
        let mut request = agent.post(self.url.as_str()).header("content-type", "application/json");
        if let Some(key) = &key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let broken = |error: ureq::Error| failure(error, timeout);
        let mut response = request.send(&body[..]).map_err(broken)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(VisionError::Refused(format!("the endpoint redirects ({status}), and redirects are not followed")));
        }
        let body = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec().map_err(broken)?;
        if !status.is_success() {
            return Err(VisionError::Status { status: status.as_u16(), words: chat::words_of(&body, key.as_deref()) });
        }
        Ok(Answer { text: chat::text_of(&body)?, external: reach == Reach::External })
    }

    /// The key. What goes wrong is told without its contents.
    fn key(&self) -> Result<Option<String>, VisionError> {
        let Some(path) = &self.key_file else { return Ok(None) };
        let refused = |words: &str| VisionError::Refused(format!("`api_key_file` `{}`: {words}", path.display()));
        let mut key = String::new();
        let read = File::open(path).and_then(|file| file.take(KEY_BYTES).read_to_string(&mut key));
        read.map_err(|error| refused(&error.to_string()))?;
        let key = key.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused("it takes one line of visible ASCII"));
        }
        Ok(Some(key.to_owned()))
    }
}

impl Vision for Endpoint {
    fn ask(&self, question: &Question<'_>, terms: Terms) -> Reply {
        let began = Instant::now();
        std::thread::sleep(terms.pause);
        let answer = self.answer(question, terms.timeout);
        Reply { answer, took: began.elapsed() }
    }
}

fn is_name(host: &Host<String>) -> bool {
    matches!(host, Host::Domain(name) if !is_localhost(name))
}

/// Why an address is not asked, if so.
fn refusal(reach: Reach, allowed: Allowed, address: &str) -> Option<String> {
    match (reach, allowed) {
        (Reach::Inside, _) | (Reach::External, Allowed::External) => None,
        (Reach::Nowhere, _) => Some(format!("`{address}` is the address of no single machine")),
        (Reach::External, Allowed::Inside) => {
            let words = "is neither loopback nor private; pictures leave for such a machine only with `allow_external = true`";
            Some(format!("`{address}` {words}"))
        }
    }
}

/// A client for one question: no proxy of the environment (it would connect elsewhere), no redirects, the system's certificates.
fn agent(addresses: Pinned, timeout: Duration) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .max_response_header_size(HEADER_BYTES)
        .max_idle_connections(0)
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), addresses)
}

fn failure(error: ureq::Error, timeout: Duration) -> VisionError {
    match error {
        ureq::Error::Timeout(_) => VisionError::Timeout(timeout),
        ureq::Error::BodyExceedsLimit(most) => VisionError::Form(format!("it is longer than {most} bytes")),
        ureq::Error::LargeResponseHeader(..) => VisionError::Form(format!("its header is longer than {HEADER_BYTES} bytes")),
        other => VisionError::Unreachable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;

    fn endpoint(base: &str, allowed: Allowed) -> Result<Endpoint, String> {
        Endpoint::new(base, "m", allowed, Resolver::system())
    }

    fn ask(endpoint: &Endpoint) -> VisionError {
        let schema = json!({});
        let terms = Terms { pause: Duration::ZERO, timeout: Duration::from_secs(2) };
        endpoint.ask(&Question { instructions: "", parts: &[], schema: &schema }, terms).answer.unwrap_err()
    }

    #[test]
    fn only_addresses_of_the_form_are_taken() {
        for good in
            ["http://127.0.0.1:11434/v1", "https://10.1.2.3/v1/", "http://[::1]:8080", "http://localhost/v1", "http://gpu.lan/v1"]
        {
            assert!(endpoint(good, Allowed::Inside).is_ok(), "{good}");
        }
        assert_eq!(endpoint("http://[::1]:80/v1/", Allowed::Inside).unwrap().address(), "http://[::1]/v1/chat/completions");
        for (bad, word) in [
            ("127.0.0.1:11434", "is no address"),
            ("ftp://127.0.0.1/", "takes the form"),
            ("http://user:pass@127.0.0.1/", "api_key_file"),
            ("http://127.0.0.1/v1?key=1", "takes the form"),
            ("http://8.8.8.8/v1", "allow_external"),
            ("http://134744072/v1", "allow_external"),
            ("http://[2001:db8::1]/v1", "allow_external"),
            ("http://169.254.169.254/v1", "allow_external"),
            ("http://0.0.0.0/v1", "no single machine"),
        ] {
            let error = endpoint(bad, Allowed::Inside).unwrap_err();
            assert!(error.contains(word) && !error.contains("pass@"), "{bad}: {error}");
        }
        assert!(endpoint("http://8.8.8.8/v1", Allowed::External).is_ok());
        assert!(endpoint("http://0/v1", Allowed::External).is_err());
    }

    #[test]
    fn a_name_is_looked_up_once_and_a_public_address_refused() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        // Private the second time: a rebinding name.
        let resolver = Resolver::new(move |_, port| {
            let first = count.fetch_add(1, Ordering::SeqCst) == 0;
            let address = if first { [203, 0, 113, 7] } else { [127, 0, 0, 1] };
            Ok(vec![SocketAddr::from(([10, 0, 0, 1], port)), SocketAddr::from((address, port))])
        });
        let endpoint = Endpoint::new("http://rebinds.example:9/v1", "m", Allowed::Inside, resolver).unwrap();
        let error = ask(&endpoint);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(error.is_final(), "{error}");
        let words = error.to_string();
        assert!(words.contains("`rebinds.example`: `203.0.113.7` is neither loopback nor private"), "{words}");
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_refused_without_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let with_key = || endpoint("http://127.0.0.1:9/v1", Allowed::Inside).unwrap().with_key(file.clone());
        assert!(ask(&with_key()).to_string().contains("api_key_file"));
        std::fs::write(&file, "secret\r\nX-Other: 1").unwrap();
        let error = ask(&with_key());
        assert!(error.is_final() && !error.to_string().contains("secret"), "{error}");
    }
}
