//! The analysers that look at pixels, on media that ffmpeg makes with known answers, and on the known clips.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use weir::analyser::Summary;
use weir::model::{AnalyserStatus, Finding};

use crate::analysers::decode;
use crate::support::{analyser, media, models};

/// Runs ffmpeg on `input` (its options and sources) into `folder/name`, nearly without loss.
fn make(folder: &Path, name: &str, input: &[&str], filter: &str) -> PathBuf {
    let file = folder.join(name);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error"]).args(input).args(["-filter_complex", filter]);
    if !name.ends_with(".png") {
        ffmpeg.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-pix_fmt", "yuv420p"]);
    }
    let output = ffmpeg.args(["-y"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}

/// A large picture with texture everywhere.
fn texture(folder: &Path) -> PathBuf {
    let noise = "nullsrc=s=960x720:d=0.04:r=25,geq=lum='random(1)*255':cb='128+60*sin(X/90)':cr='128+60*cos(Y/70)'";
    make(folder, "texture.png", &["-f", "lavfi", "-i", noise], "gblur=sigma=4,eq=contrast=5")
}

/// What an analyser says of a file, after those whose findings it is given; and how long it took for each frame.
fn look(name: &str, file: &Path) -> (Vec<Finding>, Summary) {
    let analyser = analyser(name);
    let spec = analyser.spec();
    let models = models(&[]).unwrap();
    let (info, frames) = decode(file, spec.sampling);
    let mut pass = analyser.begin(&info, &models).unwrap();
    let mut findings = Vec::new();
    let started = Instant::now();
    for batch in frames.chunks(16) {
        pass.frames(batch, &mut findings).unwrap();
    }
    let per_frame_ms = started.elapsed().as_secs_f64() * 1000.0 / frames.len() as f64;
    println!("{name}: {} frames, {per_frame_ms:.3} ms each", frames.len());
    let mine = ["camera_analysis", "color_analysis", "cut_analysis", "scene_segmentation"];
    for before in spec.after.iter().filter(|before| mine.contains(before)) {
        let (mut given, _) = look(before, file);
        given.sort_by_key(|finding| (finding.start_ms, finding.end_ms));
        pass.findings(before, &given, &mut findings).unwrap();
    }
    let summary = pass.finish(&mut findings).unwrap();
    assert_eq!(summary.status, AnalyserStatus::Done, "{name}: {:?}", summary.reason);
    findings.sort_by_key(|finding| (finding.start_ms, finding.end_ms));
    (findings, summary)
}

fn labels(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.label.as_str()).collect()
}

fn of<'a>(findings: &'a [Finding], label: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| finding.label == label).collect()
}

fn number(finding: &Finding, key: &str) -> f64 {
    finding.value.as_ref().and_then(|value| value[key].as_f64()).unwrap_or_else(|| panic!("no `{key}` in {finding:?}"))
}

/// Whether the model is here; else says that it is not.
fn here(model: &str) -> bool {
    models(&[model]).is_some()
}

#[test]
fn the_camera_moves_as_ffmpeg_moved_it() {
    let folder = tempfile::tempdir().unwrap();
    let texture = texture(folder.path());
    let still = ["-loop", "1", "-framerate", "25", "-t", "2", "-i", texture.to_str().unwrap()];
    let size = "320:180";
    // Scaled from frame to frame and laid on a picture of the wanted size, middle on middle.
    let zoom = |rate: &str| {
        format!(
            "scale=w='iw*pow({rate},t)':h='ih*pow({rate},t)':eval=frame[zoomed];color=s=320x180:r=25:d=2,format=yuv444p[below];\
             [below][zoomed]overlay=x='(W-w)/2':y='(H-h)/2':eval=frame:format=yuv444:shortest=1"
        )
    };
    // 32 pixels are 10 % of the width.
    for (word, speed, filter) in [
        ("static", 0.0, format!("crop={size}:200:200")),
        ("pan_right", 10.0, format!("crop={size}:x='100+32*t':y=200:exact=1")),
        ("pan_left", 25.0, format!("crop={size}:x='400-80*t':y=200:exact=1")),
        ("tilt_up", 5.0, format!("crop={size}:x=200:y='300-16*t':exact=1")),
        ("tilt_down", 15.0, format!("crop={size}:x=200:y='100+48*t':exact=1")),
        ("zoom_in", 10.0, zoom("1.1")),
        ("zoom_out", 20.0, zoom("0.8")),
        ("roll", 6.0, format!("rotate=a='6*t*PI/180':ow=iw:oh=ih,crop={size}")),
    ] {
        let file = make(folder.path(), &format!("{word}.mp4"), &still, &format!("format=yuv444p,{filter}"));
        let (found, _) = look("camera_analysis", &file);
        assert_eq!(labels(&found), [word], "{found:?}");
        let told = number(&found[0], "speed");
        println!("{word}: {told} for {speed}");
        assert!((told - speed).abs() <= speed * 0.1 + 0.1, "{word}: {told} is not {speed}");
        assert!(found[0].end_ms - found[0].start_ms > 1700, "{found:?}");
    }
}

