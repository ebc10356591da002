//! Probing, packaging and decoding, on media that ffmpeg makes here and on real clips.

mod broken;
mod decoding;
mod served;
mod shapes;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use weir::media::Limits;
use weir::media::package::{Packaged, package};
use weir::media::probe::probe;
use weir::model::MediaInfo;

/// Quick encoding for what tests feed in.
const FAST: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";

/// Runs ffmpeg with words split at spaces; the last is the name of the file to make in `folder`.
fn make(folder: &Path, words: &str) -> PathBuf {
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut command = Command::new("ffmpeg");
    let output = command.args(["-v", "error", "-nostdin", "-y"]).args(&words).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "ffmpeg {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    folder.join(words.last().unwrap())
}

/// Pictures that move, with a number of seconds, and a tone; options follow.
fn pictures(size: &str, rate: &str, seconds: f32) -> String {
    format!("-f lavfi -i testsrc2=s={size}:r={rate}:d={seconds}")
}

fn tone(seconds: f32) -> String {
    format!("-f lavfi -i sine=f=440:r=48000:d={seconds}")
}

/// A real clip, or none with a word about it.
fn clip(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata").join(name);
    if !path.is_file() {
        println!("skipped: no ../shared/testdata/{name}");
        return None;
    }
    Some(path)
}

async fn packaged(file: &Path) -> (MediaInfo, Packaged, TempDir) {
    let limits = Limits::default();
    let media = probe(file, &limits).await.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let folder = tempfile::tempdir().unwrap();
    let made = package(file, &media, folder.path(), &limits, &|_| {}).await;
    (media, made.unwrap_or_else(|error| panic!("{}: {error}", file.display())), folder)
}
