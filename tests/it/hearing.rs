//! The analysers that listen, on real and spoken sound, with real models and against ffmpeg's meters. What is not here is said and passed
//! over.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use weir::analyser::audio_analysis::AudioAnalysis;
use weir::analyser::audio_environment::AudioEnvironment;
use weir::analyser::speech_emotion::SpeechEmotion;
use weir::analyser::speech_flow::SpeechFlow;
use weir::analyser::speech_transcription::SpeechTranscription;
use weir::analyser::{Analyser, Options, Pcm, SAMPLE_RATE, Summary};
use weir::infer::Models;
use weir::model::{AnalyserStatus, Finding, MediaInfo};

use crate::support::{media, models, pieces, sound};

const SECOND: usize = SAMPLE_RATE as usize;

/// Whether a pass is saved and taken up by another after every piece.
#[derive(Clone, Copy, PartialEq)]
enum Saving {
    Never,
    AfterEveryPiece,
}

/// What an analyser finds in a sound, given also a transcript, in time order.
fn listen(analyser: &dyn Analyser, models: &Arc<Models>, sound: &[f32], transcript: &[Finding]) -> (Vec<Finding>, Summary) {
    listen_in(analyser, models, &pieces(sound), transcript, Saving::Never)
}

fn listen_in(
    analyser: &dyn Analyser,
    models: &Arc<Models>,
    pieces: &[Pcm],
    transcript: &[Finding],
    saving: Saving,
) -> (Vec<Finding>, Summary) {
    let (media, mut found) = (MediaInfo::default(), Vec::new());
    let mut pass = analyser.begin(&media, models).unwrap();
    for piece in pieces {
        pass.audio(piece, &mut found).unwrap();
        if saving == Saving::AfterEveryPiece {
            pass = analyser.resume(&media, models, &pass.save().unwrap()).unwrap();
        }
    }
    if !transcript.is_empty() {
        pass.findings("speech_transcription", transcript, &mut found).unwrap();
    }
    let summary = pass.finish(&mut found).unwrap();
    found.sort_by(|a, b| (a.start_ms, a.end_ms, &a.label).cmp(&(b.start_ms, b.end_ms, &b.label)));
    (found, summary)
}

fn in_pieces(sound: &[f32], size: usize) -> Vec<Pcm> {
    let time_ms = |i: usize| (i * size * 1000 / SECOND) as i64;
    sound.chunks(size).enumerate().map(|(i, samples)| Pcm { time_ms: time_ms(i), samples: samples.into() }).collect()
}

fn labelled<'a>(found: &'a [Finding], label: &str) -> Vec<&'a Finding> {
    found.iter().filter(|finding| finding.label == label).collect()
}

fn number(finding: &Finding, name: &str) -> f64 {
    finding.value.as_ref().unwrap()[name].as_f64().unwrap_or_else(|| panic!("`{name}` in {finding:?}"))
}

