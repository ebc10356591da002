//! With a model that answers as it is told.

use std::sync::Mutex;

use super::*;
use crate::infer::vision::{Answer, Part, Question, Reply, Terms, Vision, VisionError};

/// What the model answers to each try; the last for all that come after.
type Script = Vec<Result<String, VisionError>>;

struct Scripted {
    script: Script,
    took: Duration,
    /// Words of each question, how many pictures it had, and its terms.
    asked: Mutex<Vec<(String, usize, Terms)>>,
}

impl Vision for Scripted {
    fn ask(&self, question: &Question<'_>, terms: Terms) -> Reply {
        let texts = question.parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(*text) } else { None });
        let words = texts.collect::<Vec<_>>().join(" ");
        let pictures =
            question.parts.iter().filter(|part| matches!(part, Part::Jpeg(bytes) if bytes.starts_with(&[0xff, 0xd8]))).count();
        let mut asked = self.asked.lock().unwrap();
        let answer = self.script[asked.len().min(self.script.len() - 1)].clone();
        asked.push((words, pictures, terms));
        Reply { answer: answer.map(|text| Answer { text, external: false }), took: self.took }
    }
}

/// An answer on the segment that begins at this second.
#[expect(clippy::unnecessary_wraps, reason = "a line of a script")]
fn good(second: u32) -> Result<String, VisionError> {
    Ok(json!({ "summary": format!("Since {second}."), "events": [{ "at_s": second + 3, "text": "A door opens." }] }).to_string())
}

#[expect(clippy::unnecessary_wraps, reason = "a line of a script")]
fn bad() -> Result<String, VisionError> {
    Ok("I see a door.".to_owned())
}

fn slow() -> Result<String, VisionError> {
    Err(VisionError::Timeout(Duration::from_mins(1)))
}

/// A minute is a segment of twenty seconds each.
fn asker(script: Script, took: Duration) -> (Arc<Asker>, Arc<Scripted>) {
    let settings = Settings { segment: Duration::from_secs(20), ..Settings::default() };
    let vision = Arc::new(Scripted { script, took, asked: Mutex::default() });
    let asker = Asker { settings, host: "model.lan".to_owned(), address: "http://model.lan/".to_owned(), vision: vision.clone() };
    (Arc::new(asker), vision)
}

fn frames() -> Vec<Frame> {
    (0..120).map(|at| Frame::new(at, at as i64 * 500, 8, 6, vec![(at * 2) as u8; 144])).collect()
}

/// What is found in a minute, and how the pass ended.
fn look(asker: &Arc<Asker>) -> (Vec<Finding>, Summary) {
    let (mut pass, mut out) = (Box::new(DescriptionPass::new(Some(asker.clone()), 60_000)), Vec::new());
    pass.frames(&frames(), &mut out).unwrap();
    for (analyser, findings) in told() {
        pass.findings(analyser, &findings, &mut out).unwrap();
    }
    let summary = pass.finish(&mut out).unwrap();
    (out, summary)
}

fn methods(found: &[Finding]) -> Vec<(i64, String)> {
    let descriptions = found.iter().filter(|finding| finding.label == "description");
    let method = |finding: &Finding| finding.value.as_ref().unwrap()["method"].as_str().unwrap().to_owned();
    descriptions.map(|finding| (finding.start_ms / 1000, method(finding))).collect()
}

fn of(method: &str, seconds: &[i64]) -> Vec<(i64, String)> {
    seconds.iter().map(|second| (*second, method.to_owned())).collect()
}

