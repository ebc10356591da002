//! Analysis opens no outward connection: the real program in a network namespace of its own, under strace.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::clip;
use super::server::{Answer, Server, describes};
use crate::support;

/// Where the endpoint's settings stand.
const OPTIONS: &str = "analyser.temporal_description";
/// A name of the tests' own hosts file: TEST-NET-3 (RFC 5737).
const PUBLIC: &str = "203.0.113.7 public.example\n";

/// Whether namespaces can be made and watched here; says what is missing.
fn can_watch() -> bool {
    let runs = |line: &[&str]| Command::new(line[0]).args(&line[1..]).output().is_ok_and(|output| output.status.success());
    let needed: [&[&str]; 2] =
        [&["strace", "-V"], &["unshare", "-nm", "sh", "-c", "ip link set lo up && mount --bind /etc/hosts /etc/hosts"]];
    match needed.into_iter().find(|words| !runs(words)) {
        None => true,
        Some(words) => {
            println!("skipped: `{}` does not work here; it needs root, strace, util-linux and iproute2", words.join(" "));
            false
        }
    }
}

/// The arguments of `weir analyse` under strace, which writes every call on sockets and every program started into `log`.
fn watched(folder: &Path, file: &str, settings: &[String]) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut words: Vec<String> =
        ["strace", "-f", "-qq", "-s", "200", "-e", "trace=%network,execve", "-o"].map(str::to_owned).into();
    words.extend([path("log"), env!("CARGO_BIN_EXE_weir").to_owned(), "analyse".to_owned(), file.to_owned()]);
    words.extend(["--json".to_owned(), path("out.json")]);
    words.extend(["--set".to_owned(), format!("models.dir={}", support::model_folder().display())]);
    words.extend(settings.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]));
    words
}

/// Runs it in a new network namespace, as `before` of a shell has made it.
fn analyse(folder: &Path, before: &str, words: &[String]) -> (Value, String) {
    let script = format!("{before}exec \"$@\"");
    let mut unshare = Command::new("unshare");
    // ONNX Runtime keeps quiet by itself where it sees a build server. What it wants to send it writes into the user's cache first.
    unshare.args(["-nm", "sh", "-c", &script, "sh"]).args(words).env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache"));
    for name in ["CI", "GITHUB_ACTIONS", "GITLAB_CI", weir::infer::TELEMETRY_OFF] {
        unshare.env_remove(name);
    }
    let output = unshare.output().unwrap();
    assert!(!folder.join("cache").exists() && !folder.join(".cache").exists(), "something keeps a cache of its own");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    results(folder)
}

/// What was found, and what strace saw.
fn results(folder: &Path) -> (Value, String) {
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    let count = |word: &str| log.lines().filter(|line| line.contains("execve(") && line.contains(word)).count();
    // What must be in the log, else the test looks at nothing.
    assert!(
        count("/ffmpeg\"") >= 1 && count("\"pool\"") >= 1,
        "strace did not follow: {} {}",
        count("/ffmpeg\""),
        count("\"pool\"")
    );
    let out: Value = serde_json::from_slice(&std::fs::read(folder.join("out.json")).unwrap()).unwrap();
    (out["analysers"].clone(), log)
}

/// Every line on a socket of the internet.
fn outward(log: &str) -> Vec<&str> {
    log.lines().filter(|line| ["AF_INET", "sin_port", "sin6_port"].iter().any(|word| line.contains(word))).collect()
}

/// What a request for a look-up of `public.example` is to find.
fn hosts(folder: &Path) -> PathBuf {
    let path = folder.join("hosts");
    std::fs::write(&path, PUBLIC).unwrap();
    path
}

#[test]
fn every_analyser_of_the_default_configuration_opens_no_connection() {
    if !can_watch() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let words = watched(folder.path(), &clip(folder.path(), 3), &[]);
    let (all, log) = analyse(folder.path(), "", &words);
    assert_eq!(all.as_object().unwrap().len(), weir::analyser::names().len(), "{all}");
    assert_eq!(outward(&log), Vec::<&str>::new());
    if support::models(&["nanodet", "whisper_base"]).is_some() {
        let looked = ["object_detection", "temporal_description"].map(|name| all[name]["status"].clone());
        assert_eq!(looked, ["done", "done"]);
    }
}

