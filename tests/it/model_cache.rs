//! Opened models: kept within a limit, run several items at a time, on a device that is there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use weir::infer::{Device, ModelError, Models, Running, Tensor, measure};
use weir::model::{CacheStats, ModelRuns};

use crate::analysers::decode;
use crate::support::{self, model_folder, models};

const THREE: [(&str, &str); 3] = [("blazeface", "blazeface.onnx"), ("emotion", "emotion.onnx"), ("selfie", "selfie.onnx")];

fn bytes_of(models: &Models, name: &str) -> u64 {
    models.files().registry().find(name).unwrap().bytes()
}

#[test]
fn what_was_used_longest_ago_makes_room_unless_it_is_in_use_or_pinned() {
    let Some(all) = models(&THREE.map(|(name, _)| name)) else { return };
    let two = bytes_of(&all, "emotion") + bytes_of(&all, "selfie") + bytes_of(&all, "blazeface") - 1;
    let open = |models: &Models, at: usize| models.session(THREE[at].0, THREE[at].1).unwrap();

    let limited = Models::open_in(model_folder(), Running { limit_bytes: two, ..Running::on_cpu(1) });
    open(&limited, 0);
    open(&limited, 1);
    open(&limited, 0);
    open(&limited, 2);
    let told = limited.stats();
    assert_eq!((told.loaded, told.hits, told.misses, told.evictions), (2, 1, 3, 1), "the second was used longest ago");
    assert_eq!(told.bytes, bytes_of(&all, "blazeface") + bytes_of(&all, "selfie"));
    open(&limited, 0);
    assert_eq!(limited.stats().hits, 2);

    let held = Models::open_in(model_folder(), Running { limit_bytes: 1, ..Running::on_cpu(1) });
    let (first, second) = (open(&held, 0), open(&held, 1));
    assert_eq!(held.stats().evictions, 0, "both are in use");
    drop((first, second));
    open(&held, 2);
    let runs = THREE.map(|(name, _)| (name.to_owned(), ModelRuns::default())).into();
    assert_eq!(held.stats(), CacheStats { loaded: 1, bytes: bytes_of(&all, "selfie"), hits: 0, misses: 3, evictions: 2, runs });

    let pinned = vec!["blazeface".to_owned()];
    let pinned = Models::open_in(model_folder(), Running { limit_bytes: 1, pinned, ..Running::on_cpu(1) });
    (0..3).for_each(|at| drop(open(&pinned, at)));
    open(&pinned, 0);
    assert_eq!((pinned.stats().loaded, pinned.stats().hits, pinned.stats().evictions), (2, 1, 1));
}

#[test]
fn many_items_in_one_run_give_what_each_gives_alone() {
    let Some(models) = models(&["nanodet", "silero_vad"]) else { return };
    let session = models.session("nanodet", "nanodet.onnx").unwrap();
    let item = |seed: usize| {
        let values = (0..3 * 416 * 416).map(|at| ((at * 31 + seed * 977) % 255) as f32 / 127.0 - 1.0).collect();
        Tensor::f32(&[1, 3, 416, 416], values).unwrap()
    };
    let items: Vec<Tensor> = (0..3).map(item).collect();
    let together = session.run_all("input_1", &items).unwrap();
    assert_eq!(together.len(), 3);
    let runs = models.stats().runs["nanodet"];
    assert!(runs.count == 1 && runs.micros > 0, "{runs:?}");
    for (item, outputs) in items.iter().zip(&together) {
        let alone = session.run(&[("input_1", item)]).unwrap();
        for ((name, one), (other, many)) in alone.iter().zip(outputs.iter()) {
            assert_eq!((name, one.shape()), (other, many.shape()));
            let pairs = one.as_f32().unwrap().iter().zip(many.as_f32().unwrap());
            assert!(pairs.into_iter().all(|(one, many)| (one - many).abs() <= 1e-4 * one.abs().max(1.0)), "{name}");
        }
    }
    assert!(session.run_all("input_1", &[]).unwrap().is_empty());
    assert!(session.run_all("input_1", &[item(0), Tensor::zeros(&[1, 3, 8, 8])]).is_err());
    assert!((1..=4).contains(&session.best_batch()));
    let open_shape = models.session("silero_vad", "silero_vad.onnx").unwrap();
    assert_eq!(open_shape.best_batch(), 1, "its sound may be of any length");
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_and_no_fallback() {
    let Some(_) = models(&["emotion"]) else { return };
    let device = Device::from_str("cuda:0").unwrap().within(1 << 30);
    let on_gpu = Models::open_in(model_folder(), Running { device, ..Running::on_cpu(1) });
    let error = on_gpu.session("emotion", "emotion.onnx").unwrap_err();
    assert!(matches!(&error, ModelError::Load { name, .. } if name == "emotion"), "{error}");
    assert!(error.to_string().to_lowercase().contains("cuda"), "{error}");
    assert_eq!(on_gpu.stats().loaded, 0);
}

#[test]
fn what_a_model_costs_is_measured() {
    let Some(models) = models(&["emotion", "badwords_vi"]) else { return };
    let cost = measure(&models, "emotion").unwrap().unwrap();
    assert!(cost.load.as_nanos() > 0 && cost.memory_bytes > 0, "{cost:?}");
    assert_eq!(cost.latency.first().map(|(batch, _)| *batch), Some(1));
    assert_eq!(measure(&models, "badwords_vi").unwrap(), None, "a list does not run");
}

/// Four seconds of lines of text, a little brighter in each.
fn brightening(folder: &Path) -> Option<PathBuf> {
    let (lines, film) = (support::media("ocr/sample_overlay_text.png")?, folder.join("film.mp4"));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-loop", "1", "-r", "10", "-t", "4", "-i"]).arg(lines);
    ffmpeg.args(["-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2,eq=brightness='0.04*floor(t)':eval=frame", "-pix_fmt", "yuv420p"]);
    assert!(ffmpeg.arg(&film).status().unwrap().success());
    Some(film)
}

#[test]
fn pictures_in_batches_say_what_they_say_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let Some(film) = brightening(folder.path()) else { return };
    for name in ["background_segmentation", "scene_segmentation", "text_overlay"] {
        let analyser = support::analyser(name);
        let spec = analyser.spec();
        let wanted = [spec.models, spec.optional].concat();
        let Some(models) = models(&wanted) else { return };
        let (media, frames) = decode(&film, spec.sampling);
        let say = |batch: usize| {
            let mut pass = analyser.begin(&media, &models).unwrap();
            let mut findings = Vec::new();
            frames.chunks(batch).for_each(|batch| pass.frames(batch, &mut findings).unwrap());
            pass.finish(&mut findings).unwrap();
            findings
        };
        let (one, many) = (say(1), say(3));
        assert!(!one.is_empty() && analyser.batches(), "{name}");
        assert_eq!(one.len(), many.len(), "{name}");
        for (one, many) in one.iter().zip(&many) {
            assert_eq!((one.start_ms, &one.label, &one.text), (many.start_ms, &many.label, &many.text), "{name}");
            assert!((one.confidence - many.confidence).abs() < 1e-3, "{name}: {one:?} {many:?}");
        }
    }
}