#[test]
fn a_hand_that_shakes_and_a_known_clip() {
    let folder = tempfile::tempdir().unwrap();
    let texture = texture(folder.path());
    let still = ["-loop", "1", "-framerate", "25", "-t", "2", "-i", texture.to_str().unwrap()];
    let shake = "format=yuv444p,crop=320:180:x='300+6*sin(t*19)+3*sin(t*31)':y='200+5*sin(t*23)':exact=1";
    let (found, _) = look("camera_analysis", &make(folder.path(), "shake.mp4", &still, shake));
    assert_eq!(labels(&found), ["handheld"], "{found:?}");
    let Some(chair) = media("vpdq/chair-19-sd-bar.mp4") else { return };
    let (found, _) = look("camera_analysis", &chair);
    println!("{:?}", found.iter().map(|word| (&word.label, word.start_ms, word.end_ms)).collect::<Vec<_>>());
    assert!(found.iter().any(|word| word.label != "static"), "a hand holds this camera");
}

#[test]
fn dissolves_are_found_and_no_cuts_made_of_them() {
    if !here("transnetv2") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let two =
        ["-f", "lavfi", "-t", "4", "-i", "mandelbrot=s=320x180:r=25", "-f", "lavfi", "-t", "4", "-i", "testsrc2=s=320x180:r=25"];
    let file = make(folder.path(), "dissolve.mp4", &two, "[0][1]xfade=transition=fade:duration=1:offset=2.5");
    let (found, _) = look("cut_analysis", &file);
    assert_eq!(of(&found, "cut").len(), 0, "{found:?}");
    let dissolves = of(&found, "dissolve");
    assert_eq!(dissolves.len(), 1, "{found:?}");
    assert!(dissolves[0].start_ms.abs_diff(2500) <= 320 && dissolves[0].end_ms.abs_diff(3500) <= 320, "{dissolves:?}");
    assert_eq!(of(&found, "shot").len(), 2);
    let Some(testvideo) = media("cuts/testvideo.mp4") else { return };
    let (found, _) = look("cut_analysis", &testvideo);
    // Beside its cuts and fades it has one dissolve, about frame 543.
    let frames: Vec<u64> = of(&found, "dissolve").iter().filter_map(|dissolve| dissolve.frame).collect();
    assert!(frames.len() == 1 && frames[0].abs_diff(543) <= 8, "{frames:?}");
    assert_eq!(of(&found, "rhythm").len(), 1);
}

#[test]
fn colours_of_known_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let halves = [
        "-f",
        "lavfi",
        "-t",
        "2",
        "-i",
        "color=c=0xC81E1E:s=320x180:r=25",
        "-f",
        "lavfi",
        "-t",
        "2",
        "-i",
        "color=c=0x1E3CC8:s=320x180:r=25",
    ];
    let (found, summary) =
        look("color_analysis", &make(folder.path(), "halves.mp4", &halves, "[0][1]concat=n=2:v=1,pad=320:240:0:30"));
    let palette = of(&found, "palette")[0].value.as_ref().unwrap();
    assert_eq!(palette["palette"].as_array().unwrap().len(), 2, "{palette}");
    let bars: Vec<f64> = palette["bars"].as_array().unwrap().iter().map(|bar| bar.as_f64().unwrap()).collect();
    assert!((bars[0] - 0.125).abs() < 0.01 && (bars[2] - 0.125).abs() < 0.01 && bars[1] + bars[3] == 0.0, "{bars:?}");
    let strip = of(&found, "color_strip")[0].value.as_ref().unwrap();
    assert_eq!(strip["colors"].as_array().unwrap().len(), 8, "{strip}");
    assert_eq!(of(&found, "color").len(), 8);
    assert_eq!(summary.spans.unwrap().len(), 2);
    let warm = ["-f", "lavfi", "-t", "1", "-i", "color=c=0xFFB16E:s=320x180:r=25"];
    let (found, _) = look("color_analysis", &make(folder.path(), "warm.mp4", &warm, "null"));
    let kelvins = number(of(&found, "palette")[0], "temperature_k");
    assert!((kelvins - 3000.0).abs() < 250.0, "{kelvins}");
}

