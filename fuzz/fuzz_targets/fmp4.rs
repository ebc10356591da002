//! The reader of our own fragmented MP4, and the look for missing bytes, which sees every upload.
#![no_main]

use std::fs::File;
use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use rustix::fs::{MemfdFlags, memfd_create};

fuzz_target!(|bytes: &[u8]| {
    let Ok(memory) = memfd_create("fmp4", MemfdFlags::CLOEXEC) else { return };
    let mut file = File::from(memory);
    if file.write_all(bytes).is_ok() {
        let _missing = weir::media::fmp4::missing_bytes(&file);
        let _movie = weir::media::fmp4::read(&file);
    }
});
