//! One decode gives every picture once, with its number and time, and all of the sound.

use std::path::Path;

use weir::analyser::Sampling;
use weir::media::decode::{Chunk, Decoding, Plan};
use weir::media::frame::{DETAIL_HEIGHT, DETAIL_WIDTH, Frame};
use weir::media::probe::probe;
use weir::media::{Limits, MediaError};
use weir::stage::analyse::plan::Thin;

use super::{FAST, clip, make, pictures, tone};

fn everything() -> Plan {
    Plan { every_frame_small: true, sampled_fps: vec![2.0], detail_fps: vec![1.0], audio: true }
}

#[derive(Debug, Default)]
struct Decoded {
    small: Vec<Frame>,
    large: Vec<Frame>,
    detail: Vec<Frame>,
    pcm: Vec<f32>,
}

async fn decode(file: &Path, plan: Plan) -> Result<Decoded, MediaError> {
    let limits = Limits::default();
    let media = probe(file, &limits).await?;
    let mut decoding = Decoding::start(file, &media, plan, &limits).await?;
    let mut decoded = Decoded::default();
    while let Some(chunk) = decoding.recv().await {
        match chunk? {
            Chunk::Small(frames) => decoded.small.extend(frames),
            Chunk::Large(frames) => decoded.large.extend(frames),
            Chunk::Detail(frames) => decoded.detail.extend(frames),
            Chunk::Audio(pcm) => {
                assert_eq!(pcm.time_ms, decoded.pcm.len() as i64 / 16, "sound has no gaps");
                decoded.pcm.extend(pcm.samples.iter());
            }
        }
    }
    assert!(decoding.recv().await.is_none());
    Ok(decoded)
}

/// When the pictures become bright.
pub(super) async fn flash_ms(file: &Path) -> i64 {
    let small = Plan { sampled_fps: Vec::new(), detail_fps: Vec::new(), audio: false, ..everything() };
    let decoded = decode(file, small).await.unwrap();
    decoded.small.iter().find(|frame| frame.rgb.iter().all(|&value| value > 200)).unwrap().time_ms
}

/// When the sound becomes loud.
pub(super) async fn burst_ms(file: &Path) -> i64 {
    let decoded = decode(file, everything()).await.unwrap();
    decoded.pcm.iter().position(|sample| sample.abs() > 0.02).unwrap() as i64 / 16
}

/// Numbers run from 0 without a gap, and times are those of a constant rate.
fn check_every_frame(frames: &[Frame], count: usize, rate: f64) {
    assert_eq!(frames.len(), count);
    for (number, frame) in frames.iter().enumerate() {
        assert_eq!(frame.index, number as u64);
        let expected = number as f64 * 1000.0 / rate;
        assert!((frame.time_ms as f64 - expected).abs() <= 1.0, "picture {number} at {}", frame.time_ms);
        assert_eq!(frame.rgb.len(), (frame.width * frame.height * 3) as usize);
        assert_eq!(frame.width, 256);
    }
}

/// Every sampled picture is the first of its bucket, numbered as in the whole.
fn check_sampled(large: &[Frame], small: &[Frame], fps: f64) {
    let bucket = |frame: &Frame| ((frame.time_ms + 1) as f64 * fps / 1000.0).floor() as i64;
    let firsts = small.chunk_by(|a, b| bucket(a) == bucket(b)).map(|group| (group[0].index, group[0].time_ms));
    assert_eq!(large.iter().map(|frame| (frame.index, frame.time_ms)).collect::<Vec<_>>(), firsts.collect::<Vec<_>>());
}

#[tokio::test]
async fn real_clips_give_exact_counts_and_times() {
    if let Some(file) = clip("cuts/testvideo.mp4") {
        let decoded = decode(&file, everything()).await.unwrap();
        check_every_frame(&decoded.small, 720, 30_000.0 / 1001.0);
        check_sampled(&decoded.large, &decoded.small, 2.0);
        assert_eq!((decoded.large.len(), decoded.large[0].width, decoded.large[0].height), (48, 1280, 720));
        assert!(decoded.pcm.is_empty());
    }
    if let Some(file) = clip("clips/bigbuckbunny.mp4") {
        let decoded = decode(&file, everything()).await.unwrap();
        check_every_frame(&decoded.small, 132, 25.0);
        check_sampled(&decoded.large, &decoded.small, 2.0);
        assert_eq!(decoded.small[0].height, 144);
        assert!((decoded.pcm.len() as i64 - 5312 * 16).abs() < 16 * 30, "{}", decoded.pcm.len());
    }
}

#[tokio::test]
async fn sampled_pictures_alone_have_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    // An uneven rate in a file whose clock starts at 10 s: numbers are counted, not computed.
    let words = format!(
        "{} -vf select='lt(n,30)+not(mod(n,3))' -fps_mode vfr {FAST} -output_ts_offset 10 uneven.ts",
        pictures("640x360", "30", 4.0)
    );
    let file = make(folder.path(), &words);
    let whole = decode(&file, everything()).await.unwrap();
    assert_eq!((whole.small.len(), whole.small[0].time_ms), (60, 0));
    check_sampled(&whole.large, &whole.small, 2.0);
    let alone = decode(&file, Plan { every_frame_small: false, ..everything() }).await.unwrap();
    assert!(alone.small.is_empty());
    assert_eq!(numbers(&alone.large), numbers(&whole.large));
    assert_eq!((alone.large[0].width, alone.large[0].height), (640, 360), "never enlarged");
}

