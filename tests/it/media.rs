//! Probing, packaging and decoding, on media that ffmpeg makes here and on real clips.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use weir::media::decode::{Chunk, Decoding, Plan};
use weir::media::frame::Frame;
use weir::media::package::{Packaged, package};
use weir::media::probe::probe;
use weir::media::{Limits, MediaError};
use weir::model::MediaInfo;

/// Pictures that move and sound that is not silent.
const PICTURES: &str = "-f lavfi -i testsrc2=s=1280x720:r=25:d=5";
const SOUND: &str = "-f lavfi -i sine=f=440:r=48000:d=5";
const FAST: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";

/// Runs ffmpeg with words split at spaces; the last is the file's name in `folder`.
fn make(folder: &Path, words: &str) -> PathBuf {
    let words: Vec<&str> = words.split_whitespace().collect();
    let status =
        Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(&words).current_dir(folder).status().unwrap();
    assert!(status.success(), "ffmpeg {words:?}");
    folder.join(words.last().unwrap())
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

#[tokio::test]
async fn try_it() {
    for name in [
        "clips/bigbuckbunny.mp4",
        "cuts/testvideo.mp4",
        "vpdq/chair-19-sd-bar.mp4",
        "speech/jfk.flac",
        "clips/bus.jpg",
        "ocr/sample_overlay_text.png",
    ] {
        let Some(file) = clip(name) else { return };
        let t = std::time::Instant::now();
        let (media, made, _folder) = packaged(&file).await;
        println!("{name} {:?} {media:#?}\n{made:#?}", t.elapsed());
    }
}
