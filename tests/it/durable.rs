//! Bytes are durable before the row that names them: seen from outside, with strace.

use std::process::Command;

use crate::program::{NO_ANALYSIS, ffmpeg};

/// Where in the trace the first line stands that has all these words, from line `from` on.
fn find(trace: &[String], from: usize, words: &[&str]) -> usize {
    let at = trace.iter().skip(from).position(|line| words.iter().all(|word| line.contains(word)));
    from + at.unwrap_or_else(|| panic!("no line with {words:?} after line {from}:\n{}", trace[from..].join("\n")))
}

#[test]
fn a_put_is_fsync_rename_fsync_of_the_folder_and_only_then_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, out) = (folder.path().join("clip.mp4"), folder.path().join("trace"));
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast"], &clip);
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o"]).arg(&out);
    command.arg(env!("CARGO_BIN_EXE_weir")).arg("ingest").arg(&clip).arg("--data").arg(folder.path().join("data"));
    for setting in NO_ANALYSIS.iter() {
        command.args(["--set", setting]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let trace: Vec<String> = std::fs::read_to_string(&out).unwrap().lines().map(str::to_owned).collect();
    let renamed = find(&trace, 0, &["rename", "/vod-raw/up-", "/source#"]);
    let synced = find(&trace, 0, &["sync(", "/vod-raw/up-", "/source#"]);
    let folder_synced = find(&trace, renamed, &["sync(", "/vod-raw/up-"]);
    let row = find(&trace, folder_synced, &["sync(", "weir.db-wal"]);
    assert!(synced < renamed && renamed < folder_synced && folder_synced < row);
    assert!(!trace[folder_synced].contains("/source"), "the folder itself is synced: {}", trace[folder_synced]);
}