fn numbers(frames: &[Frame]) -> Vec<(u64, i64)> {
    frames.iter().map(|frame| (frame.index, frame.time_ms)).collect()
}

#[tokio::test]
async fn an_odd_rate_gets_beside_another_what_it_gets_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = make(folder.path(), &format!("{} {FAST} long.mp4", pictures("320x240", "30000/1001", 12.0)));
    let alone = decode(&file, Plan { sampled_fps: vec![0.3], ..everything() }).await.unwrap();
    assert_eq!(alone.large.len(), 4);
    check_sampled(&alone.large, &alone.small, f64::from(0.3_f32));
    let mut beside = decode(&file, Plan { sampled_fps: vec![2.0, 0.3], ..everything() }).await.unwrap();
    let mut thin = Thin::to(Sampling::Sampled { fps: 0.3 });
    beside.large.retain(|frame| thin.takes(frame.time_ms));
    assert_eq!(numbers(&beside.large), numbers(&alone.large));
}

#[tokio::test]
async fn turned_pictures_are_as_shown() {
    let folder = tempfile::tempdir().unwrap();
    // The upper half is white; turned, it is a side.
    let half = "-f lavfi -i color=black:s=640x360:r=25:d=1,drawbox=c=white:t=fill:h=180";
    make(folder.path(), &format!("{half} {FAST} plain.mp4"));
    let file = make(folder.path(), "-i plain.mp4 -c copy -metadata:s:v rotate=90 turned.mp4");
    let decoded = decode(&file, everything()).await.unwrap();
    let frame = &decoded.large[0];
    assert_eq!((frame.width, frame.height), (360, 640));
    let at = |x: u32, y: u32| frame.rgb[((y * frame.width + x) * 3) as usize] > 128;
    assert!(at(90, 100) == at(90, 540) && at(270, 100) == at(270, 540) && at(90, 100) != at(270, 100));
    assert_eq!((decoded.small[0].width, decoded.small[0].height), (256, 455));
}

#[tokio::test]
async fn a_still_is_one_picture_and_sound_alone_is_sound_alone() {
    let folder = tempfile::tempdir().unwrap();
    let still = make(folder.path(), &format!("{} -frames:v 1 still.png", pictures("2560x720", "25", 1.0)));
    let decoded = decode(&still, everything()).await.unwrap();
    assert_eq!((decoded.small.len(), decoded.large.len(), decoded.pcm.len()), (1, 1, 0));
    assert_eq!((decoded.large[0].width, decoded.large[0].height), (1280, 360));
    assert_eq!((decoded.detail[0].width, decoded.detail[0].height), (DETAIL_WIDTH, DETAIL_HEIGHT));
    let song = make(folder.path(), &format!("{} song.flac", tone(2.0)));
    let decoded = decode(&song, everything()).await.unwrap();
    assert_eq!((decoded.small.len(), decoded.large.len(), decoded.pcm.len()), (0, 0, 32_000));
    let nothing = decode(&song, Plan { audio: false, ..everything() }).await.unwrap();
    assert!(nothing.pcm.is_empty());
}

#[tokio::test]
async fn a_detail_is_the_middle_in_the_sources_own_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let raw = "-f lavfi -i testsrc2=s=1922x1082:r=4:d=2";
    let file = make(folder.path(), &format!("{raw} -pix_fmt yuv444p -c:v libx264 -preset ultrafast -qp 0 wide.mp4"));
    let decoded = decode(&file, everything()).await.unwrap();
    assert_eq!(decoded.detail.iter().map(|frame| (frame.index, frame.time_ms)).collect::<Vec<_>>(), [(0, 0), (4, 1000)]);
    let crop = format!("crop={DETAIL_WIDTH}:{DETAIL_HEIGHT}:exact=1");
    let whole = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&file)
        .args(["-frames:v", "1", "-vf", &format!("format=rgb24,{crop}"), "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert_eq!(*decoded.detail[0].rgb, *whole.stdout);
    let small = make(folder.path(), &format!("{} -frames:v 2 small.mkv", pictures("322x242", "2", 1.0)));
    let decoded = decode(&small, everything()).await.unwrap();
    assert_eq!((decoded.detail[0].width, decoded.detail[0].height), (322, 242));
}

#[tokio::test]
async fn a_slow_receiver_makes_ffmpeg_wait_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = make(folder.path(), &format!("{} {} {FAST} long.mp4", pictures("320x240", "25", 30.0), tone(30.0)));
    let limits = Limits::default();
    let media = probe(&file, &limits).await.unwrap();
    let mut decoding = Decoding::start(&file, &media, everything(), &limits).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    let (mut small, mut samples) = (0, 0);
    while let Some(chunk) = decoding.recv().await {
        match chunk.unwrap() {
            Chunk::Small(frames) => small += frames.len(),
            Chunk::Large(_) | Chunk::Detail(_) => {}
            Chunk::Audio(pcm) => samples += pcm.samples.len(),
        }
    }
    assert_eq!(small, 750);
    assert!((samples as i64 - 480_000).abs() < 1000, "{samples}");
}