/// Runs the helper below in a namespace whose loopback device has this address too; answers what `temporal_description` gave. Nothing
/// but that address was connected to.
fn ask_at(ip: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path(), 3);
    std::fs::write(folder.path().join("ip"), ip).unwrap();
    let script = format!("ip link set lo up && ip addr replace {ip}/32 dev lo && exec \"$@\"");
    // A proxy of the environment must not be asked either: nobody listens there.
    let helper = Command::new("unshare")
        .args(["-n", "sh", "-c", &script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "describe::network::helper_serves_and_analyses"])
        .current_dir(folder.path())
        .env("http_proxy", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .output()
        .unwrap();
    assert!(helper.status.success(), "{}", String::from_utf8_lossy(&helper.stdout));
    let (all, log) = results(folder.path());
    let port = std::fs::read_to_string(folder.path().join("port")).unwrap();
    let connects: Vec<&str> = outward(&log).into_iter().filter(|line| line.contains("connect(")).collect();
    let wanted = format!("sin_port=htons({port}), sin_addr=inet_addr(\"{ip}\")");
    assert!(!connects.is_empty() && connects.iter().all(|line| line.contains(&wanted)), "{connects:?}");
    assert!(!log.contains("AF_INET6"), "only one socket was needed");
    all["temporal_description"].clone()
}

#[test]
fn an_endpoint_is_the_only_address_that_is_opened() {
    if !can_watch() {
        return;
    }
    for (ip, external) in [("127.0.0.1", false), ("203.0.113.7", true)] {
        let described = ask_at(ip);
        assert_eq!(described["status"], "done", "{described}");
        let value = &described["findings"][0]["value"];
        assert_eq!((&value["method"], &value["endpoint_host"]), (&"model".into(), &ip.into()), "{described}");
        assert_eq!(value["external"], external, "{described}");
    }
}

/// In the namespace: a server, and the program that asks it. The working folder has `clip.mp4` and `ip`, the server's address.
#[test]
#[ignore = "a helper: needs the network namespace of the test above"]
fn helper_serves_and_analyses() {
    let folder = std::env::current_dir().unwrap();
    let server = Server::start_at(&std::fs::read_to_string("ip").unwrap(), |_, asked| describes(asked));
    std::fs::write("port", server.address.port().to_string()).unwrap();
    let external = !server.address.ip().is_loopback();
    let settings = [
        format!("{OPTIONS}.endpoint={}", server.url()),
        format!("{OPTIONS}.allow_external={external}"),
        "models.dir=no-models-here".to_owned(),
    ];
    let words = watched(&folder, &folder.join("clip.mp4").display().to_string(), &settings);
    let output = Command::new(&words[0]).args(&words[1..]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_name_that_leads_to_a_public_address_is_not_connected_to() {
    if !can_watch() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        format!("{OPTIONS}.endpoint=http://public.example:8000/v1"),
        "models.dir=no-models-here".to_owned(),
        format!("{OPTIONS}.retries=0"),
    ];
    let words = watched(folder.path(), &clip(folder.path(), 3), &settings);
    let hosts = format!("mount --bind '{}' /etc/hosts && ", hosts(folder.path()).display());
    let (all, log) = analyse(folder.path(), &hosts, &words);
    let described = &all["temporal_description"];
    let reason = described["reason"].as_str().unwrap();
    assert!(reason.contains("`public.example`: `203.0.113.7` is neither loopback nor private"), "{described}");
    let connects: Vec<&str> =
        outward(&log).into_iter().filter(|line| line.contains("connect(") || line.contains("send")).collect();
    assert_eq!(connects, Vec::<&str>::new());
}

#[test]
fn the_old_name_asks_the_endpoint_too_and_a_slow_one_keeps_its_pool() {
    let server = Server::start(
        |number, asked| {
            if number == 0 { Answer::Nothing(std::time::Duration::from_secs(4)) } else { describes(asked) }
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let file = clip(folder.path(), 3);
    let endpoint = format!("{OPTIONS}.endpoint={}", server.url());
    let timeout = "analyser.qwen2_vl_temporal.timeout=3s";
    let words = ["analyse", &file, "--analysers", "qwen2_vl_temporal", "--json", "-"];
    let set = ["--set", &endpoint, "--set", timeout, "--set", "models.dir=no-models-here"];
    let output = crate::program::run(&[&words[..], &set].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let described = crate::program::json_lines(&output).remove(0)["analysers"]["temporal_description"].clone();
    assert_eq!(
        (&described["status"], &described["findings"][0]["value"]["method"]),
        (&"done".into(), &"model".into()),
        "{described}"
    );
    assert_eq!(server.asked().len(), 2, "the first try was given up");
}
