//! Media of every shape are packaged as they are shown, never enlarged, and with an even clock.

use std::path::Path;

use super::served::{Seen, check};
use super::{FAST, clip, make, packaged, pictures, tone};

/// Names and sizes of what was packaged, best first.
fn sizes(seen: &[Seen]) -> Vec<(&str, u64, u64)> {
    seen.iter().map(|seen| (seen.name.as_str(), seen.size.unwrap().0, seen.size.unwrap().1)).collect()
}

#[tokio::test]
async fn real_clips_keep_size_rate_and_length() {
    let clips = [
        ("clips/bigbuckbunny.mp4", ("720p", 1280, 720), 25.0, 5280, true),
        ("cuts/testvideo.mp4", ("720p", 1280, 720), 30_000.0 / 1001.0, 24_024, false),
        ("vpdq/chair-19-sd-bar.mp4", ("480p", 480, 720), 30.0, 18_800, true),
    ];
    for (name, best, rate, duration_ms, sound) in clips {
        let Some(file) = clip(name) else { continue };
        let (media, made, _folder) = packaged(&file).await;
        let seen = check(&made);
        assert_eq!(sizes(&seen)[0], best);
        assert!((seen[0].rate - rate).abs() < 0.01, "{name}");
        assert!((made.duration_ms - duration_ms).abs() <= 40, "{name}: {}", made.duration_ms);
        assert_eq!(media.video.unwrap().frames, Some(seen[0].pictures.len() as u64));
        assert_eq!(seen[0].sound.is_some(), sound);
        assert_eq!(made.audio.is_some(), sound);
        assert!(std::fs::metadata(made.poster.unwrap()).unwrap().len() > 5000, "{name}");
    }
}

#[tokio::test]
async fn every_rung_that_the_source_supports_with_aligned_groups() {
    let folder = tempfile::tempdir().unwrap();
    let file = make(folder.path(), &format!("{} {} {FAST} full.mp4", pictures("1920x1080", "30000/1001", 7.0), tone(7.0)));
    let (_, made, _out) = packaged(&file).await;
    let seen = check(&made);
    assert_eq!(sizes(&seen), [("1080p", 1920, 1080), ("720p", 1280, 720), ("480p", 854, 480), ("360p", 640, 360)]);
    assert_eq!(made.renditions[0].segments.len(), 2);
    assert!(
        made.renditions
            .iter()
            .all(|made| made.rendition.codecs.starts_with("avc1.64") && made.rendition.codecs.ends_with(",mp4a.40.2"))
    );
    let ladder: Vec<u64> = made.renditions.iter().map(|made| made.rendition.bandwidth_bps).collect();
    assert!(ladder.is_sorted_by(|a, b| a > b), "{ladder:?}");
}

