use super::*;

fn tone(hz: f64, amplitude: f64, seconds: f64) -> Vec<f32> {
    let count = (seconds * SECOND as f64) as usize;
    (0..count).map(|i| (amplitude * (std::f64::consts::TAU * hz * i as f64 / SECOND as f64).sin()) as f32).collect()
}

/// White noise, uniform in ± amplitude, from a fixed linear congruential generator.
fn noise(amplitude: f32, seconds: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..seconds * SECOND).map(|_| amplitude * next()).collect()
}

fn clicks(bpm: f64, seconds: usize) -> Vec<f32> {
    let mut sound = vec![0.0; seconds * SECOND];
    let burst = tone(1000.0, 0.8, 0.01);
    let mut at = 0.25;
    while ((at * SECOND as f64) as usize) + burst.len() < sound.len() {
        let start = (at * SECOND as f64) as usize;
        sound[start..start + burst.len()].copy_from_slice(&burst);
        at += 60.0 / bpm;
    }
    sound
}

/// Runs a pass in pieces of an odd size, as the reader of a pipe would give them.
fn listen(sound: &[f32]) -> (Vec<Finding>, Summary) {
    let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
    let mut pass = Box::new(Listening {
        loudness: EbuR128::new(1, SAMPLE_RATE, mode).unwrap(),
        spectrum: Spectrum::new(),
        silence: Silence::default(),
        start_ms: None,
        samples: 0,
    });
    let mut out = Vec::new();
    for (i, piece) in sound.chunks(7919).enumerate() {
        let time_ms = (i * 7919 * 1000 / SECOND) as i64;
        pass.audio(&Pcm { time_ms, samples: piece.into() }, &mut out).unwrap();
    }
    let summary = pass.finish(&mut out).unwrap();
    (out, summary)
}

fn labelled<'a>(found: &'a [Finding], label: &str) -> Vec<&'a Finding> {
    found.iter().filter(|finding| finding.label == label).collect()
}

fn number(finding: &Finding, name: &str) -> f64 {
    finding.value.as_ref().unwrap()[name].as_f64().unwrap_or_else(|| panic!("`{name}` in {finding:?}"))
}

#[test]
fn a_tone_of_minus_20_dbfs_has_the_loudness_that_bs1770_gives_it() {
    let (found, _) = listen(&tone(997.0, 0.1, 10.0));
    let loudness = labelled(&found, "loudness")[0];
    assert!((number(loudness, "integrated_lufs") + 23.0).abs() <= 0.15, "{loudness:?}");
    assert!((number(loudness, "true_peak_dbtp") + 20.0).abs() <= 0.2, "{loudness:?}");
    assert!(number(loudness, "range_lu") <= 0.1, "{loudness:?}");
    assert_eq!((loudness.start_ms, loudness.end_ms), (0, 10_000));
}

#[test]
fn the_range_of_two_levels_10_lu_apart_is_10_lu() {
    // EBU Tech 3342, minimum requirements, test case 1: 20 s at −20 dBFS, 20 s at −30 dBFS: 10 ± 1 LU.
    let mut sound = tone(1000.0, 0.1, 20.0);
    sound.extend(tone(1000.0, 0.031_623, 20.0));
    let (found, _) = listen(&sound);
    let loudness = labelled(&found, "loudness")[0];
    assert!((number(loudness, "range_lu") - 10.0).abs() <= 1.0, "{loudness:?}");
    let seconds = labelled(&found, "spectrum");
    assert_eq!(seconds.len(), 40);
    assert!((number(seconds[10], "momentary_lufs") - number(seconds[30], "momentary_lufs") - 10.0).abs() <= 0.2);
}

#[test]
fn the_centroid_of_a_tone_is_its_frequency_and_of_noise_the_middle() {
    let (found, _) = listen(&tone(2000.0, 0.5, 3.0));
    let second = labelled(&found, "spectrum")[1];
    assert!((number(second, "centroid_hz") - 2000.0).abs() <= 20.0, "{second:?}");
    assert!(number(second, "flux") < 0.01, "{second:?}");
    let (found, _) = listen(&noise(0.5, 3));
    let second = labelled(&found, "spectrum")[1];
    assert!((number(second, "centroid_hz") - 4000.0).abs() <= 150.0, "{second:?}");
    assert!(number(second, "flux") > 0.3, "{second:?}");
}

#[test]
fn silence_is_found_where_it_is_and_not_in_short_pauses() {
    let mut sound = tone(440.0, 0.3, 2.0);
    sound.extend(vec![0.0; SECOND * 3 / 2]);
    sound.extend(tone(440.0, 0.3, 1.0));
    sound.extend(vec![0.0; SECOND * 3 / 10]);
    sound.extend(tone(440.0, 0.3, 1.0));
    sound.extend(tone(440.0, 0.0005, 1.0));
    let (found, summary) = listen(&sound);
    let silences: Vec<(i64, i64)> = labelled(&found, "silence").iter().map(|found| (found.start_ms, found.end_ms)).collect();
    assert_eq!(silences, [(2000, 3500), (5800, 6800)]);
    let spans = summary.spans.unwrap();
    assert_eq!(spans.iter().filter(|span| span.finding.label == "silence").count(), 2);
    assert!(spans.iter().all(|span| span.finding.label != "spectrum"));
}

#[test]
fn a_silent_sound_has_no_loudness_no_tempo_and_one_silence() {
    let (found, summary) = listen(&vec![0.0; 5 * SECOND]);
    assert_eq!(summary.status, AnalyserStatus::Done);
    let value = labelled(&found, "loudness")[0].value.clone().unwrap();
    assert_eq!(value, json!({ "integrated_lufs": null, "range_lu": null, "true_peak_dbtp": null }));
    assert!(labelled(&found, "tempo").is_empty());
    assert_eq!(labelled(&found, "silence").len(), 1);
    assert_eq!(labelled(&found, "spectrum")[0].value.as_ref().unwrap()["centroid_hz"], json!(null));
}

#[test]
fn click_tracks_have_their_tempo() {
    for bpm in [60.0, 72.5, 90.0, 120.0, 128.0, 150.0, 174.0, 200.0] {
        let (found, _) = listen(&clicks(bpm, 20));
        let tempo = *labelled(&found, "tempo").first().unwrap_or_else(|| panic!("no tempo at {bpm}"));
        assert!((number(tempo, "bpm") - bpm).abs() <= 1.0, "{bpm}: {tempo:?}");
        assert!(tempo.confidence > 0.5, "{tempo:?}");
    }
}

#[test]
fn noise_and_tones_have_no_tempo() {
    for sound in [noise(0.3, 20), tone(440.0, 0.3, 20.0)] {
        let (found, _) = listen(&sound);
        assert!(labelled(&found, "tempo").is_empty(), "{found:?}");
    }
}

#[test]
fn no_sound_is_skipped_and_broken_samples_do_no_harm() {
    let (found, summary) = listen(&[]);
    assert_eq!(summary.status, AnalyserStatus::Skipped);
    assert!(found.is_empty());
    let mut sound = tone(997.0, 0.1, 5.0);
    sound[100] = f32::NAN;
    sound[200] = f32::INFINITY;
    let (found, _) = listen(&sound);
    assert!((number(labelled(&found, "loudness")[0], "integrated_lufs") + 23.0).abs() <= 0.15);
}
