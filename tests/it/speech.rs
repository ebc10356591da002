//! Speech on real recordings with known words, with the real models.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::Command;
use std::time::Instant;

use weir::analyser::speech_transcription::SpeechTranscription;
use weir::analyser::speech_transcription::vad::Vad;
use weir::analyser::{Analyser, Options, SAMPLE_RATE, Summary};
use weir::model::{AnalyserStatus, Finding, MediaInfo};

use crate::support;

const JFK: &str = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country.";
const TWO_CITIES: &str = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the \
    epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was the spring of hope, it was \
    the winter of despair, we had everything before us, we had nothing before us, we were all going direct to Heaven, we were all going direct the \
    other way—in short, the period was so far like the present period, that some of its noisiest authorities insisted on its being received, for \
    good or for evil, in the superlative degree of comparison only.";

fn transcribe(sound: &[f32]) -> Option<(Vec<Finding>, Summary)> {
    transcribe_with(&Options::default(), sound)
}

fn transcribe_with(options: &Options, sound: &[f32]) -> Option<(Vec<Finding>, Summary)> {
    let analyser = SpeechTranscription::new(options).unwrap();
    let models = support::models(analyser.spec().models)?;
    let began = Instant::now();
    let mut pass = analyser.begin(&MediaInfo::default(), &models).unwrap();
    let mut found = Vec::new();
    for piece in support::pieces(sound) {
        pass.audio(&piece, &mut found).unwrap();
    }
    let summary = pass.finish(&mut found).unwrap();
    let seconds = sound.len() as f64 / f64::from(SAMPLE_RATE);
    println!("{seconds:.1} s of sound in {} ms, {} segments", began.elapsed().as_millis(), found.len());
    Some((found, summary))
}

/// Words in small letters without marks.
fn plain(text: &str) -> Vec<String> {
    let spaced = text.replace(['—', '-'], " ").to_lowercase();
    let bare = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    spaced.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect()
}

fn words_of(found: &[Finding]) -> Vec<String> {
    plain(&found.iter().filter_map(|segment| segment.text.as_deref()).collect::<Vec<_>>().join(" "))
}

/// Substitutions, insertions and deletions from one to the other.
fn edits(a: &[String], b: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, word) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = before + usize::from(word != other);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn number(value: &serde_json::Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("`{name}` in {value}"))
}

#[test]
fn kennedy_is_written_word_for_word_as_the_reference_does() {
    let Some(file) = support::media("speech/jfk.flac") else { return };
    let Some((found, summary)) = transcribe(&support::sound(&file)) else { return };
    println!("{found:#?}");
    assert_eq!(summary.status, AnalyserStatus::Done);
    assert_eq!(words_of(&found), plain(JFK));
    for segment in &found {
        assert_eq!(segment.label, "speech");
        let value = segment.value.as_ref().unwrap();
        assert_eq!(value["language"], "en");
        assert!(number(value, "language_confidence") > 0.9, "{value}");
        assert!(value.get("low_confidence").is_none() && segment.confidence > 0.5, "{segment:?}");
    }
    // Of openai/whisper's own test: the word `Americans` is being said at 1.8 s.
    let words: Vec<_> = found.iter().flat_map(|segment| segment.value.as_ref().unwrap()["words"].as_array().unwrap()).collect();
    let americans = words.iter().find(|word| word["word"].as_str().unwrap().starts_with("Americans")).unwrap();
    assert!(number(americans, "start_ms") <= 1800.0 && number(americans, "end_ms") >= 1800.0, "{americans}");
    assert!(words.windows(2).all(|pair| number(pair[0], "start_ms") <= number(pair[1], "start_ms")), "{words:?}");
    assert!(
        words.iter().all(|word| number(word, "start_ms") < number(word, "end_ms") && number(word, "end_ms") <= 11_000.0),
        "{words:?}"
    );
}

#[test]
fn dickens_is_written_with_few_errors() {
    let Some(file) = support::media("speech/two_cities.wav") else { return };
    let Some((found, summary)) = transcribe(&support::sound(&file)) else { return };
    let (own, known) = (words_of(&found), plain(TWO_CITIES));
    let errors = edits(&known, &own);
    println!("{errors} errors in {} words: {}", known.len(), own.join(" "));
    assert!(errors <= 2, "{errors} errors: {}", own.join(" "));
    assert!(found.windows(2).all(|pair| pair[0].end_ms <= pair[1].end_ms), "{found:?}");
    assert_eq!(summary.spans.unwrap().len(), found.len());
}

/// The time at which a word is said; the first that begins so.
fn said_at(found: &[Finding], word: &str) -> Vec<f64> {
    let words = found.iter().flat_map(|segment| segment.value.as_ref().unwrap()["words"].as_array().unwrap());
    let same = words.filter(|own| own["word"].as_str().unwrap().to_lowercase().starts_with(word));
    same.map(|own| number(own, "start_ms")).collect()
}