fn write_wav(file: &Path, sound: &[f32]) {
    let raw = file.with_extension("f32");
    std::fs::write(&raw, sound.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    let rate = SAMPLE_RATE.to_string();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "f32le", "-ar", &rate, "-ac", "1", "-i"]).arg(&raw);
    let output = ffmpeg.args(["-c:a", "pcm_f32le"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What ffmpeg's `ebur128` says last of a sound: integrated loudness, range, and the highest momentary and short-term loudness.
fn ebur128(sound: &[f32]) -> [f64; 4] {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sound.wav");
    write_wav(&file, sound);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(&file);
    let output = ffmpeg.args(["-af", "ebur128=metadata=1,ametadata=print:file=-", "-f", "null", "-"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let values = |name: &str| -> Vec<f64> {
        let key = format!("lavfi.r128.{name}=");
        text.lines().filter_map(|line| line.strip_prefix(&key)?.parse().ok()).collect()
    };
    let highest = |name: &str| values(name).into_iter().fold(f64::MIN, f64::max);
    [*values("I").last().unwrap(), *values("LRA").last().unwrap(), highest("M"), highest("S")]
}

/// Noise that swells and fades, with a pause.
fn swells(seconds: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut before = 0.0;
    (0..seconds * SECOND)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            before = 0.95 * before + 0.3 * white;
            let level = 0.02 + 0.3 * (i as f32 / SECOND as f32 / 7.0).sin().abs();
            if i / SECOND % 20 == 13 { 0.0 } else { level * before }
        })
        .collect()
}

#[test]
fn loudness_is_that_of_ffmpeg_within_a_tenth() {
    let models = models(&[]).unwrap();
    let mut sounds = vec![("swells", swells(40))];
    for file in ["speech/two_cities.wav", "clips/bigbuckbunny.mp4", "vad/silero_test.wav"] {
        sounds.extend(media(file).map(|path| (file, sound(&path))));
    }
    for (name, sound) in sounds {
        let (found, _) = listen(&AudioAnalysis, &models, &sound, &[]);
        let loudness = labelled(&found, "loudness")[0];
        let own = ["integrated_lufs", "range_lu", "max_momentary_lufs", "max_short_term_lufs"].map(|name| number(loudness, name));
        let reference = ebur128(&sound);
        println!("{name}: {own:?}, ffmpeg {reference:?}");
        let off = |at: usize| (own[at] - reference[at]).abs();
        assert!([0, 2, 3].into_iter().all(|at| off(at) <= 0.1), "{name}: {own:?}, ffmpeg {reference:?}");
        // ffmpeg takes the measurement before the one that Tech 3342 takes for a percentile: the same, where there are enough of them.
        let enough = sound.len() > 30 * SECOND && name != "swells";
        assert!(off(1) <= if enough { 0.1 } else { 1.0 }, "{name}: {own:?}, ffmpeg {reference:?}");
    }
}

#[test]
fn the_environment_of_known_sounds() {
    let Some(models) = models(&["ina"]) else { return };
    let Some(file) = media("speech/jfk.flac") else { return };
    let (found, summary) = listen(&AudioEnvironment, &models, &sound(&file), &[]);
    assert_eq!(summary.status, AnalyserStatus::Done);
    // inaSpeechSegmenter 0.6.8's own features and the same network, mean of the patches in the middle of a second.
    for (second, speech, noise) in INA_OF_JFK {
        let own = labelled(&found, "environment")[second];
        assert!((number(own, "speech") - speech).abs() <= 0.02, "second {second}: {own:?}");
        assert!((number(own, "noise") - noise).abs() <= 0.02, "second {second}: {own:?}");
    }
    let Some(file) = media("speech/two_cities.wav") else { return };
    let silence = vec![0.0; 6 * SECOND];
    let sound = [sound(&file)[..20 * SECOND].to_vec(), silence, swells(12)[..12 * SECOND].to_vec()].concat();
    let (found, _) = listen(&AudioEnvironment, &models, &sound, &[]);
    let of = |label: &str, from: i64, to: i64| -> i64 {
        labelled(&found, label).iter().map(|span| (span.end_ms.min(to) - span.start_ms.max(from)).max(0)).sum()
    };
    assert!(of("speech", 0, 20_000) >= 18_000, "{found:?}");
    assert!(of("silence", 20_000, 26_000) >= 5_000, "{found:?}");
    assert!(of("noise", 26_000, 38_000) >= 8_000, "{found:?}");
    let spans: Vec<(i64, i64)> = found
        .iter()
        .filter(|span| ["speech", "music", "noise", "silence"].contains(&span.label.as_str()))
        .map(|span| (span.start_ms, span.end_ms))
        .collect();
    assert_eq!((spans[0].0, spans[spans.len() - 1].1), (0, 38_000));
    assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0), "{spans:?}");
}

/// Second, speech, noise.
const INA_OF_JFK: [(usize, f64, f64); 3] = [(0, 0.7164, 0.0015), (5, 0.8962, 0.0996), (9, 0.9989, 0.0001)];

/// What espeak-ng says in a voice.
fn spoken(voice: &str, pitch: &str, text: &str) -> Option<Vec<f32>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("spoken.wav");
    let said = Command::new("espeak-ng").args(["-v", voice, "-p", pitch, "-s", "150", "-w"]).arg(&file).arg(text).status();
    if !said.is_ok_and(|status| status.success()) {
        println!("skipped: espeak-ng is not here");
        return None;
    }
    Some(sound(&file))
}

const LINES: [&str; 6] = [
    "Good morning, and welcome to the garden show. Today we will talk about roses and how to grow them.",
    "Thank you for the invitation. I have been growing roses for more than twenty years in my own garden.",
    "What is the most important thing that a beginner should know before planting the first rose?",
    "The soil must be rich and the place must have plenty of sun. Water them early in the morning.",
    "That sounds easy enough. And what about the winter, do they need any protection from the cold?",
    "In most places it is enough to cover the roots with leaves. They are stronger than people think.",
];

/// When something begins and ends, in milliseconds.
type Span = (i64, i64);

/// Two voices taking turns, and the turns.
fn conversation() -> Option<(Vec<f32>, Vec<Span>)> {
    let (mut sound, mut turns) = (Vec::new(), Vec::new());
    for (at, line) in LINES.iter().enumerate() {
        let own = if at % 2 == 0 { spoken("en-us+m3", "40", line)? } else { spoken("en-us+f2", "70", line)? };
        let ms = |samples: usize| (samples * 1000 / SECOND) as i64;
        turns.push((ms(sound.len()), ms(sound.len() + own.len())));
        sound.extend(own);
        sound.extend(vec![0.0; SECOND / 2]);
    }
    Some((sound, turns))
}

