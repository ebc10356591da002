//! Faults on purpose, in the real program: what breaks costs its own result, and nothing else changes.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{ffmpeg, json_lines, run};
use crate::support;

const TWO: &str = "cut_analysis,audio_analysis";

/// Pools that are given up after eight seconds of silence and at 600 MiB.
const POOLS: &str = r#"pool=[{name="vision",members=1,threads=1,max_memory="600MiB",recycle_after=9,hang_timeout="8s"},
    {name="audio",members=1,threads=1,max_memory="600MiB",recycle_after=9,hang_timeout="8s"}]"#;

/// Six seconds with a cut in the middle, and a tone.
fn clip(folder: &Path) -> PathBuf {
    let path = folder.join("clip.mp4");
    let graph = "testsrc2=s=320x240:r=25:d=3[a];color=c=red:s=320x240:r=25:d=3[b];[a][b]concat=n=2[v]";
    let words = "-filter_complex GRAPH -map [v] -map 0:a -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";
    let mut all = vec!["-f", "lavfi", "-i", "sine=d=6"];
    all.extend(words.split(' ').map(|word| if word == "GRAPH" { graph } else { word }));
    ffmpeg(&all, &path);
    path
}

/// What the analysers say with these settings.
fn analyse(clip: &Path, analysers: &str, settings: &[String]) -> Value {
    let clip = clip.display().to_string();
    let mut words = vec!["analyse", &clip, "--analysers", analysers, "--json", "-"];
    for setting in settings {
        words.extend(["--set", setting]);
    }
    let output = run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    json_lines(&output).remove(0)["analysers"].clone()
}

/// With this fault, and both analysers in one pool.
fn settings(fault: &str) -> Vec<String> {
    vec![POOLS.to_owned(), "analyser.audio_analysis.pool=vision".to_owned(), format!("fault=[{fault}]")]
}

#[test]
fn a_fault_costs_its_own_result_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path());
    // Without models, which would take some of the memory.
    let settings = |fault: &str| [settings(fault), vec!["models.dir=no-models-here".to_owned()]].concat();
    let undisturbed = analyse(&clip, TWO, &settings(""));
    assert_eq!(undisturbed["cut_analysis"]["status"], "done", "{undisturbed}");
    for (kind, words) in [
        ("crash", "quarantined: the medium ended two pool processes"),
        ("hang", "hung: no word from the pool process in 8 s"),
        ("allocate", "over_memory: "),
        ("fail", "a fault on purpose"),
    ] {
        let fault = format!(r#"{{analyser="cut_analysis",at_ms=3000,kind="{kind}"}}"#);
        let all = analyse(&clip, TWO, &settings(&fault));
        let broken = &all["cut_analysis"];
        assert_eq!(broken["status"], "failed", "{kind}: {all}");
        assert!(broken["reason"].as_str().unwrap().contains(words), "{kind}: {broken}");
        let steps = broken["recovery"].as_array().map_or(0, Vec::len);
        assert_eq!(steps, usize::from(kind != "fail"), "{kind}: {broken}");
        assert_eq!(all["audio_analysis"]["findings"], undisturbed["audio_analysis"]["findings"], "{kind}");
        assert_eq!(all["audio_analysis"]["status"], "done", "{kind}");
    }
}

#[test]
fn want_of_memory_goes_down_the_ladder() {
    let Some(_) = support::models(&["nanodet"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let fault = r#"{analyser="object_detection",at_ms=1000,kind="allocate"}"#;
    let all = analyse(&clip(folder.path()), "object_detection", &settings(fault));
    let broken = &all["object_detection"];
    assert_eq!(broken["status"], "failed", "{broken}");
    let steps: Vec<&str> = broken["recovery"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    let ends = ["run again in a process of its own", "half of the samples"];
    assert_eq!(steps.len(), ends.len(), "{steps:?}");
    assert!(steps.iter().zip(ends).all(|(step, end)| step.contains("over_memory: ") && step.ends_with(end)), "{steps:?}");
}

#[test]
fn a_model_file_that_was_changed_is_refused_and_the_others_go_on() {
    let Some(_) = support::models(&["nanodet", "open_nsfw", "nsfwjs"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    for entry in std::fs::read_dir(support::model_folder()).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let place = models.join(entry.file_name());
        std::fs::create_dir_all(&place).unwrap();
        for file in std::fs::read_dir(entry.path()).unwrap().flatten().filter(|file| file.path().is_file()) {
            std::os::unix::fs::symlink(file.path(), place.join(file.file_name())).unwrap();
        }
    }
    let nanodet = models.join("nanodet/nanodet.onnx");
    let mut bytes = std::fs::read(&nanodet).unwrap();
    bytes[5000] ^= 1;
    std::fs::remove_file(&nanodet).unwrap();
    std::fs::write(&nanodet, bytes).unwrap();
    let clip = clip(folder.path());
    let three = "object_detection,sensitive_content";
    let right = analyse(&clip, three, &[]);
    let all = analyse(&clip, three, &[format!("models.dir={}", models.display())]);
    assert_eq!(all["object_detection"]["status"], "failed", "{all}");
    assert!(all["object_detection"]["reason"].as_str().unwrap().contains("nanodet"), "{all}");
    assert_eq!(all["sensitive_content"]["findings"], right["sensitive_content"]["findings"]);
}