#[test]
fn speech_far_apart_shares_a_window_and_keeps_its_times() {
    let Some(file) = support::media("speech/jfk.flac") else { return };
    let kennedy = support::sound(&file);
    let pause = vec![0.0; 20 * SAMPLE_RATE as usize];
    let Some((found, _)) = transcribe(&[kennedy.clone(), pause, kennedy].concat()) else { return };
    // What is said second in a window has less of Whisper's attention: at most one word in twenty may be wrong.
    let errors = edits(&plain(&format!("{JFK} {JFK}")), &words_of(&found));
    assert!(errors <= 2, "{errors} errors: {}", words_of(&found).join(" "));
    let (americans, country) = (said_at(&found, "americans"), said_at(&found, "country"));
    assert_eq!((americans.len(), country.len()), (2, 4));
    for (first, second) in [(americans[0], americans[1]), (country[0], country[2]), (country[1], country[3])] {
        assert!((second - first - 31_000.0).abs() <= 400.0, "{americans:?} {country:?}");
    }
    assert!(found.iter().all(|segment| segment.end_ms <= 11_000 || segment.start_ms >= 31_000), "{found:?}");
}

fn with_model(model: &str) -> Options {
    let own = serde_json::json!({ "model": model }).as_object().cloned().unwrap();
    Options(BTreeMap::from([("speech_transcription".to_owned(), own)]))
}

#[test]
fn the_english_model_writes_the_same_words() {
    for (file, known) in [("speech/jfk.flac", JFK), ("speech/two_cities.wav", TWO_CITIES)] {
        let Some(file) = support::media(file) else { return };
        let Some((found, _)) = transcribe_with(&with_model("whisper_tiny_en"), &support::sound(&file)) else { return };
        let errors = edits(&plain(known), &words_of(&found));
        assert!(errors * 20 <= plain(known).len(), "{errors} errors: {}", words_of(&found).join(" "));
        let value = found[0].value.as_ref().unwrap();
        assert!(
            value["language"] == "en" && value["language_confidence"].is_null() && value.get("low_confidence").is_none(),
            "{value}"
        );
        assert!(found.iter().all(|segment| segment.start_ms < segment.end_ms), "{found:?}");
    }
}

#[test]
fn a_model_of_a_folder_writes_the_same_words() {
    let (Some(file), Some(_)) = (support::media("speech/jfk.flac"), support::models(&["silero_vad", "whisper_base"])) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for name in ["encoder.onnx", "decoder.onnx", "tokenizer.json", "config.json"] {
        std::os::unix::fs::symlink(support::model_folder().join("whisper_base").join(name), folder.path().join(name)).unwrap();
    }
    let options = with_model(folder.path().to_str().unwrap());
    let Some((found, _)) = transcribe_with(&options, &support::sound(&file)) else { return };
    assert_eq!(words_of(&found), plain(JFK));
    std::fs::remove_file(folder.path().join("decoder.onnx")).unwrap();
    let analyser = SpeechTranscription::new(&options).unwrap();
    let models = support::models(&["silero_vad"]).unwrap();
    let mut pass = analyser.begin(&MediaInfo::default(), &models).unwrap();
    for piece in support::pieces(&support::sound(&file)) {
        pass.audio(&piece, &mut Vec::new()).unwrap();
    }
    let error = pass.finish(&mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("decoder.onnx"), "{error}");
}

#[test]
fn silence_and_noise_are_not_transcribed() {
    let mut state = 1_u32;
    let noise: Vec<f32> = (0..10 * SAMPLE_RATE)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            0.1 * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
        })
        .collect();
    for sound in [vec![0.0; 5 * SAMPLE_RATE as usize], noise] {
        let Some((found, summary)) = transcribe(&sound) else { return };
        assert!(found.is_empty(), "{found:?}");
        assert_eq!((summary.status, summary.spans), (AnalyserStatus::Done, Some(Vec::new())));
    }
}

#[test]
fn regions_of_speech_are_those_of_the_reference() {
    let Some(file) = support::media("vad/silero_test.wav") else { return };
    let Some(models) = support::models(&["silero_vad"]) else { return };
    let (mut vad, mut regions) = (Vad::open(&models).unwrap(), Vec::new());
    for piece in support::pieces(&support::sound(&file)) {
        vad.hear(&piece.samples, &mut regions).unwrap();
    }
    vad.finish(&mut regions).unwrap();
    // get_speech_timestamps of silero-vad 6.2.3 on the same file and model, in samples.
    let known: [Range<usize>; 19] = [
        32..32736,
        42528..75232,
        79392..110_048,
        149_024..213_472,
        216_608..241_632,
        245_280..253_920,
        260_640..286_688,
        293_920..313_824,
        325_152..521_696,
        523_296..569_824,
        571_936..602_080,
        607_264..623_072,
        637_984..692_704,
        697_888..714_208,
        720_416..749_024,
        781_344..799_712,
        817_184..867_808,
        871_456..918_496,
        920_096..953_312,
    ];
    assert_eq!(regions, known);
}

#[test]
fn a_spoken_sentence_in_another_language_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("german.wav");
    let said = "Guten Tag, meine Damen und Herren. Heute ist das Wetter sehr schön, und wir gehen zusammen in den Garten.";
    let status = Command::new("espeak-ng").args(["-v", "de", "-s", "130", "-w"]).arg(&file).arg(said).status();
    if !status.is_ok_and(|status| status.success()) {
        println!("skipped: espeak-ng is not here");
        return;
    }
    let Some((found, _)) = transcribe(&support::sound(&file)) else { return };
    println!("{:?}", words_of(&found));
    assert_eq!(found[0].value.as_ref().unwrap()["language"], "de", "{found:?}");
    assert!(words_of(&found).contains(&"zusammen".to_owned()), "{found:?}");
}
