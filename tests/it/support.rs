//! What several tests need: the models, the known media, sound as analysers get it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test says what it skips, and ends at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use weir::analyser::{Frame, Pcm, SAMPLE_RATE};
use weir::config;
use weir::infer::Models;

/// The models, when `names` are here; else says which is not.
pub(crate) fn models(names: &[&str]) -> Option<Arc<Models>> {
    let models = Models::open(config::load(&config::Sources::of_process()).unwrap().models.dir, 2);
    match models.require(names) {
        Ok(()) => Some(Arc::new(models)),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

/// A file of the known test media, which lie beside the project.
pub(crate) fn media(path: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata").join(path);
    if file.exists() {
        return Some(file);
    }
    println!("skipped: `{}` is not here", file.display());
    None
}

/// The sound of `file`: 16 kHz, mono.
pub(crate) fn sound(file: &Path) -> Vec<f32> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:a:0", "-ac", "1", "-ar", &SAMPLE_RATE.to_string(), "-f", "f32le", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// In pieces of an odd size, as the reader of a pipe would give them.
pub(crate) fn pieces(sound: &[f32]) -> Vec<Pcm> {
    let size = 4799;
    let piece =
        |(i, samples): (usize, &[f32])| Pcm { time_ms: (i * size * 1000 / SAMPLE_RATE as usize) as i64, samples: samples.into() };
    sound.chunks(size).enumerate().map(piece).collect()
}

/// One picture per second of `file`, which must be 320 × 240.
pub(crate) fn pictures(file: &Path) -> Vec<Frame> {
    let (width, height) = (320, 240);
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:v:0", "-vf", "fps=1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let frame =
        |(i, rgb): (usize, &[u8])| Frame { index: i as u64 * 25, time_ms: i as i64 * 1000, width, height, rgb: rgb.into() };
    output.stdout.chunks_exact((width * height * 3) as usize).enumerate().map(frame).collect()
}
