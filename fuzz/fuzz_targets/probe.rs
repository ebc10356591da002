//! The readers of what ffprobe and framecrc say of a hostile file: everything in it may be chosen by whoever made the file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|words: (&str, &str)| weir::media::fuzzing::report(words.0, words.1));
