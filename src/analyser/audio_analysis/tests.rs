use super::*;
use crate::analyser::hearing::synth::{self, Saving, labelled, number};
use crate::model::AnalyserStatus;

/// In pieces of an odd size, as the reader of a pipe would give them.
fn listen(sound: &[f32]) -> (Vec<Finding>, Summary) {
    synth::listen(&AudioAnalysis, sound, 7919, Saving::Never)
}

#[test]
fn a_tone_of_minus_20_dbfs_has_the_loudness_that_bs1770_gives_it() {
    let (found, _) = listen(&synth::tone(997.0, 0.1, 10.0));
    let loudness = labelled(&found, "loudness")[0];
    for name in ["integrated_lufs", "max_momentary_lufs", "max_short_term_lufs"] {
        assert!((number(loudness, name) + 23.0).abs() <= 0.1, "{loudness:?}");
    }
    assert!((number(loudness, "true_peak_dbtp") + 20.0).abs() <= 0.2, "{loudness:?}");
    assert!(number(loudness, "range_lu") <= 0.1, "{loudness:?}");
    assert_eq!((loudness.start_ms, loudness.end_ms), (0, 10_000));
}

#[test]
fn seconds_and_the_curve_follow_the_level() {
    let sound = [synth::tone(1000.0, 0.1, 20.0), vec![0.0; 5 * SECOND], synth::tone(1000.0, 0.031_623, 20.0)].concat();
    let (found, _) = listen(&sound);
    let seconds = labelled(&found, "spectrum");
    assert_eq!(seconds.len(), 45);
    assert!((number(seconds[10], "momentary_lufs") - number(seconds[30], "momentary_lufs") - 10.0).abs() <= 0.2);
    assert!((number(seconds[10], "short_term_lufs") + 23.0).abs() <= 0.2);
    assert_eq!(seconds[22].value.as_ref().unwrap()["centroid_hz"], json!(null));
    let curve = labelled(&found, "loudness_curve")[0].value.clone().unwrap();
    assert_eq!((curve["step_ms"].as_u64(), curve["momentary_lufs"].as_array().unwrap().len()), (Some(100), 450));
    let point = |at: usize| curve["momentary_lufs"][at].as_f64();
    assert!((point(100).unwrap() + 23.0).abs() <= 0.1 && (point(400).unwrap() + 33.0).abs() <= 0.1 && point(0).is_none());
    assert!(point(230).is_none_or(|lufs| lufs < -70.0), "{:?}", point(230));
}

#[test]
fn the_timbre_of_tones_sweeps_and_noise() {
    let (found, _) = listen(&synth::tone(2000.0, 0.5, 3.0));
    let second = labelled(&found, "spectrum")[1];
    assert!((number(second, "centroid_hz") - 2000.0).abs() <= 20.0, "{second:?}");
    assert!((number(second, "rolloff_hz") - 2000.0).abs() <= 40.0, "{second:?}");
    assert!(number(second, "flux") < 0.01 && number(second, "flatness") < 0.001, "{second:?}");
    let (found, _) = listen(&synth::noise(0.5, 3.0));
    let second = labelled(&found, "spectrum")[1];
    assert!((number(second, "centroid_hz") - 4000.0).abs() <= 150.0, "{second:?}");
    assert!((number(second, "rolloff_hz") - 6800.0).abs() <= 150.0, "{second:?}");
    // The expected flatness of a white power spectrum: e to the minus Euler's constant.
    assert!((number(second, "flatness") - 0.561).abs() <= 0.02 && number(second, "flux") > 0.3, "{second:?}");
    let (found, _) = listen(&synth::sweep(500.0, 6500.0, 6.0));
    let centroids: Vec<f64> = labelled(&found, "spectrum").iter().map(|second| number(second, "centroid_hz")).collect();
    for (second, centroid) in centroids.iter().enumerate() {
        assert!((centroid - (1000.0 + 1000.0 * second as f64)).abs() <= 60.0, "{centroids:?}");
    }
}

#[test]
fn silence_is_found_where_it_is_and_not_in_short_pauses() {
    let tone = |amplitude: f64, seconds: f64| synth::tone(440.0, amplitude, seconds);
    let nothing = |seconds: f64| synth::tone(440.0, 0.0, seconds);
    let sound = [tone(0.3, 2.0), nothing(1.5), tone(0.3, 1.0), nothing(0.3), tone(0.3, 1.0), tone(0.0005, 1.0)].concat();
    let (found, summary) = listen(&sound);
    let silences: Vec<(i64, i64)> = labelled(&found, "silence").iter().map(|found| (found.start_ms, found.end_ms)).collect();
    assert_eq!(silences, [(2000, 3500), (5800, 6800)]);
    let spans = summary.spans.unwrap();
    assert_eq!(spans.iter().filter(|span| span.finding.label == "silence").count(), 2);
    assert!(spans.iter().all(|span| !["spectrum", "beats", "loudness_curve"].contains(&span.finding.label.as_str())));
}