#[test]
fn the_pristine_clip_is_better_than_the_distorted_one() {
    let (Some(pristine), Some(distorted)) = (media("clips/carphone_pristine.mp4"), media("clips/carphone_distorted.mp4")) else {
        return;
    };
    let score = |file: &Path| {
        let (found, _) = look("content_quality", file);
        println!("{:?}", of(&found, "summary")[0].value);
        (number(of(&found, "summary")[0], "score"), labels(&found).join(" "))
    };
    let (good, bad) = (score(&pristine), score(&distorted));
    assert!(good.0 > bad.0 + 5.0, "{good:?} {bad:?}");
}

#[test]
fn brisque_is_that_of_the_package() {
    if !here("brisque") {
        return;
    }
    // The package `brisque` 0.2.0 on the same pictures: the first of each clip, decoded by ffmpeg to RGB, the middle 960 × 544.
    for (file, expected) in [
        ("clips/carphone_pristine.mp4", 19.80),
        ("clips/carphone_distorted.mp4", 50.60),
        ("clips/bigbuckbunny.mp4", 34.51),
        ("clips/bikes.mp4", 60.91),
    ] {
        let Some(file) = media(file) else { return };
        let (found, _) = look("content_quality", &file);
        let told = number(of(&found, "quality")[0], "brisque");
        println!("{}: {told} for {expected}", file.display());
        assert!((told - expected).abs() <= 0.5, "{}: {told} is not {expected}", file.display());
    }
}

#[test]
fn what_is_wrong_with_a_picture_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let texture = texture(folder.path());
    let still = ["-loop", "1", "-framerate", "10", "-t", "5", "-i", texture.to_str().unwrap()];
    for (label, filter) in [
        ("noisy", "gblur=sigma=3,noise=alls=60:allf=t"),
        ("overexposed", "eq=brightness=0.9"),
        ("black", "eq=brightness=-0.9"),
        ("upscaled", "scale=iw/3:ih/3,scale=960:720:flags=bicubic"),
        ("frozen", "null"),
        ("letterbox", "pad=960:960:0:120"),
        ("pillarbox", "pad=1280:720:160:0"),
    ] {
        let file = make(folder.path(), &format!("{label}.mp4"), &still, filter);
        let (found, _) = look("content_quality", &file);
        assert!(labels(&found).contains(&label), "{label}: {found:?}");
    }
    let soft = make(folder.path(), "soft.mp4", &["-f", "lavfi", "-t", "5", "-i", "testsrc2=s=640x360:r=10"], "gblur=sigma=5");
    let (found, _) = look("content_quality", &soft);
    assert!(labels(&found).contains(&"blurry"), "{found:?}");
    let plain =
        make(folder.path(), "plain.mp4", &["-f", "lavfi", "-t", "5", "-i", "mandelbrot=s=640x360:r=10"], "noise=alls=4:allf=t");
    let (found, _) = look("content_quality", &plain);
    let said: Vec<&str> = labels(&found).into_iter().filter(|label| !["quality", "summary"].contains(label)).collect();
    assert!(said.is_empty(), "{found:?}");
}