#[test]
fn each_segment_is_described_with_its_events() {
    let (endpoint, vision) = asker(vec![good(0), good(20), good(40)], Duration::from_secs(1));
    let (found, summary) = look(&endpoint);
    assert_eq!((summary.status, summary.reason), (AnalyserStatus::Done, None));
    assert_eq!(methods(&found), of("model", &[0, 20, 40]));
    let first = &found[0];
    assert_eq!((first.start_ms, first.end_ms, first.text.as_deref()), (0, 20_000, Some("Since 0.")));
    let value = first.value.as_ref().unwrap();
    assert_eq!(
        (&value["model"], &value["endpoint_host"], &value["external"]),
        (&json!("qwen2-vl"), &json!("model.lan"), &json!(false))
    );
    assert_eq!((&value["frames"], &value["events"]), (&json!(16), &json!([{ "at_ms": 3000, "text": "A door opens." }])));
    let events: Vec<i64> = found.iter().filter(|finding| finding.label == "event").map(|finding| finding.start_ms).collect();
    assert_eq!(events, [3000, 23_000, 43_000]);
    for finding in &found {
        assert!((finding.confidence - 0.5).abs() < f32::EPSILON);
        let value = finding.value.as_ref().unwrap();
        assert!(value["confidence"] == "unknown" && value["limits"].as_str().unwrap().contains("may be wrong"), "{value}");
    }
    assert_eq!(summary.spans.unwrap().len(), 3);
    let asked = vision.asked.lock().unwrap();
    assert!(asked.iter().all(|(_, pictures, terms)| *pictures == 16 && terms.timeout == Duration::from_mins(1)));
    assert!(asked[1].0.starts_with("Frame 1 at 20.0 s:") && asked[1].0.contains("from 20.0 s to 40.0 s"), "{}", asked[1].0);
}

#[test]
fn what_is_not_valid_is_asked_again_with_the_reason() {
    let (endpoint, vision) = asker(vec![bad(), good(0), good(20), slow(), good(40)], Duration::from_secs(1));
    let (found, summary) = look(&endpoint);
    assert_eq!((summary.status, methods(&found)), (AnalyserStatus::Done, of("model", &[0, 20, 40])));
    let asked = vision.asked.lock().unwrap();
    assert!(asked[1].0.contains("Your last answer was not accepted: it is no JSON"), "{}", asked[1].0);
    assert!(!asked[2].0.contains("not accepted") && !asked[4].0.contains("not accepted"));
    assert!(asked.iter().all(|(_, _, terms)| terms.pause.is_zero()));
}

#[test]
fn a_segment_without_an_answer_is_composed_and_the_result_degraded() {
    let (endpoint, vision) = asker(vec![good(0), bad(), bad(), bad(), good(40)], Duration::from_secs(1));
    let (found, summary) = look(&endpoint);
    assert_eq!(vision.asked.lock().unwrap().len(), 5);
    // Of the second segment nothing is known, so that nothing is composed.
    assert_eq!((summary.status, methods(&found)), (AnalyserStatus::Degraded, of("model", &[0, 40])));
    let reason = summary.reason.unwrap();
    assert!(reason.starts_with("1 of 3 parts are composed: not an answer: it is no JSON"), "{reason}");
}

#[test]
fn an_endpoint_that_never_answers_is_given_up() {
    let (endpoint, vision) = asker(vec![Err(VisionError::Unreachable("refused".into()))], Duration::from_secs(1));
    let (found, summary) = look(&endpoint);
    let asked = vision.asked.lock().unwrap();
    // Two segments, three tries each, with longer and longer pauses.
    let pauses: Vec<u128> = asked.iter().map(|(_, _, terms)| terms.pause.as_millis()).collect();
    assert_eq!(pauses, [0, 500, 1000, 0, 500, 1000]);
    // All as if there were no endpoint, but for the words on it.
    assert_eq!((summary.status, methods(&found)), (AnalyserStatus::Degraded, of("composed", &[0, 8])));
    assert!(found.iter().all(|finding| finding.value.as_ref().unwrap()["without_model"].as_str().unwrap().contains("refused")));
    let reason = summary.reason.unwrap();
    assert!(reason.starts_with(UNANSWERED) && reason.contains("3 of 3 parts are composed"), "{reason}");
}

#[test]
fn an_endpoint_that_refuses_is_not_asked_again() {
    let status = VisionError::Status { status: 401, words: "wrong key".into() };
    let (endpoint, vision) = asker(vec![good(0), Err(status)], Duration::from_secs(1));
    let (found, summary) = look(&endpoint);
    assert_eq!(vision.asked.lock().unwrap().len(), 2);
    assert_eq!((summary.status, methods(&found)), (AnalyserStatus::Degraded, of("model", &[0])));
    assert_eq!(summary.reason.unwrap(), "2 of 3 parts are composed: the endpoint answered 401: wrong key");
}