#[test]
fn the_longest_silences_become_spans() {
    let mut pass = AudioAnalysis.begin(&MediaInfo::default(), &synth::no_models()).unwrap();
    let mut out = Vec::new();
    for i in 0..600 {
        let pause = vec![0.0; SECOND / 2 + if i == 3 { SECOND } else { 160 * (i % 7) }];
        let samples = [synth::tone(440.0, 0.3, 0.02), pause].concat();
        pass.audio(&Pcm { time_ms: 0, samples: samples.into() }, &mut out).unwrap();
    }
    let spans = pass.finish(&mut out).unwrap().spans.unwrap();
    assert_eq!(labelled(&out, "silence").len(), 600);
    let silences: Vec<_> = spans.iter().filter(|span| span.finding.label == "silence").collect();
    assert_eq!(silences.len(), AnalyserResult::SPANS_MAX - 10);
    assert!(silences.iter().any(|span| span.finding.end_ms - span.finding.start_ms == 1500));
}

#[test]
fn a_silent_sound_has_no_loudness_no_tempo_no_key_and_one_silence() {
    let (found, summary) = listen(&vec![0.0; 5 * SECOND]);
    assert_eq!(summary.status, AnalyserStatus::Done);
    let value = labelled(&found, "loudness")[0].value.clone().unwrap();
    assert!(value.as_object().unwrap().values().all(serde_json::Value::is_null), "{value}");
    assert!(labelled(&found, "tempo").is_empty() && labelled(&found, "key").is_empty() && labelled(&found, "beats").is_empty());
    assert_eq!(labelled(&found, "silence").len(), 1);
}

#[test]
fn click_tracks_have_their_tempo_and_their_beats() {
    for bpm in [60.0, 72.5, 90.0, 120.0, 128.0, 150.0, 174.0, 200.0] {
        let (found, _) = listen(&synth::clicks(bpm, 20.0));
        let tempo = *labelled(&found, "tempo").first().unwrap_or_else(|| panic!("no tempo at {bpm}"));
        assert!((number(tempo, "bpm") - bpm).abs() <= 1.0, "{bpm}: {tempo:?}");
        assert!(tempo.confidence > 0.5, "{tempo:?}");
        let beats = labelled(&found, "beats")[0].value.clone().unwrap();
        let times: Vec<f64> = beats["times_ms"].as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
        let clicks = 1.0 + (19.75 * bpm / 60.0).floor();
        assert!((times.len() as f64 - clicks).abs() <= 1.0, "{bpm}: {} beats of {clicks}", times.len());
        let off = |time: &f64| ((time / 1000.0 - 0.25) * bpm / 60.0 + 0.5).rem_euclid(1.0) - 0.5;
        assert!(times.iter().all(|time| off(time).abs() * 60_000.0 / bpm <= 25.0), "{bpm}: {times:?}");
    }
}

#[test]
fn noise_and_tones_have_no_tempo() {
    for sound in [synth::noise(0.3, 20.0), synth::tone(440.0, 0.3, 20.0)] {
        let (found, _) = listen(&sound);
        assert!(labelled(&found, "tempo").is_empty(), "{found:?}");
    }
}

#[test]
fn chords_have_their_key() {
    let chords = [[60, 64, 67], [65, 69, 72], [67, 71, 74], [60, 64, 67]];
    let sound: Vec<f32> = chords.iter().flat_map(|notes| synth::chord(notes, 1.5)).collect();
    let (found, summary) = listen(&sound);
    let key = labelled(&found, "key")[0];
    let value = key.value.as_ref().unwrap();
    assert_eq!((value["key"].as_str(), value["mode"].as_str()), (Some("C"), Some("major")), "{key:?}");
    assert!(key.confidence > 0.4 && value["chroma"].as_array().unwrap().len() == 12, "{key:?}");
    assert!(summary.spans.unwrap().iter().any(|span| span.finding.label == "key"));
}

#[test]
fn neither_the_pieces_nor_saving_matter() {
    let sound = [
        synth::clicks(128.0, 8.0),
        vec![0.0; SECOND],
        synth::mix(&synth::chord(&[57, 60, 64], 7.3), &synth::pink(0.01, 7.3)),
        synth::tone(997.0, 0.2, 0.333),
    ];
    synth::assert_cut_does_not_matter(&AudioAnalysis, &sound.concat());
}

#[test]
fn no_sound_is_skipped_and_broken_samples_do_no_harm() {
    let (found, summary) = listen(&[]);
    assert_eq!((summary.status, summary.reason.as_deref()), (AnalyserStatus::Skipped, Some("no sound")));
    assert!(found.is_empty());
    let mut sound = synth::tone(997.0, 0.1, 5.0);
    sound[100] = f32::NAN;
    sound[200] = f32::INFINITY;
    let (found, _) = listen(&sound);
    assert!((number(labelled(&found, "loudness")[0], "integrated_lufs") + 23.0).abs() <= 0.15);
}

#[test]
fn a_state_of_another_version_is_refused() {
    let mut pass = AudioAnalysis.begin(&MediaInfo::default(), &synth::no_models()).unwrap();
    assert!(pass.restore(b"nonsense").is_err());
}
