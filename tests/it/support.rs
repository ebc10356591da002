//! What several tests need: the models, the known media, sound as analysers get it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use weir::analyser::{self, Analyser, Frame, Pcm, SAMPLE_RATE};
use weir::config;
use weir::infer::Models;

/// The folder of the model files.
pub(crate) fn model_folder() -> PathBuf {
    config::load(&config::Sources::of_process()).unwrap().models.dir.into()
}

/// The models, when `names` are here; else says which is not. Who needs none needs no ONNX Runtime either.
pub(crate) fn models(names: &[&str]) -> Option<Arc<Models>> {
    let models = Models::open(model_folder(), 2);
    match models.require(names) {
        Err(error) if !names.is_empty() => {
            println!("skipped: {error}");
            None
        }
        _ => Some(Arc::new(models)),
    }
}

/// An analyser as it is without options.
pub(crate) fn analyser(name: &str) -> Box<dyn Analyser> {
    let all = analyser::all(&analyser::Options::default()).unwrap();
    all.into_iter().find(|analyser| analyser.spec().name == name).unwrap()
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
    let frame = |(i, rgb): (usize, &[u8])| Frame::new(i as u64 * 25, i as i64 * 1000, width, height, rgb);
    output.stdout.chunks_exact((width * height * 3) as usize).enumerate().map(frame).collect()
}
