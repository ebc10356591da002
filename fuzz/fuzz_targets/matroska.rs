//! The reader of what ffmpeg's muxer writes to our pipe: pictures and sound of hostile files.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| weir::media::fuzzing::blocks(bytes));
