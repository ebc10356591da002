use super::*;

fn report(json: &str) -> Report {
    serde_json::from_str(json).unwrap()
}

fn look(lead_us: i64, width: u32, height: u32) -> FirstLook {
    FirstLook { picture: Some(FirstPicture { time_us: lead_us, width, height, pixel_aspect: 1.0 }), sound_us: Some(0) }
}

fn info(report: &Report, look: &FirstLook) -> Result<MediaInfo, MediaError> {
    let limits = Limits::default();
    report.info(report.choose(&limits)?, look, None, &limits)
}

const VIDEO: &str = r#""codec_type":"video","codec_name":"h264","width":640,"height":360"#;

#[test]
fn reads_the_first_picture_and_sound() {
    let text = "#software: Lavf59\n#tb 0: 1/1000000\n#media_type 0: video\n#dimensions 0: 720x576\n#sar 0: 16/15\n\
                #tb 1: 1/48000\n#media_type 1: audio\n0,     500000,     500000,    40000,  1382400, 0x1b59aa37\n1,  -1024,  -1024, 1024, 4, 0x0\n\
                0,     540000,     540000,    40000,  1382400, 0x1b59aa37\n";
    let both = first_look(text);
    let picture = FirstPicture { time_us: 500_000, width: 720, height: 576, pixel_aspect: 16.0 / 15.0 };
    assert_eq!(both, FirstLook { picture: Some(picture), sound_us: Some(-21_333) });
    let sound = first_look("#tb 0: 1/44100\n#media_type 0: audio\n0, 44100, 44100, 1, 1, 0x0\n");
    assert_eq!(sound, FirstLook { picture: None, sound_us: Some(1_000_000) });
    assert_eq!(first_look("nonsense\n#tb 0: 0/0\n0, x\n0, 1, 1\n"), FirstLook::default());
}

#[test]
fn time_0_is_the_first_picture_whatever_the_tracks_say() {
    let report = report(&format!(
        r#"{{"streams":[{{{VIDEO},"start_time":"10.700","duration":"3.000","r_frame_rate":"25/1","avg_frame_rate":"25/1"}},
            {{"codec_type":"audio","codec_name":"aac","index":1,"start_time":"10.0","duration":"3.700","sample_rate":"48000","channels":2}}],
            "format":{{"format_name":"mpegts","start_time":"10.0","duration":"3.7"}}}}"#
    ));
    let info = info(&report, &look(700_000, 640, 360)).unwrap();
    assert_eq!((info.start_ms, info.duration_ms, info.lead_us), (10_700, 3000, 700_000));
    assert_eq!((info.hold_ms, info.silence_ms), (0, 0));
}

#[test]
fn a_rate_is_variable_when_its_two_measures_differ() {
    let cases = [
        ("30/1", "2997/100", "progressive", false, 30.0),
        ("120/1", "29800/1000", "progressive", true, 29.8),
        ("50/1", "25/1", "tt", false, 25.0),
        ("50/1", "25/1", "progressive", true, 25.0),
        ("0/0", "24/1", "unknown", false, 24.0),
        ("90000/1", "0/0", "unknown", false, 25.0),
    ];
    for (lowest, average, order, variable, fps) in cases {
        let report = report(&format!(
            r#"{{"streams":[{{{VIDEO},"duration":"9","r_frame_rate":"{lowest}","avg_frame_rate":"{average}","field_order":"{order}"}}]}}"#
        ));
        let video = info(&report, &look(0, 640, 360)).unwrap().video.unwrap();
        assert_eq!((video.variable_rate, video.fps()), (variable, fps), "{lowest} {average}");
    }
}

#[test]
fn square_pixels_and_the_limits_hold_for_what_is_shown() {
    let report = report(&format!(r#"{{"streams":[{{{VIDEO},"duration":"9"}}]}}"#));
    let mut look = look(0, 640, 360);
    let mut with = |aspect| {
        look.picture.as_mut().unwrap().pixel_aspect = aspect;
        info(&report, &look)
    };
    assert_eq!(with(1.5).unwrap().video.unwrap().width, 960);
    assert_eq!(with(0.001).unwrap_err().code(), "unsupported_media");
    assert_eq!(with(1e9).unwrap_err().code(), "over_limit");
}

#[test]
fn durations_are_found_where_files_keep_them() {
    assert_eq!(clock_us("00:01:02.500000000"), Some(62_500_000));
    assert_eq!(clock_us("99999999999999:00:00"), None);
    assert_eq!(seconds_us("-0.021"), Some(-21_000));
    assert_eq!((seconds_us("1e300"), seconds_us("nan"), seconds_us("N/A")), (None, None, None));
    let tagged = report(&format!(r#"{{"streams":[{{{VIDEO},"tags":{{"DURATION":"00:00:04.000"}}}}]}}"#));
    assert!(!tagged.needs_scan(&tagged.choose(&Limits::default()).unwrap()));
    let silent = report(&format!(r#"{{"streams":[{{{VIDEO}}}]}}"#));
    assert!(silent.needs_scan(&silent.choose(&Limits::default()).unwrap()));
}
