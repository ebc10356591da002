//! What fuzz targets call of the readers that nobody else outside this module may.

use super::Limits;
use super::matroska::Blocks;
use super::report::{FirstLook, Report, first_look};

/// Reads a stream to its end or its first error.
pub fn blocks(bytes: &[u8]) {
    let mut blocks = Blocks::new(bytes, 1 << 20);
    while let Ok(Some(_)) = blocks.next() {}
}

/// Reads what ffprobe and framecrc said, and puts it together.
pub fn report(said: &str, crc: &str) {
    let (limits, look) = (Limits::default(), first_look(crc));
    let Ok(report) = serde_json::from_str::<Report>(said) else { return };
    for look in [&look, &FirstLook::default()] {
        if let Ok(chosen) = report.choose(&limits) {
            let scanned = report.needs_scan(&chosen).then_some(1_000_000);
            let _info = report.info(chosen, look, scanned, &limits);
        }
    }
}
