//! ffmpeg opens the one file that it is given, can be stopped, and never outlives weir.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use weir::media::decode::{Decoding, Plan};
use weir::media::package::package;
use weir::media::probe::probe;
use weir::media::tool::{self, Caps, Job, Program};
use weir::media::{Limits, MediaError, Sandbox};
use weir::model::{AudioTrack, MediaInfo, VideoTrack};

const CAPS: Caps =
    Caps { wall: Duration::from_secs(60), cpu: Duration::from_secs(60), memory_bytes: 6 << 30, file_bytes: 1 << 30 };

/// A video that takes long to package.
fn long_video(folder: &Path) -> PathBuf {
    let words = "-v error -f lavfi -i testsrc2=s=1280x720:r=30:d=60 -c:v libx264 -preset ultrafast -y long.mp4";
    assert!(Command::new("ffmpeg").args(words.split(' ')).current_dir(folder).status().unwrap().success());
    folder.join("long.mp4")
}

/// Living processes whose working folder is `folder`; a zombie has none.
fn working_in(folder: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder)).collect()
}

/// Waits until `done`, at most `limit`; answers how long it took.
async fn until(limit: Duration, mut done: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < limit, "still waiting after {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// Runs one of the helpers below in a process of its own, in `folder`.
fn helper(name: &str, folder: &Path, before: &[&str]) -> Child {
    let test = std::env::current_exe().unwrap();
    let mut words = before.iter().map(std::ffi::OsStr::new).chain([test.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--ignored", "--exact", &format!("sandbox::{name}")]).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Probes, packages and decodes every file in `hostile/`, as if it had been probed as a video before.
#[tokio::test]
#[ignore = "a helper: needs the working folder of the tests below"]
async fn helper_reads_hostile_files() {
    let limits = Limits::default();
    let video = VideoTrack { width: 640, height: 360, fps_num: 25, fps_den: 1, ..VideoTrack::default() };
    let audio = AudioTrack { index: 1, ..AudioTrack::default() };
    let lie = MediaInfo { video: Some(video), audio: Some(audio), duration_ms: 1000, ..MediaInfo::default() };
    for entry in std::fs::read_dir("hostile").unwrap().flatten() {
        let file = entry.path();
        let error = probe(&file, &limits).await.unwrap_err();
        assert_eq!(error.code(), "unsupported_media", "{}: {error}", file.display());
        let out = tempfile::tempdir().unwrap();
        assert!(package(&file, &lie, out.path(), &limits, &|_| {}).await.is_err(), "{}", file.display());
        let all = Plan { every_frame_small: true, sampled_fps: vec![1.0], detail_fps: vec![1.0], audio: true };
        let mut decoding = Decoding::start(&file, &lie, all, &limits).await.unwrap();
        assert!(decoding.recv().await.is_some_and(|chunk| chunk.is_err()), "{}", file.display());
    }
}

/// Packages `long.mp4` into `out/`.
#[tokio::test]
#[ignore = "a helper: needs the working folder of the tests below"]
async fn helper_packages_a_long_video() {
    let (file, out, limits) = (Path::new("long.mp4"), Path::new("out").canonicalize().unwrap(), Limits::default());
    let media = probe(file, &limits).await.unwrap();
    package(file, &media, &out, &limits, &|_| {}).await.unwrap();
}

/// Files that name a canary: next to them, absolute, another customer's blob, and an address.
fn write_hostile(folder: &Path, address: &str) {
    let hostile = folder.join("hostile");
    std::fs::create_dir_all(&hostile).unwrap();
    let canary = folder.join("canary.ts");
    let other = folder.join("blobs/vod-raw/up-0123456789ab/source");
    std::fs::create_dir_all(other.parent().unwrap()).unwrap();
    let words = "-v error -f lavfi -i testsrc2=s=320x240:r=25:d=1 -c:v libx264 -f mpegts -y";
    for file in [&canary, &other] {
        assert!(Command::new("ffmpeg").args(words.split(' ')).arg(file).status().unwrap().success());
    }
    let names =
        ["../canary.ts", canary.to_str().unwrap(), &format!("file:{}", other.display()), &format!("http://{address}/canary.ts")];
    for (number, name) in names.iter().enumerate() {
        let playlist =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"{name}\"\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n");
        let key = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI=\"{name}\"\n#EXTINF:1,\n{name}\n");
        let dash = format!(
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT1S\"><Period>\
             <AdaptationSet contentType=\"video\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{name}</BaseURL></Representation>\
             </AdaptationSet></Period></MPD>"
        );
        let files = [
            ("list.m3u8", playlist.clone()),
            ("list.mp4", playlist),
            ("key.m3u8", key),
            ("list.ffconcat", format!("ffconcat version 1.0\nfile '{name}'\n")),
            ("list.mpd", dash),
            (
                "list.sdp",
                format!("v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=control:{name}\n"),
            ),
        ];
        for (kind, text) in files {
            std::fs::write(hostile.join(format!("{number}-{kind}")), text).unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_that_names_other_files_or_addresses_opens_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    write_hostile(folder.path(), &listener.local_addr().unwrap().to_string());
    let before = ["strace", "-f", "-qq", "-s", "300", "-e", "trace=open,openat,connect,execve,execveat", "-o", "log"];
    let status = helper("helper_reads_hostile_files", folder.path(), &before).wait().unwrap();
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(status.success(), "{}", log.lines().rev().take(5).collect::<Vec<_>>().join("\n"));
    // What must be in the log, else the test looks at nothing: 24 files, three or more children each, that open what they were given.
    let count = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert!(count("/ffmpeg\"") >= 48 && count("/ffprobe\"") >= 24, "{} {}", count("/ffmpeg\""), count("/ffprobe\""));
    assert!(count("\"/proc/self/fd/0\"") >= 72, "{}", count("\"/proc/self/fd/0\""));
    for forbidden in ["canary", "up-0123456789ab", "sin_port", "sin6_port"] {
        let found: Vec<&str> = log.lines().filter(|line| line.contains(forbidden)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody called");
}

#[tokio::test]
async fn a_running_ffmpeg_is_in_its_place_and_stops_when_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = long_video(folder.path());
    let out = tempfile::tempdir().unwrap();
    let place = out.path().canonicalize().unwrap();
    let limits = Limits::default();
    let media = probe(&file, &limits).await.unwrap();
    let work = tokio::spawn({
        let place = place.clone();
        async move { package(&file, &media, &place, &limits, &|_| {}).await.map(|_| ()) }
    });
    until(Duration::from_secs(20), || place.join("0.mp4").is_file()).await;
    let children = working_in(&place);
    assert_eq!(children.len(), 1, "one child and no other");
    check_place(children[0]);
    work.abort();
    let took = until(Duration::from_secs(2), || working_in(&place).is_empty()).await;
    println!("stopped after {took:?}");
    // It is waited for, so no zombie stays.
    let state = || std::fs::read_to_string(format!("/proc/{}/status", children[0])).unwrap_or_default();
    until(Duration::from_secs(2), || !state().contains("State:\tZ")).await;
}

/// No capabilities, no environment of ours, another network.
fn check_place(pid: u32) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    let names: Vec<&str> = environment.split('\0').filter_map(|entry| Some(entry.split_once('=')?.0)).collect();
    // PWD is set by the shell that looks whether the parent is still there: the child's own folder.
    let allowed = ["PATH", "LC_ALL", "MALLOC_ARENA_MAX", "PWD"];
    assert!(names.iter().all(|name| allowed.contains(name)), "{names:?}");
    let gaps = Sandbox::detect().gaps();
    if !gaps.is_empty() {
        println!("skipped: {gaps:?}");
        return;
    }
    assert!(status.contains("NoNewPrivs:\t1") && status.contains("CapEff:\t0000000000000000"), "{status}");
    let network = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
    assert_ne!(network(&pid.to_string()), network("self"));
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    assert!(limits.lines().any(|line| line.starts_with("Max address space") && line.contains("6442450944")), "{limits}");
}

#[tokio::test]
async fn ffmpeg_dies_with_a_killed_parent() {
    if Sandbox::detect().gaps().iter().any(|gap| gap.contains("outlive")) {
        println!("skipped: {:?}", Sandbox::detect().gaps());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    long_video(folder.path());
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let out = out.canonicalize().unwrap();
    let mut parent = helper("helper_packages_a_long_video", folder.path(), &[]);
    until(Duration::from_secs(20), || out.join("0.mp4").is_file()).await;
    assert_eq!(working_in(&out).len(), 1);
    // SIGKILL: nothing of the parent can run any more.
    parent.kill().unwrap();
    parent.wait().unwrap();
    until(Duration::from_secs(2), || working_in(&out).is_empty()).await;
}

async fn run(file: &Path, words: &str, folder: &Path, caps: Caps) -> Result<tool::Ended, MediaError> {
    let after = words.split(' ').map(str::to_owned).collect();
    let input = tool::open(file)?;
    let job = Job { program: Program::Ffmpeg, before: Vec::new(), after, input, folder: Some(folder.to_owned()), caps };
    tool::output(job, 1000).await.map(|(_, ended)| ended)
}

#[tokio::test]
async fn time_output_and_words_are_limited() {
    let folder = tempfile::tempdir().unwrap();
    let file = long_video(folder.path());
    let place = folder.path();
    let encode = "-c:v libx264 -y again.mp4";
    let wall = run(&file, encode, place, Caps { wall: Duration::from_millis(300), ..CAPS }).await.unwrap_err();
    assert_eq!(wall.to_string(), "timeout: it took longer than 0 s");
    let cpu = run(&file, encode, place, Caps { cpu: Duration::from_secs(1), ..CAPS }).await.unwrap_err();
    assert_eq!(cpu.to_string(), "timeout: it took more than 1 s of processor time");
    let size = run(&file, "-c copy -y again.mp4", place, Caps { file_bytes: 100_000, ..CAPS }).await.unwrap_err();
    assert_eq!(size.to_string(), "over_limit: its output is larger than 100000 bytes");
    let much = run(&file, "-c copy -f framecrc pipe:1", place, CAPS).await.unwrap_err();
    assert_eq!(much.code(), "over_limit", "{much}");
    let talk = run(&file, "-v debug -c copy -f null -", place, CAPS).await.unwrap();
    assert!(talk.success && (1000..=8 << 10).contains(&talk.stderr.len()), "{}", talk.stderr.len());
    let folder_as_input = tool::open(place).unwrap_err();
    assert_eq!(folder_as_input.to_string(), "tool: the input is no regular file");
}
