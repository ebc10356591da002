//! HLS playlists (RFC 8216) of packaged media, written from measured segments. Pure.

use std::fmt::Write;

use crate::model::Rendition;

/// One media segment, measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Seconds.
    pub duration_s: f64,
    /// Its size.
    pub size_bytes: u64,
}

/// Measured bit rates, bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Peak segment bit rate: `BANDWIDTH`.
    pub peak_bps: u64,
    /// Mean bit rate: `AVERAGE-BANDWIDTH`.
    pub average_bps: u64,
}

/// `EXT-X-TARGETDURATION`: no segment's duration, rounded to whole seconds, may exceed it (RFC 8216, 4.3.3.1).
pub fn target_duration(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| segment.duration_s.round() as u64).max().unwrap_or(0).max(1)
}

/// Measures bit rates. The peak is the highest of any run of neighbours that lasts between 0.5 and 1.5 times the target duration
/// (RFC 8216, section 4.1), so that a short last segment does not count alone; a whole that is shorter counts as it is.
pub fn rates(segments: &[Segment]) -> Rates {
    let rate = |bytes: u64, seconds: f64| if seconds > 0.0 { (bytes as f64 * 8.0 / seconds).ceil() as u64 } else { 0 };
    let bytes = segments.iter().map(|segment| segment.size_bytes).sum();
    let average_bps = rate(bytes, segments.iter().map(|segment| segment.duration_s).sum());
    let target = target_duration(segments) as f64;
    let mut peak_bps = average_bps;
    for first in 0..segments.len() {
        let (mut bytes, mut seconds) = (0, 0.0);
        for segment in segments.iter().skip(first) {
            bytes += segment.size_bytes;
            seconds += segment.duration_s;
            if seconds > target * 1.5 {
                break;
            }
            if seconds >= target * 0.5 {
                peak_bps = peak_bps.max(rate(bytes, seconds));
            }
        }
    }
    Rates { peak_bps, average_bps }
}

/// A media playlist: init segment `init.mp4`, segments `0.m4s` and on, beside it.
pub fn media(segments: &[Segment], target_duration: u64) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target_duration}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n"
    );
    for (number, segment) in segments.iter().enumerate() {
        let _infallible = write!(text, "#EXTINF:{:.6},\n{number}.m4s\n", segment.duration_s);
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The master playlist, in the order of the renditions.
pub fn master(renditions: &[Rendition]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for rendition in renditions {
        let Rendition { bandwidth_bps, average_bandwidth_bps, codecs, .. } = rendition;
        let _infallible = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth_bps},AVERAGE-BANDWIDTH={average_bandwidth_bps},CODECS=\"{codecs}\""
        );
        if rendition.width > 0 {
            let Rendition { width, height, frame_rate, .. } = rendition;
            let _infallible = write!(text, ",RESOLUTION={width}x{height},FRAME-RATE={frame_rate:.3}");
        }
        let _infallible = write!(text, "\n{}\n", rendition.playlist);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(of: &[(f64, u64)]) -> Vec<Segment> {
        of.iter().map(|&(duration_s, size_bytes)| Segment { duration_s, size_bytes }).collect()
    }

    #[test]
    fn target_duration_is_the_longest_rounded() {
        assert_eq!(target_duration(&segments(&[(6.006, 1), (6.006, 1), (1.2, 1)])), 6);
        assert_eq!(target_duration(&segments(&[(6.5, 1)])), 7);
        assert_eq!(target_duration(&segments(&[(0.04, 1)])), 1);
    }

    #[test]
    fn a_short_last_segment_is_no_peak_of_its_own() {
        let rates = rates(&segments(&[(6.0, 600_000), (6.0, 750_000), (0.2, 250_000)]));
        assert_eq!(rates.peak_bps, (1_000_000.0_f64 * 8.0 / 6.2).ceil() as u64);
        assert_eq!(rates.average_bps, (1_600_000.0_f64 * 8.0 / 12.2).ceil() as u64);
        let single = super::rates(&segments(&[(0.2, 25_000)]));
        assert_eq!((single.peak_bps, single.average_bps), (1_000_000, 1_000_000));
    }

    #[test]
    fn writes_playlists_that_say_what_was_measured() {
        let media = media(&segments(&[(6.0, 1), (5.28, 1)]), 6);
        assert!(media.ends_with("#EXTINF:6.000000,\n0.m4s\n#EXTINF:5.280000,\n1.m4s\n#EXT-X-ENDLIST\n"), "{media}");
        assert!(media.contains("#EXT-X-TARGETDURATION:6\n") && media.contains("#EXT-X-MAP:URI=\"init.mp4\"\n"), "{media}");
        let video = Rendition {
            name: "720p".to_owned(),
            width: 1280,
            height: 720,
            bandwidth_bps: 3_000_000,
            average_bandwidth_bps: 2_800_000,
            codecs: "avc1.64001f,mp4a.40.2".to_owned(),
            frame_rate: 30_000.0 / 1001.0,
            playlist: "720p/index.m3u8".to_owned(),
            segments: 2,
            size_bytes: 1,
        };
        let audio = Rendition {
            width: 0,
            height: 0,
            codecs: "mp4a.40.2".to_owned(),
            playlist: "audio/index.m3u8".to_owned(),
            ..video.clone()
        };
        assert_eq!(
            master(&[video, audio]),
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2800000,CODECS=\"avc1.64001f,mp4a.40.2\",\
             RESOLUTION=1280x720,FRAME-RATE=29.970\n720p/index.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2800000,CODECS=\"mp4a.40.2\"\naudio/index.m3u8\n"
        );
    }
}