/// What is fed in, and what must come out.
struct Shape {
    name: &'static str,
    words: String,
    best: (&'static str, u64, u64),
    rate: f64,
    duration_ms: i64,
    sound: bool,
}

fn shapes() -> Vec<Shape> {
    let small = |rate: &str| pictures("320x240", rate, 3.0);
    let shape = |name, words: String, best, rate, duration_ms, sound| Shape { name, words, best, rate, duration_ms, sound };
    let own = ("360p", 320, 240);
    vec![
        shape(
            "odd.mp4",
            format!("{} {FAST} -pix_fmt yuv444p", pictures("641x481", "25", 2.0)),
            ("480p", 640, 480),
            25.0,
            2000,
            false,
        ),
        shape(
            "small-odd.mp4",
            format!("{} {FAST} -pix_fmt yuv444p", pictures("211x121", "25", 2.0)),
            ("360p", 210, 120),
            25.0,
            2000,
            false,
        ),
        shape("portrait.mp4", format!("{} {FAST}", pictures("360x640", "25", 2.0)), ("360p", 360, 640), 25.0, 2000, false),
        shape(
            "wide-pixels.mp4",
            format!("{} -vf setsar=2 {FAST}", pictures("320x360", "25", 2.0)),
            ("360p", 640, 360),
            25.0,
            2000,
            false,
        ),
        shape("silent.mkv", format!("{} {FAST}", small("24000/1001")), own, 24_000.0 / 1001.0, 3003, false),
        shape("late.ts", format!("{} {} {FAST} -output_ts_offset 10", small("25"), tone(3.0)), own, 25.0, 3000, true),
        shape("fast.mp4", format!("{} {FAST}", small("120")), own, 60.0, 3000, false),
        shape("sound-first.mkv", format!("-itsoffset 0.7 {} {} {FAST}", small("25"), tone(3.7)), own, 25.0, 3000, true),
        shape("sound-late.mkv", format!("{} -itsoffset 0.7 {} {FAST}", small("25"), tone(2.3)), own, 25.0, 3000, true),
        shape("sound-longer.mp4", format!("{} {} {FAST}", small("25"), tone(5.0)), own, 25.0, 5000, true),
        shape("sound-shorter.mp4", format!("{} {} {FAST}", small("25"), tone(1.0)), own, 25.0, 3000, true),
        shape(
            "no-length.webm",
            format!("{} -c:v libvpx -deadline realtime -f webm -live 1", small("25")),
            own,
            25.0,
            3000,
            false,
        ),
        shape("moving.gif", pictures("320x240", "10", 2.0), own, 10.0, 2000, false),
        shape("still.png", format!("{} -frames:v 1", small("25")), own, 25.0, 2000, false),
        shape("still.jpg", format!("{} -frames:v 1", small("25")), own, 25.0, 2000, false),
        shape("still.webp", format!("{} -frames:v 1", small("25")), own, 25.0, 2000, false),
        shape("one-frame.mp4", format!("{} -frames:v 1 {FAST}", small("25")), own, 25.0, 2000, false),
    ]
}

#[tokio::test]
async fn every_shape_is_packaged_as_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    for Shape { name, words, best, rate, duration_ms, sound } in shapes() {
        let file = make(folder.path(), &format!("{words} {name}"));
        let (media, made, _out) = packaged(&file).await;
        let seen = check(&made);
        let frame_ms = (1000.0 / rate) as i64 + 1;
        assert_eq!(sizes(&seen)[0], best, "{name}");
        assert!((seen[0].rate - rate).abs() < 0.01, "{name}: {}", seen[0].rate);
        assert!((made.duration_ms - duration_ms).abs() <= frame_ms, "{name}: {} ms", made.duration_ms);
        assert!((media.duration_ms - duration_ms).abs() <= frame_ms.max(60), "{name}: probed {} ms", media.duration_ms);
        assert_eq!(seen[0].sound.is_some(), sound, "{name}");
        if let Some((_, end)) = seen[0].sound {
            assert!((end - duration_ms as f64 / 1000.0).abs() < 0.1, "{name}: sound ends at {end}");
        }
        if name == "late.ts" {
            assert!((10_000..12_000).contains(&media.start_ms), "{}", media.start_ms);
        }
    }
}

#[tokio::test]
async fn rotation_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &format!("{} {FAST} plain.mp4", pictures("640x360", "25", 2.0)));
    let file = make(folder.path(), "-i plain.mp4 -c copy -metadata:s:v rotate=90 turned.mp4");
    let (media, made, _out) = packaged(&file).await;
    let video = media.video.unwrap();
    assert_eq!((video.width, video.height), (360, 640));
    assert!(matches!(video.rotation, 90 | 270), "{}", video.rotation);
    assert_eq!(sizes(&check(&made)), [("360p", 360, 640)]);
}