#[test]
fn the_budget_bounds_all_segments_together() {
    let (endpoint, vision) = asker(vec![good(0), good(20), good(40)], Duration::from_secs(250));
    let (found, summary) = look(&endpoint);
    let asked = vision.asked.lock().unwrap();
    // 300 s: the second question may take only what is left.
    assert_eq!(asked.iter().map(|(_, _, terms)| terms.timeout.as_secs()).collect::<Vec<_>>(), [60, 50]);
    assert_eq!((summary.status, methods(&found)), (AnalyserStatus::Degraded, of("model", &[0, 20])));
    assert_eq!(summary.reason.unwrap(), "1 of 3 parts are composed: the budget of 300 s was used up");
}

#[test]
fn sound_without_pictures_is_composed_and_nobody_is_asked() {
    let (endpoint, vision) = asker(vec![good(0)], Duration::from_secs(1));
    let (mut pass, mut out) = (Box::new(DescriptionPass::new(Some(endpoint), 60_000)), Vec::new());
    pass.findings("speech_transcription", &[said("speech", 9000, 12_000, "Never again.")], &mut out).unwrap();
    let summary = pass.finish(&mut out).unwrap();
    assert_eq!((summary.status, out.len(), vision.asked.lock().unwrap().len()), (AnalyserStatus::Done, 1, 0));
    assert!(out[0].value.as_ref().unwrap().get("without_model").is_none());
}

#[test]
fn a_resumed_pass_asks_and_tells_the_same() {
    let run = |cut: Option<usize>| {
        let (endpoint, vision) = asker(vec![bad(), good(0), slow(), good(20), good(40)], Duration::from_secs(7));
        let begin = || Box::new(DescriptionPass::new(Some(endpoint.clone()), 60_000));
        let (mut pass, mut out, mut at) = (begin(), Vec::new(), 0);
        let mut next = |pass: &mut Box<DescriptionPass>| {
            if cut == Some(at) {
                let saved = pass.save().unwrap();
                *pass = begin();
                pass.restore(&saved).unwrap();
                assert_eq!(pass.save().unwrap(), saved);
            }
            at += 1;
        };
        for batch in frames().chunks(7) {
            next(&mut pass);
            pass.frames(batch, &mut out).unwrap();
        }
        for (analyser, findings) in told() {
            next(&mut pass);
            pass.findings(analyser, &findings, &mut out).unwrap();
        }
        next(&mut pass);
        while pass.rest(&mut out).unwrap() == Rest::More {
            next(&mut pass);
        }
        let summary = pass.finish(&mut out).unwrap();
        let asked = vision.asked.lock().unwrap().clone();
        (out, summary, asked)
    };
    let undisturbed = run(None);
    assert_eq!(undisturbed.2.len(), 5);
    (0..30).for_each(|cut| assert_eq!(run(Some(cut)), undisturbed, "cut before step {cut}"));
}

#[test]
fn what_is_saved_is_bounded() {
    let settings = Settings { frames: 8, max_segments: 5, ..Settings::default() };
    let vision = Arc::new(Scripted { script: vec![good(0)], took: Duration::ZERO, asked: Mutex::default() });
    let asker = Arc::new(Asker { settings, host: String::new(), address: String::new(), vision });
    let mut pass = DescriptionPass::new(Some(asker), 12 * 3_600_000);
    let noise: Arc<[u8]> = (0..512_u32 * 288 * 3).map(|at| (at.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
    for at in 0..43_200 / 20 {
        pass.frames(&[Frame::new(at, at as i64 * 20_000, 512, 288, noise.clone())], &mut Vec::new()).unwrap();
    }
    let saved = pass.save().unwrap().len();
    assert!((1 << 20..=5 * 8 * (frames::JPEG_BYTES + 64)).contains(&saved), "{saved}");
}
