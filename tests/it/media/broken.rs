//! What is no medium, or asks for too much, is refused with a stable code, soon, and in bounded memory.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use weir::media::package::package;
use weir::media::probe::probe;
use weir::media::{Limits, MediaError};

use super::{FAST, make, packaged, pictures, tone};

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

async fn refused(file: &Path, limits: &Limits) -> MediaError {
    let began = Instant::now();
    let error = probe(file, limits).await.expect_err(&file.display().to_string());
    assert!(began.elapsed() < Duration::from_secs(5), "{}: {:?}", file.display(), began.elapsed());
    error
}

#[tokio::test]
async fn what_is_no_medium_is_refused_within_five_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nother.ts\n#EXT-X-ENDLIST\n";
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08meta";
    let files: [(&str, &[u8], &str); 8] = [
        ("empty", b"", "empty"),
        ("text", b"hello, this is only a text\n", "unsupported_media"),
        ("m3u8", playlist, "unsupported_media"),
        ("ffconcat", b"ffconcat version 1.0\nfile other.ts\n", "unsupported_media"),
        ("mpd", b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>", "unsupported_media"),
        ("svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>", "unsupported_media"),
        ("heic", heic, "unsupported_media"),
        ("zeros", &[0; 10_000], "unsupported_media"),
    ];
    for (name, bytes, code) in files {
        let error = refused(&write(folder.path(), name, bytes), &Limits::default()).await;
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.is_final() && error.to_string().starts_with(code), "{name}: {error}");
    }
}

#[tokio::test]
async fn what_asks_for_too_much_is_refused_by_a_rule_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let video = make(folder.path(), &format!("{} {FAST} video.mp4", pictures("640x360", "25", 3.0)));
    let dot = make(folder.path(), "-f lavfi -i color=red:s=16x16:r=25:d=1 -vf scale=1:1,format=rgb24 -frames:v 1 dot.png");
    let maps = "-map 0 ".repeat(65);
    let many = make(folder.path(), &format!("{} {maps} -c:a pcm_s16le many.mkv", tone(0.2)));
    let default = Limits::default;
    let cases = [
        (&dot, default(), "unsupported_media: the picture is 1×1; at least 16×16 is needed"),
        (&video, Limits { max_pixels: 640 * 359, ..default() }, "over_limit: the picture is 640×360; at most 229760 pixels"),
        (&video, Limits { max_duration: Duration::from_secs(2), ..default() }, "over_limit: it is 3 s long; at most 2 s"),
        (&many, default(), "over_limit: 65 tracks; at most 64"),
    ];
    for (file, limits, words) in cases {
        assert_eq!(refused(file, &limits).await.to_string(), words);
    }
}

#[tokio::test]
async fn a_truncated_file_is_truncated_or_shorter() {
    let folder = tempfile::tempdir().unwrap();
    let source = format!("{} {} {FAST} -g 25", pictures("320x240", "25", 6.0), tone(6.0));
    let front = make(folder.path(), &format!("{source} -movflags +faststart front.mp4"));
    let back = make(folder.path(), "-i front.mp4 -c copy back.mp4");
    let mut shorter = 0;
    for file in [&front, &back] {
        let bytes = std::fs::read(file).unwrap();
        for tenth in 0..10 {
            let end = bytes.len() * (2 * tenth + 1) / 20;
            let cut = write(folder.path(), "cut.mp4", &bytes[..end]);
            match probe(&cut, &Limits::default()).await {
                Err(error) => assert_eq!(error.code(), "truncated", "{end} of {}: {error}", bytes.len()),
                Ok(media) => {
                    assert!(media.notes.iter().any(|note| note.contains("cut short")), "{media:?}");
                    let (_, made, _out) = packaged(&cut).await;
                    super::served::check(&made);
                    assert!(made.duration_ms > 0 && made.duration_ms < 6000, "{end}: {} ms", made.duration_ms);
                    shorter += 1;
                }
            }
        }
    }
    assert!(shorter >= 5, "{shorter} of 20 were still played");
}

#[tokio::test]
async fn eight_thousand_pixels_across_are_packaged_within_the_memory_limit() {
    let folder = tempfile::tempdir().unwrap();
    let file = make(folder.path(), &format!("{} {FAST} 8k.mp4", pictures("7680x4320", "25", 0.4)));
    let (media, made, _out) = packaged(&file).await;
    assert_eq!(media.video.as_ref().unwrap().width, 7680);
    assert_eq!(super::served::check(&made)[0].size, Some((1920, 1080)));
    // Out of memory, ffmpeg fails in many ways and rarely says why; what counts is that the limit holds.
    let tight = Limits { max_memory_bytes: 600 << 20, ..Limits::default() };
    package(&file, &media, tempfile::tempdir().unwrap().path(), &tight, &|_| {}).await.expect_err("600 MiB are not enough");
}