#[test]
fn blocks_of_an_old_codec_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let source = "mandelbrot=s=640x360:r=10";
    let blockiness = |quality: &str| {
        let file = folder.path().join(format!("blocks{quality}.avi"));
        let mut ffmpeg = Command::new("ffmpeg");
        let output = ffmpeg
            .args(["-v", "error", "-f", "lavfi", "-t", "3", "-i", source, "-c:v", "mpeg2video", "-q:v", quality])
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        number(of(&look("content_quality", &file).0, "summary")[0], "blockiness")
    };
    let (fine, coarse) = (blockiness("2"), blockiness("31"));
    assert!(coarse > fine + 0.2, "{fine} {coarse}");
}

#[test]
fn two_clips_are_two_scenes_with_their_tags() {
    let (Some(bikes), Some(bunny)) = (media("clips/bikes.mp4"), media("clips/bigbuckbunny.mp4")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let inputs = ["-i", bikes.to_str().unwrap(), "-i", bunny.to_str().unwrap()];
    let join = "[0:v]scale=640:360,setsar=1,fps=25[a];[1:v]scale=640:360,setsar=1,fps=25[b];[a][b]concat=n=2:v=1";
    let (found, summary) = look("scene_segmentation", &make(folder.path(), "joined.mp4", &inputs, join));
    let scenes = of(&found, "scene");
    println!("{:?}", scenes.iter().map(|scene| (scene.start_ms, scene.end_ms, &scene.value)).collect::<Vec<_>>());
    // The first clip lasts 10 s; what is before and after its end is never one scene.
    assert!(scenes.iter().any(|scene| scene.start_ms.abs_diff(10_000) <= 100), "{scenes:?}");
    assert!(summary.spans.unwrap().iter().all(|span| ["scene", "tag"].contains(&span.finding.label.as_str())));
    if here("efficientnet") {
        let tags = of(&found, "tag");
        assert!(!tags.is_empty() && tags.len() < 10, "not every second: {tags:?}");
    }
}

#[test]
fn a_bus_is_a_street() {
    let Some(bus) = media("clips/bus.jpg").filter(|_| here("efficientnet")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = make(
        folder.path(),
        "bus.mp4",
        &["-loop", "1", "-framerate", "10", "-t", "3", "-i", bus.to_str().unwrap()],
        "scale=810:1080",
    );
    let (found, _) = look("scene_segmentation", &file);
    let tags = of(&found, "tag");
    assert_eq!(tags.len(), 1, "a still is looked at once: {tags:?}");
    assert_eq!(tags[0].text.as_deref(), Some("street"), "{tags:?}");
    let classes = tags[0].value.as_ref().unwrap()["classes"].as_array().unwrap();
    assert!(classes.iter().any(|class| class["name"] == "minibus" && class["confidence"].as_f64().unwrap() > 0.3), "{tags:?}");
    let scene = of(&found, "scene")[0].value.as_ref().unwrap();
    assert_eq!((&scene["setting"], &scene["method"]), (&Value::from("outdoor"), &Value::from("heuristic")));
}

#[test]
fn what_comes_again_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let parts =
        ["-f", "lavfi", "-t", "2", "-i", "mandelbrot=s=320x180:r=25", "-f", "lavfi", "-t", "2", "-i", "testsrc=s=320x180:r=25"];
    let again = "[0]split=2[a][b];[1]split=2[c][d];[a][c][b][d]concat=n=4:v=1";
    let (found, _) = look("temporal_flow", &make(folder.path(), "again.mp4", &parts, again));
    println!("{found:?}");
    let repetitions = of(&found, "repetition");
    assert!(repetitions.iter().any(|one| one.start_ms.abs_diff(4000) <= 80 && number(one, "of_start_ms") < 80.0), "{found:?}");
    let round = of(&found, "loop");
    assert!(round.len() == 1 && (number(round[0], "period_ms") - 4000.0).abs() < 1.0, "{found:?}");
    assert_eq!((of(&found, "pace").len(), of(&found, "hook").len()), (1, 1));
}

#[test]
#[ignore = "measures; run it with `--release -- --ignored --nocapture`"]
fn what_a_frame_costs() {
    let folder = tempfile::tempdir().unwrap();
    let source = ["-f", "lavfi", "-t", "20", "-i", "mandelbrot=s=1920x1080:r=30"];
    let file = make(folder.path(), "cost.mp4", &source, "null");
    for name in ["camera_analysis", "color_analysis", "cut_analysis", "temporal_flow", "content_quality", "scene_segmentation"] {
        look(name, &file);
    }
}
