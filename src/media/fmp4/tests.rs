use std::io::Write;

use super::*;

fn boxed(kind: [u8; 4], payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 8).to_be_bytes()[..], &kind, payload].concat()
}

fn full(version: u8, flags: u32, words: &[u32]) -> Vec<u8> {
    let head = u32::from(version) << 24 | flags;
    std::iter::once(&head).chain(words).flat_map(|word| word.to_be_bytes()).collect()
}

fn stsd(entry: Vec<u8>) -> Vec<u8> {
    boxed(*b"stsd", &[full(0, 0, &[1]), entry].concat())
}

fn trak(id: u32, handler: [u8; 4], timescale: u32, media_time: u32, entry: Vec<u8>) -> Vec<u8> {
    let tkhd = boxed(*b"tkhd", &full(0, 3, &[0, 0, id, 0, 0]));
    let edts = boxed(*b"edts", &boxed(*b"elst", &full(0, 0, &[2, 0, u32::MAX, 0x10000, 0, media_time, 0x10000])));
    let mdhd = boxed(*b"mdhd", &full(0, 0, &[0, 0, timescale, 0, 0]));
    let hdlr = boxed(*b"hdlr", &[full(0, 0, &[0]), handler.to_vec()].concat());
    let minf = boxed(*b"minf", &boxed(*b"stbl", &stsd(entry)));
    boxed(*b"trak", &[tkhd, edts, boxed(*b"mdia", &[mdhd, hdlr, minf].concat())].concat())
}

fn movie() -> Vec<u8> {
    let avcc = boxed(*b"avcC", &[1, 0x64, 0, 0x1f, 0xff]);
    let video = boxed(*b"avc1", &[vec![0; 78], avcc].concat());
    // ES descriptor with a long length, decoder configuration, AAC LC at 48 kHz.
    let es = [&[3, 0x80, 0x80, 0x80, 25, 0, 2, 0, 4, 17][..], &[0; 13], &[5, 2, 0x11, 0x90]].concat();
    let sound = boxed(*b"mp4a", &[vec![0; 28], boxed(*b"esds", &[vec![0; 4], es].concat())].concat());
    let mvex = boxed(*b"mvex", &boxed(*b"trex", &full(0, 0, &[2, 1, 1024, 0, 0])));
    let tracks = [trak(1, *b"vide", 12_800, 1024, video), trak(2, *b"soun", 48_000, 1024, sound), mvex].concat();
    let of_video = [
        boxed(*b"tfhd", &full(0, 0x02_0000 | 8, &[1, 512])),
        boxed(*b"tfdt", &full(1, 0, &[0, 25_600])),
        // Sizes and composition offsets per sample; the first sample's flags apart.
        boxed(*b"trun", &full(0, 0xA05, &[3, 0, 0, 10, 1024, 11, 2048, 12, 512])),
    ];
    let of_sound = [
        boxed(*b"tfhd", &full(0, 0x02_0000, &[2])),
        boxed(*b"tfdt", &full(0, 0, &[93_184])),
        boxed(*b"trun", &full(0, 0x1, &[90, 0])),
    ];
    let moof = boxed(*b"moof", &[boxed(*b"traf", &of_video.concat()), boxed(*b"traf", &of_sound.concat())].concat());
    [boxed(*b"ftyp", b"iso5"), boxed(*b"moov", &tracks), moof, boxed(*b"mdat", &[0; 100])].concat()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn reads_tracks_codecs_and_runs() {
    let bytes = movie();
    let movie = read(&file(&bytes)).unwrap();
    let codecs: Vec<(&str, u32, i64)> =
        movie.tracks.iter().map(|track| (track.codec.as_str(), track.timescale, track.media_time)).collect();
    assert_eq!(codecs, [("avc1.64001f", 12_800, 1024), ("mp4a.40.2", 48_000, 1024)]);
    let fragment = &movie.fragments[0];
    assert_eq!((movie.init.end, fragment.bytes.end), (fragment.bytes.start, bytes.len() as u64));
    let video = Run { track: 1, decode_time: 25_600, offset: 1024, duration: 1536, samples: 3 };
    let sound = Run { track: 2, decode_time: 93_184, offset: 0, duration: 92_160, samples: 90 };
    assert_eq!(fragment.runs, [video, sound]);
    assert_eq!(missing_bytes(&file(&bytes)), None);
}

#[test]
fn a_file_that_ends_anywhere_is_an_error_and_says_what_is_missing() {
    let bytes = movie();
    for end in 1..bytes.len() {
        let cut = file(&bytes[..end]);
        let whole = end == bytes.len() - 108;
        assert_eq!(read(&cut).is_ok(), whole, "cut at {end}");
        assert_eq!(missing_bytes(&cut).is_none(), movie_starts(&bytes, end), "cut at {end}");
    }
}

/// Whether a top-level box starts at `end`: such a cut cannot be seen.
fn movie_starts(bytes: &[u8], end: usize) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        if at == end {
            return true;
        }
        at += u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    }
    false
}

#[test]
fn a_byte_that_lies_breaks_nothing() {
    let bytes = movie();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut lying = bytes.clone();
            lying[at] = value;
            let lying = file(&lying);
            // Any answer will do, as long as there is one.
            let _answer = read(&lying).map(|movie| movie.fragments.len());
            let _answer = missing_bytes(&lying);
        }
    }
}
