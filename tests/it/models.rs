//! Real models, real sessions. Without model files each test says so and ends.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use weir::infer::{FileState, ModelError, ModelFiles, Models, Outputs, Tensor, WhisperTokenizer, pull};

use crate::program::run;
use crate::support::{media, model_folder, models};

/// The first picture of `file`, stretched to `width` × `height`: one byte per channel.
fn picture(file: &Path, width: usize, height: usize, pixel_format: &str) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-frames:v", "1", "-vf", &format!("scale={width}:{height}"), "-pix_fmt", pixel_format, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert_eq!(output.stdout.len(), width * height * 3, "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn nanodet_sees_the_bus_and_the_people() {
    let Some(models) = models(&["nanodet"]) else { return };
    let Some(file) = media("clips/bus.jpg") else { return };
    let pixels = picture(&file, 416, 416, "bgr24");
    let (mean, deviation) = ([103.53, 116.28, 123.675], [57.375, 57.12, 58.395]);
    let planes = (0..3).flat_map(|channel| {
        let plane = pixels.iter().skip(channel).step_by(3);
        plane.map(move |value| (f32::from(*value) - mean[channel]) / deviation[channel])
    });
    let input = Tensor::f32(&[1, 3, 416, 416], planes.collect()).unwrap();
    let outputs = models.session("nanodet", "nanodet.onnx").unwrap().run(&[("input_1", &input)]).unwrap();
    let best = |class: usize| {
        let scores = outputs.iter().filter(|(_, tensor)| tensor.shape()[2] == 80).map(|(_, tensor)| tensor);
        let of_class = scores.flat_map(|tensor| tensor.as_f32().unwrap().iter().skip(class).step_by(80));
        of_class.copied().fold(0.0, f32::max)
    };
    let (person, bicycle, bus) = (best(0), best(1), best(5));
    assert!(bus > 0.7 && person > 0.7, "bus {bus}, person {person}");
    assert!(bicycle < 0.3, "there is no bicycle: {bicycle}");
}

#[test]
fn classifiers_give_probabilities() {
    let Some(models) = models(&["open_nsfw", "nsfwjs"]) else { return };
    let grey = |value| Tensor::f32(&[1, 224, 224, 3], vec![value; 224 * 224 * 3]).unwrap();
    for (name, file, input, classes) in [("open_nsfw", "open_nsfw.onnx", "input_0", 2), ("nsfwjs", "nsfwjs.onnx", "input", 5)] {
        let outputs = models.session(name, file).unwrap().run(&[(input, grey(0.5))]).unwrap();
        let output = outputs.first().unwrap();
        assert_eq!(output.dims::<2>().unwrap(), [1, classes], "{name}");
        let sum: f32 = output.as_f32().unwrap().iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{name}: {sum}");
    }
}

#[test]
fn text_models_fit_each_other() {
    let Some(models) = models(&["ppocr_det", "ppocr_rec"]) else { return };
    let detector = models.session("ppocr_det", "ppocr_det.onnx").unwrap();
    let map = detector.run(&[("x", Tensor::zeros(&[1, 3, 64, 96]))]).unwrap();
    assert_eq!(map.first().unwrap().dims::<4>().unwrap(), [1, 1, 64, 96]);
    let recogniser = models.session("ppocr_rec", "ppocr_rec.onnx").unwrap();
    let characters = recogniser.metadata("character").unwrap().lines().count();
    let lines = recogniser.run(&[("x", Tensor::zeros(&[2, 3, 48, 320]))]).unwrap();
    let [batch, _, classes] = lines.first().unwrap().dims().unwrap();
    assert_eq!(batch, 2);
    assert_eq!(classes, characters + 2, "the blank and the space come to the characters");
    assert_eq!(recogniser.metadata("nothing"), None);
}

#[test]
fn voice_detector_hears_no_voice_in_silence() {
    let Some(models) = models(&["silero_vad"]) else { return };
    let session = models.session("silero_vad", "silero_vad.onnx").unwrap();
    let mut state = Tensor::zeros(&[2, 1, 128]);
    for _ in 0..4 {
        let (silence, rate) = (Tensor::zeros(&[1, 576]), Tensor::scalar_i64(16_000));
        let mut outputs = session.run(&[("input", &silence), ("state", &state), ("sr", &rate)]).unwrap();
        let probability = outputs.get("output").unwrap().as_f32().unwrap()[0];
        assert!((0.0..0.1).contains(&probability), "{probability}");
        state = outputs.take("stateN").unwrap();
        assert_eq!(state.dims::<3>().unwrap(), [2, 1, 128]);
    }
}

