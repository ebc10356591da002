//! What keeps a child that reads hostile bytes in its place.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Where programs are looked for. Children get this and nothing else of our environment: it may hold passwords.
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Ways to a network of its own: as root, else through a user namespace.
const NETWORKS: [&[&str]; 2] = [&["unshare", "-n"], &["unshare", "-rn"]];
/// Ways to die with the parent, the strictest first.
const DEATHS: [&[&str]; 2] = [
    &["setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"],
    &["setpriv", "--pdeathsig", "KILL"],
];
/// Goes on only as a child of the process `$0`. The death signal is asked for by the child itself: a parent that dies before that
/// would never be heard of. By the time this looks, the signal is asked for, so nothing can slip between.
const STILL_A_CHILD: &str = r#"[ "$PPID" = "$0" ] && exec "$@""#;

/// What this machine offers to keep ffmpeg in its place, found out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    network: Option<&'static [&'static str]>,
    death: Option<&'static [&'static str]>,
    limits: bool,
    ffmpeg: Option<String>,
}

impl Sandbox {
    /// Finds out what works here; the first call takes some ten milliseconds, later ones nothing.
    pub fn detect() -> &'static Self {
        static FOUND: OnceLock<Sandbox> = OnceLock::new();
        FOUND.get_or_init(|| {
            let network = NETWORKS.into_iter().find(|wrapper| works(wrapper));
            let death = DEATHS.into_iter().find(|wrapper| {
                let chain: Vec<&str> = network.unwrap_or_default().iter().chain(wrapper.iter()).copied().collect();
                works(&chain)
            });
            let limits = works(&["prlimit", "--core=0"]);
            Self { network, death, limits, ffmpeg: ffmpeg_version() }
        })
    }

    /// Version of ffmpeg, for example `5.1.9-0+deb12u1`; none when it is not here.
    pub fn ffmpeg(&self) -> Option<&str> {
        self.ffmpeg.as_deref()
    }

    /// What is missing, in words for `/health`; empty when everything is there.
    pub fn gaps(&self) -> Vec<&'static str> {
        let gaps = [
            (self.ffmpeg.is_none(), "ffmpeg is not here: install the package `ffmpeg`"),
            (self.network.is_none(), "ffmpeg cannot be kept off the network: neither `unshare -n` nor `unshare -rn` works here"),
            (self.death.is_none(), "ffmpeg may outlive a killed weir: `setpriv --pdeathsig` does not work here"),
            (!self.limits, "the memory of ffmpeg is not limited: `prlimit` does not work here"),
        ];
        gaps.into_iter().filter_map(|(missing, words)| missing.then_some(words)).collect()
    }

    /// The words before the program: limits first, because they are inherited; the death signal last, because entering a user
    /// namespace clears it.
    pub(super) fn wrapper(&self, limits: &[String]) -> Vec<String> {
        let mut words = Vec::new();
        if self.limits {
            words.push("prlimit".to_owned());
            words.extend(limits.iter().cloned());
        }
        words.extend(self.network.into_iter().flatten().map(|&word| word.to_owned()));
        words.extend(self.death.into_iter().flat_map(tie));
        words
    }

    /// The words before a program of our own, which dies with this process and keeps its rights.
    pub fn tied(&self) -> Vec<String> {
        let [.., plain] = DEATHS;
        self.death.map(|_| tie(plain)).unwrap_or_default()
    }
}

/// A way to die with the parent, and the check that the parent still lives.
fn tie(death: &[&str]) -> Vec<String> {
    let us = std::process::id().to_string();
    death.iter().chain(&["sh", "-c", STILL_A_CHILD, &us]).map(|&word| word.to_owned()).collect()
}

fn works(wrapper: &[&str]) -> bool {
    let Some((program, args)) = wrapper.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(args).arg("true").env_clear().env("PATH", PATH);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn ffmpeg_version() -> Option<String> {
    let mut command = Command::new("ffmpeg");
    let output = command.arg("-version").env_clear().env("PATH", PATH).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.strip_prefix("ffmpeg version ")?.split_whitespace().next().map(str::to_owned)
}