#[tokio::test]
async fn a_variable_rate_becomes_an_even_clock() {
    let folder = tempfile::tempdir().unwrap();
    // Every picture of the first second, then every third one.
    let words = format!("{} -vf select='lt(n,30)+not(mod(n,3))' -fps_mode vfr {FAST} uneven.mp4", pictures("320x240", "30", 5.0));
    let (media, made, _out) = packaged(&make(folder.path(), &words)).await;
    assert!(media.video.unwrap().variable_rate);
    let seen = check(&made);
    assert!((seen[0].rate - 24.0).abs() < 0.01, "{}", seen[0].rate);
    assert!((made.duration_ms - 5000).abs() <= 100, "{}", made.duration_ms);
}

#[tokio::test]
async fn sound_alone_becomes_one_audio_rendition() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &format!("{} -frames:v 1 cover.jpg", pictures("320x240", "25", 1.0)));
    let words = format!("{} -i cover.jpg -map 0 -map 1 -c:v copy -disposition:v attached_pic song.mp3", tone(13.0));
    let (media, made, _out) = packaged(&make(folder.path(), &words)).await;
    assert_eq!((media.container.as_str(), &media.video), ("mp3", &None));
    assert_eq!(media.notes, ["an attached picture is a cover, not a video track"]);
    let seen = check(&made);
    assert_eq!((seen.len(), seen[0].name.as_str(), seen[0].size), (1, "audio", None));
    assert_eq!(made.renditions[0].segments.len(), 3);
    assert!(made.poster.is_none() && made.audio.is_some());
    assert!((made.duration_ms - 13_000).abs() < 60, "{}", made.duration_ms);
}

#[tokio::test]
async fn of_twenty_audio_tracks_the_first_is_kept_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let maps = "-map 1 ".repeat(20);
    let words = format!("{} {} -map 0 {maps} {FAST} many.mkv", pictures("320x240", "25", 2.0), tone(2.0));
    let (media, made, _out) = packaged(&make(folder.path(), &words)).await;
    assert_eq!(media.notes, ["20 audio tracks, first kept"]);
    assert_eq!(media.audio.unwrap().index, 1);
    assert!(check(&made)[0].sound.is_some());
}

#[tokio::test]
async fn titles_places_and_chapters_stay_out_of_what_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let chapters = ";FFMETADATA1\ntitle=A Private Title\nlocation=+48.8577+002.295/\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=Private Chapter\n";
    std::fs::write(folder.path().join("chapters.txt"), chapters).unwrap();
    let words = format!(
        "{} {} -i chapters.txt -map_metadata 2 {FAST} -timecode 01:00:00:00 private.mov",
        pictures("320x240", "25", 2.0),
        tone(2.0)
    );
    let file = make(folder.path(), &words);
    let contains = |file: &Path| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains("Private");
    assert!(contains(&file));
    let (_, made, _out) = packaged(&file).await;
    check(&made);
    assert!(!contains(&made.renditions[0].file) && !contains(&made.audio.unwrap()));
}

/// A flash and a burst of sound at 1.5 s of a file whose sound starts before its pictures.
fn flash_and_burst(folder: &Path) -> std::path::PathBuf {
    let picture = "-f lavfi -i color=black:s=320x240:r=25:d=3,drawbox=c=white:t=fill:enable='gte(t,1.5)'";
    let sound = "-f lavfi -i sine=f=880:r=48000:d=3.5,volume=enable='lt(t,2)':volume=0";
    make(folder, &format!("-itsoffset 0.5 {picture} {sound} {FAST} -output_ts_offset 10 together.ts"))
}

#[tokio::test]
async fn sound_and_pictures_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    let (media, made, out) = packaged(&flash_and_burst(folder.path())).await;
    assert!((media.lead_us - 500_000).abs() < 60_000, "{}", media.lead_us);
    check(&made);
    let flash = super::decoding::flash_ms(&made.renditions[0].file).await;
    let burst = super::decoding::burst_ms(&out.path().join("audio.m4a")).await;
    assert!((flash - 1500).abs() <= 40, "flash at {flash}");
    assert!((burst - 1500).abs() <= 30, "burst at {burst}");
}