/// Tokens at once, and one after the other with the cache, must lead to the same next token.
#[test]
fn whisper_cache_changes_nothing() {
    let Some(models) = models(&["whisper_base"]) else { return };
    let mut seed = 1_u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let mel = Tensor::f32(&[1, 80, 600], (0..80 * 600).map(|_| noise()).collect()).unwrap();
    let cross = models.session("whisper_base", "encoder.onnx").unwrap().run(&[("mel", mel)]).unwrap();
    assert_eq!(cross.get("cross_k_0").unwrap().shape(), [1, 8, 64, 300]);
    assert_eq!(cross.get("cross_v_5").unwrap().shape(), [1, 8, 300, 64]);
    let decoder = models.session("whisper_base", "decoder.onnx").unwrap();
    let tokens = [50_258, 50_259, 50_359, 50_363, 400];
    let empty: Vec<(String, Tensor)> = past_names().map(|name| (name, Tensor::zeros(&[1, 8, 0, 64]))).collect();
    let step = |tokens: &[i64], offset: i64, past: &[(String, Tensor)]| {
        let ids = Tensor::i64(&[1, tokens.len()], tokens.to_vec()).unwrap();
        let offset = Tensor::i64(&[1], vec![offset]).unwrap();
        let mut inputs = vec![("tokens", &ids), ("offset", &offset)];
        inputs.extend(past.iter().map(|(name, tensor)| (name.as_str(), tensor)));
        inputs.extend(cross.iter());
        decoder.run(&inputs).unwrap()
    };
    let whole = step(&tokens, 0, &empty);
    assert_eq!(whole.get("alignment").unwrap().shape(), [1, 8, 5, 300]);
    let mut past = empty.clone();
    let mut last = None;
    for (index, token) in tokens.iter().enumerate() {
        let mut outputs = step(&[*token], index as i64, &past);
        past = past_names().map(|name| (name.clone(), outputs.take(&name.replace("past", "present")).unwrap())).collect();
        assert_eq!(past[0].1.shape(), [1, 8, index + 1, 64]);
        last = Some(outputs);
    }
    let difference = largest_difference(&whole, &last.unwrap(), "logits");
    assert!(difference < 1e-3, "{difference}");
    assert!(models.stats().bytes > 280_000_000, "both files stay open");
}

fn past_names() -> impl Iterator<Item = String> {
    (0..6).flat_map(|layer| ["k", "v"].map(|part| format!("past_{part}_{layer}")))
}

fn largest_difference(left: &Outputs, right: &Outputs, name: &str) -> f32 {
    let (left, right) = (left.get(name).unwrap(), right.get(name).unwrap());
    assert_eq!(left.shape(), right.shape());
    let pairs = left.as_f32().unwrap().iter().zip(right.as_f32().unwrap());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn whisper_tokenizer_knows_its_ids() {
    let Some(models) = models(&["whisper_base"]) else { return };
    let tokenizer = WhisperTokenizer::open(models.files(), "whisper_base").unwrap();
    assert_eq!((tokenizer.start_of_transcript, tokenizer.end_of_text), (50_258, 50_257));
    assert_eq!((tokenizer.transcribe, tokenizer.no_speech, tokenizer.no_timestamps), (50_359, 50_362, 50_363));
    assert_eq!(tokenizer.languages.len(), 99);
    assert_eq!(tokenizer.language("en"), Some(50_259));
    assert_eq!(tokenizer.language("vi"), Some(50_278));
    assert_eq!(tokenizer.timestamp_ms(50_364), Some(0));
    assert_eq!(tokenizer.timestamp_ms(50_364 + 75), Some(1500));
    assert_eq!(tokenizer.timestamp_ms(50_363), None);
    let ids = [50_258, 50_259, 50_359, 50_364, 400, 370, 452, 7177, 6280, 50_257];
    assert_eq!(tokenizer.decode(&ids), " And so my fellow Americans");
    assert_eq!(tokenizer.decode(&[u32::MAX, 51_864]), "", "unknown ids and times are no text");
    assert_eq!(tokenizer.decode(&[4222, 247, 224]), "🙂", "one character, three tokens");
    assert_eq!(tokenizer.decode(&[4222]), "\u{fffd}", "half a character is no error");
}

#[test]
fn wrong_inputs_are_errors() {
    let Some(models) = models(&["nsfwjs"]) else { return };
    let session = models.session("nsfwjs", "nsfwjs.onnx").unwrap();
    let right = Tensor::zeros(&[1, 224, 224, 3]);
    let none: [(&str, Tensor); 0] = [];
    let errors = [
        session.run(&none).unwrap_err(),
        session.run(&[("picture", &right)]).unwrap_err(),
        session.run(&[("input", Tensor::zeros(&[1, 3, 224, 224]))]).unwrap_err(),
        session.run(&[("input", Tensor::zeros(&[224, 224, 3]))]).unwrap_err(),
        session.run(&[("input", Tensor::i64(&[1, 224, 224, 3], vec![0; 224 * 224 * 3]).unwrap())]).unwrap_err(),
        session.run(&[("input", Tensor::f32(&[1, 224, 224, 3], vec![f32::NAN; 224 * 224 * 3]).unwrap())]).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(&error, ModelError::Run { name, .. } if name == "nsfwjs"), "{error}");
    }
    assert!(session.run(&[("input", &right)]).is_ok(), "it still runs");
}