#[test]
fn two_voices_take_turns() {
    let Some(models) = models(&["resemblyzer", "silero_vad", "whisper_base"]) else { return };
    let Some((sound, turns)) = conversation() else { return };
    let (transcript, _) = listen(&SpeechTranscription::new(&Options::default()).unwrap(), &models, &sound, &[]);
    let (found, summary) = listen(&SpeechFlow, &models, &sound, &transcript);
    assert_eq!(summary.status, AnalyserStatus::Done);
    let own = labelled(&found, "turn");
    let shown: Vec<_> = own.iter().map(|turn| (turn.start_ms, turn.end_ms, number(turn, "speaker") as usize)).collect();
    println!("{shown:?} of {turns:?}");
    assert_eq!(own.len(), turns.len(), "{shown:?}");
    for (at, (own, known)) in shown.iter().zip(&turns).enumerate() {
        assert_eq!(own.2, at % 2 + 1, "{shown:?}");
        assert!((own.0 - known.0).abs() <= 1000 && (own.1 - known.1).abs() <= 1000, "{shown:?} of {turns:?}");
    }
    let flow = labelled(&found, "flow")[0];
    assert_eq!((number(flow, "speakers") as usize, number(flow, "turns") as usize), (2, 6), "{flow:?}");
    let words = LINES.iter().map(|line| line.split(' ').count()).sum::<usize>() as f64;
    let minutes = sound.len() as f64 / SECOND as f64 / 60.0;
    assert!((number(flow, "words") / words - 1.0).abs() < 0.1, "{flow:?}");
    assert!((number(flow, "words_per_minute") / (words / minutes) - 1.0).abs() < 0.15, "{flow:?}");
    // Without the transcript the voices are the same.
    let (found, _) = listen(&SpeechFlow, &models, &sound, &[]);
    let speakers: Vec<usize> = labelled(&found, "turn").iter().map(|turn| number(turn, "speaker") as usize).collect();
    assert_eq!(speakers, [1, 2, 1, 2, 1, 2]);
}

#[test]
fn one_reader_is_one_speaker() {
    let Some(models) = models(&["resemblyzer"]) else { return };
    let Some(file) = media("speech/two_cities.wav") else { return };
    let (found, _) = listen(&SpeechFlow, &models, &sound(&file), &[]);
    let speakers: Vec<usize> = labelled(&found, "turn").iter().map(|turn| number(turn, "speaker") as usize).collect();
    assert!(!speakers.is_empty() && speakers.iter().all(|speaker| *speaker == 1), "{speakers:?}");
    assert!(labelled(&found, "overlap").is_empty(), "{found:?}");
}

#[test]
fn a_spoken_pitch_is_that_of_its_voice() {
    let models = models(&[]).unwrap();
    // The pitch of espeak-ng's voice at `-p`, as librosa's pyin finds it.
    let mut pitches = Vec::new();
    for pitch in ["20", "50", "80"] {
        let Some(sound) = spoken("en-us", pitch, LINES[0]) else { return };
        let (found, _) = listen(&SpeechEmotion, &models, &sound, &[]);
        assert!(!found.is_empty(), "no utterance at {pitch}");
        pitches.push(number(&found[0], "pitch_hz"));
        let rate = number(&found[0], "syllables_per_second");
        assert!((2.0..8.0).contains(&rate), "{found:?}");
    }
    println!("{pitches:?}");
    for (own, known) in pitches.iter().zip(ESPEAK_PITCHES) {
        assert!((own / known - 1.0).abs() <= 0.04, "{pitches:?}");
    }
}

const ESPEAK_PITCHES: [f64; 3] = [79.6, 100.3, 137.0];

#[test]
fn neither_the_pieces_nor_saving_matter() {
    let Some(file) = media("speech/jfk.flac") else { return };
    let sound = sound(&file);
    let transcription = SpeechTranscription::new(&Options::default()).unwrap();
    let all: [(&dyn Analyser, &[&str]); 3] =
        [(&AudioEnvironment, &["ina"]), (&SpeechFlow, &["resemblyzer"]), (&transcription, &["silero_vad", "whisper_base"])];
    for (analyser, needed) in all {
        let Some(models) = models(needed) else { continue };
        let name = analyser.spec().name;
        let whole = listen_in(analyser, &models, &in_pieces(&sound, sound.len()), &[], Saving::Never);
        assert!(!whole.0.is_empty(), "{name} found nothing");
        for (size, saving) in [(20_011, Saving::AfterEveryPiece), (1777, Saving::Never)] {
            let other = listen_in(analyser, &models, &in_pieces(&sound, size), &[], saving);
            assert_eq!(other, whole, "{name} in pieces of {size}");
        }
    }
}

/// Measures in release mode: `cargo test --release --test it hearing::costs -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn costs() {
    let Some(file) = media("vad/silero_test.wav") else { return };
    let sound = sound(&file);
    let seconds = sound.len() as f64 / SECOND as f64;
    let transcription = SpeechTranscription::new(&Options::default()).unwrap();
    let all: [&dyn Analyser; 5] = [&AudioAnalysis, &AudioEnvironment, &SpeechEmotion, &SpeechFlow, &transcription];
    for analyser in all {
        let spec = analyser.spec();
        let Some(models) = models(&[spec.models, spec.optional].concat()) else { continue };
        drop(listen(analyser, &models, &sound[..SECOND], &[]));
        let began = std::time::Instant::now();
        let (found, _) = listen(analyser, &models, &sound, &[]);
        let share = began.elapsed().as_secs_f64() / seconds * 100.0;
        println!("{}: {share:.2} % of {seconds:.0} s, {} findings", spec.name, found.len());
    }
}
