//! Packaged media laid out as they are served, and what ffprobe says of them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use weir::media::package::Packaged;

/// One rendition as ffprobe sees it through its playlist.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) size: Option<(u64, u64)>,
    pub(super) rate: f64,
    /// Presentation times of pictures, sorted; and which of them are key frames.
    pub(super) pictures: Vec<(f64, bool)>,
    /// First time and end of the sound.
    pub(super) sound: Option<(f64, f64)>,
}

/// Lays a packaged medium out in a folder, as the playlists name its pieces.
fn lay_out(packaged: &Packaged) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("master.m3u8"), &packaged.master).unwrap();
    for made in &packaged.renditions {
        let place = folder.path().join(&made.rendition.name);
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("index.m3u8"), &made.playlist).unwrap();
        let file = File::open(&made.file).unwrap();
        let names = (0..made.segments.len()).map(|number| format!("{number}.m4s"));
        for (name, bytes) in
            std::iter::once("init.mp4".to_owned()).chain(names).zip([&made.init].into_iter().chain(&made.segments))
        {
            let mut part = vec![0; (bytes.end - bytes.start) as usize];
            file.read_exact_at(&mut part, bytes.start).unwrap();
            std::fs::write(place.join(name), part).unwrap();
        }
    }
    folder
}

/// ffprobe's JSON.
fn ffprobe(file: &Path, entries: &str) -> Value {
    let output =
        Command::new("ffprobe").args(["-v", "error", "-show_entries", entries, "-of", "json"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value) -> Option<f64> {
    value.as_str()?.parse().ok()
}

fn see(folder: &Path, name: &str) -> Seen {
    let entries = "stream=codec_type,width,height,avg_frame_rate,r_frame_rate:packet=codec_type,pts_time,duration_time,flags";
    let report = ffprobe(&folder.join(name).join("index.m3u8"), entries);
    let of = |kind: &'static str, list: &'static str| {
        let all = report[list].as_array().unwrap().iter();
        all.filter(move |item| item["codec_type"] == kind).collect::<Vec<_>>()
    };
    let video = of("video", "streams").first().copied();
    let rate = video
        .and_then(|stream| stream["r_frame_rate"].as_str()?.split_once('/'))
        .map_or(0.0, |(num, den)| num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap());
    let time = |packet: &Value| number(&packet["pts_time"]).unwrap();
    let mut pictures: Vec<(f64, bool)> = of("video", "packets")
        .into_iter()
        .map(|packet| (time(packet), packet["flags"].as_str().unwrap().starts_with('K')))
        .collect();
    pictures.sort_by(|a, b| a.0.total_cmp(&b.0));
    let sounds = of("audio", "packets");
    let sound = sounds.first().zip(sounds.last()).map(|(first, last)| {
        // The encoder's lead-in has times before 0.
        (time(first).max(0.0), time(last) + number(&last["duration_time"]).unwrap())
    });
    let size = video.map(|stream| (stream["width"].as_u64().unwrap(), stream["height"].as_u64().unwrap()));
    Seen { name: name.to_owned(), size, rate, pictures, sound }
}

/// Lays out, looks, and checks what must hold of every packaged medium; answers what was seen, best first.
pub(super) fn check(packaged: &Packaged) -> Vec<Seen> {
    let folder = lay_out(packaged);
    let seen: Vec<Seen> = packaged.renditions.iter().map(|made| see(folder.path(), &made.rendition.name)).collect();
    let total_s = packaged.duration_ms as f64 / 1000.0;
    for (seen, made) in seen.iter().zip(&packaged.renditions) {
        let rendition = &made.rendition;
        let lengths = lengths(&made.playlist);
        assert_eq!(lengths.len(), made.segments.len());
        assert!((lengths.iter().sum::<f64>() - total_s).abs() < 0.002, "{}", made.playlist);
        let target = packaged_target(&made.playlist);
        assert!(lengths.iter().all(|length| length.round() <= target), "{}", made.playlist);
        let bytes: u64 = made.segments.iter().map(|bytes| bytes.end - bytes.start).sum();
        let mean = bytes as f64 * 8.0 / total_s;
        assert!((rendition.average_bandwidth_bps as f64 / mean - 1.0).abs() < 0.01, "{rendition:?}");
        assert!(rendition.bandwidth_bps >= rendition.average_bandwidth_bps, "{rendition:?}");
        match seen.size {
            None => assert!((seen.sound.unwrap().1 - total_s).abs() < 0.05, "{seen:?}"),
            Some(size) => check_pictures(seen, rendition, size, &lengths, total_s),
        }
        if let Some((start, _)) = seen.sound {
            assert!(start < 0.03, "{}: sound starts at {start}", seen.name);
        }
    }
    let keys = |seen: &Seen| seen.pictures.iter().filter(|picture| picture.1).map(|picture| picture.0).collect::<Vec<_>>();
    if let Some(first) = seen.first() {
        for other in &seen {
            let same = keys(first).iter().zip(keys(other)).all(|(a, b)| (a - b).abs() < 0.002);
            assert!(same && keys(first).len() == keys(other).len(), "{:?} {:?}", keys(first), keys(other));
        }
    }
    seen
}

fn check_pictures(seen: &Seen, rendition: &weir::model::Rendition, size: (u64, u64), lengths: &[f64], total_s: f64) {
    assert_eq!(size, (u64::from(rendition.width), u64::from(rendition.height)));
    assert!((seen.rate - rendition.frame_rate).abs() < 0.01, "{} seen, {} said", seen.rate, rendition.frame_rate);
    let frame_s = 1.0 / rendition.frame_rate;
    assert!((seen.pictures.len() as f64 * frame_s - total_s).abs() <= frame_s * 1.01, "{} pictures", seen.pictures.len());
    let (first, last) = (seen.pictures.first().unwrap().0, seen.pictures.last().unwrap().0);
    assert!(first.abs() < 0.001, "the first picture is at {first}");
    assert!((last + frame_s - total_s).abs() <= frame_s * 1.01, "the last picture is at {last} of {total_s}");
    // A group of pictures lasts 2 s: key frames at the first picture from 0, 2, 4 s and on.
    let keys: Vec<f64> = seen.pictures.iter().filter(|picture| picture.1).map(|picture| picture.0).collect();
    for (number, key) in keys.iter().enumerate() {
        let late = key - 2.0 * number as f64;
        assert!((-0.001..frame_s * 1.01).contains(&late), "{}: key frame {number} at {key}", seen.name);
    }
    assert_eq!(keys.len(), ((last - 0.001) / 2.0).floor().max(0.0) as usize + 1, "{keys:?} until {last}");
    // Every segment starts at a key frame.
    let mut start = 0.0;
    for length in lengths {
        assert!(keys.iter().any(|key| (key - start).abs() < 0.002), "{}: a segment starts at {start}, keys {keys:?}", seen.name);
        start += length;
    }
}

fn lengths(playlist: &str) -> Vec<f64> {
    let values = playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    values.map(|value| value.trim_end_matches(',').parse().unwrap()).collect()
}

fn packaged_target(playlist: &str) -> f64 {
    playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-TARGETDURATION:")).unwrap().parse().unwrap()
}