#[test]
fn sessions_are_opened_once_and_shared() {
    let Some(models) = models(&["nsfwjs"]) else { return };
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let models = models.clone();
            std::thread::spawn(move || models.session("nsfwjs", "nsfwjs.onnx").unwrap())
        })
        .collect();
    let sessions: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(sessions.iter().all(|session| Arc::ptr_eq(session, &sessions[0])));
    assert_eq!(models.stats().loaded, 1, "the same for all");
}

#[test]
fn a_file_that_is_no_model_does_not_load() {
    let Some(models) = models(&["badwords_vi"]) else { return };
    let error = models.session("badwords_vi", "badwords_vi.json").unwrap_err();
    assert!(error.to_string().starts_with("model `badwords_vi` does not load: "), "{error}");
    assert!(matches!(models.session("badwords_vi", "x.onnx").unwrap_err(), ModelError::Unknown { .. }));
}

#[test]
fn without_files_every_model_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let models = Models::open(folder.path(), 1);
    let error = models.require(&["nanodet"]).unwrap_err();
    assert_eq!(error.to_string(), "model onnxruntime is not here; run weir models pull");
    let error = models.session("nanodet", "nanodet.onnx").unwrap_err();
    assert_eq!(error.to_string(), "model nanodet is not here; run weir models pull");
    assert!(models.files().list().iter().all(|model| model.state == FileState::Missing));
}

#[test]
fn files_here_are_the_registry_s() {
    let files = ModelFiles::new(model_folder());
    for model in files.verify(|_| ()) {
        match model.state {
            FileState::Missing => println!("skipped: model {} is not here; run weir models pull", model.spec.name),
            state => assert_eq!(state, FileState::Here, "`{}`", model.spec.name),
        }
    }
}

#[test]
fn pull_takes_what_the_cache_has() {
    if models(&["badwords_vi"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    pull::pull(folder.path(), &["badwords_vi".to_owned()], |line| lines.push(line.to_owned())).unwrap();
    assert!(lines.last().unwrap().starts_with("1 of 1 models ready in "), "{lines:?}");
    let pulled = ModelFiles::new(folder.path());
    assert!(pulled.read("badwords_vi", "badwords_vi.json").unwrap().starts_with(b"{"));
    assert!(!pulled.has("nanodet"));
}

/// As a user does it: out of one folder, into another, with nothing but the program.
#[test]
fn models_go_to_another_machine_in_one_archive() {
    if models(&["badwords_vi", "silero_vad"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (archive, target) = (folder.path().join("m.tar").display().to_string(), folder.path().join("models"));
    let out = run(&["models", "export", &archive, "badwords_vi", "silero_vad"]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && said.starts_with("exported 2 models, 2.2 MiB: "), "{said} {out:?}");
    let there = format!("models.dir={}", target.display());
    let into = run(&["models", "import", &archive, "--set", &there]);
    let said = String::from_utf8_lossy(&into.stdout).into_owned();
    assert!(into.status.success() && said.starts_with("imported 2 models, 2.2 MiB: "), "{said} {into:?}");
    let (from, to) = (ModelFiles::new(model_folder()), ModelFiles::new(&target));
    assert_eq!(from.read("silero_vad", "silero_vad.onnx").unwrap(), to.read("silero_vad", "silero_vad.onnx").unwrap());
    let mut bytes = std::fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&archive, bytes).unwrap();
    let refused = run(&["models", "import", &archive, "--set", &there]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("silero_vad.onnx` is refused: it has SHA-256"), "{said}");
    assert_eq!(run(&["models", "import", &format!("{archive}.none")]).status.code(), Some(1));
}

#[test]
fn downloader_and_converters_pass_their_tests() {
    let environment = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(".venv-");
    if !std::fs::read_dir(model_folder()).is_ok_and(|entries| entries.flatten().any(|entry| environment(&entry))) {
        println!("skipped: the converters' environment is not here; run scripts/models/tests/run.py");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/models/tests/run.py");
    let output = Command::new("python3").arg("-B").arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
