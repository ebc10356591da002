//! The readers of both ends of a pool's socket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::stage::analyse::wire::{self, FromPool, ToPool};

fuzz_target!(|bytes: &[u8]| {
    let mut from = bytes;
    while let Ok(Some((head, payload))) = wire::read::<ToPool>(&mut from) {
        if let ToPool::Frames { width, height, frames, .. } = head {
            let _frames = wire::frames_of(width, height, &frames, &payload);
        }
        let _pcm = wire::pcm_of(0, &payload);
        let _findings = wire::findings_of(&payload);
    }
    let mut from = bytes;
    while let Ok(Some(_)) = wire::read::<FromPool>(&mut from) {}
});
