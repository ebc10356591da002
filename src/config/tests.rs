use super::*;

fn with(set: &[&str], environment: &[(&str, &str)]) -> Sources {
    Sources {
        file: None,
        environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        data: None,
        set: set.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn message(sources: &Sources) -> String {
    load(sources).unwrap_err().to_string()
}

#[test]
fn later_layers_win() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.toml");
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:1\"\n[work]\npackage = 3\n").unwrap();
    let mut sources = with(&["http.listen=127.0.0.1:3"], &[("WEIR_HTTP__LISTEN", "127.0.0.1:2"), ("WEIR_WORK__ANALYSE", "2")]);
    sources.file = Some(file);
    let config = load(&sources).unwrap();
    assert_eq!(config.http.listen.port(), 3);
    assert_eq!((config.work.package, config.work.analyse, config.work.other), (3, 2, 4));
}

#[test]
fn the_data_folder_is_in_every_address() {
    let mut sources = with(&["blobs=file:/elsewhere"], &[("HOME", "/home/ann")]);
    sources.data = Some("/srv/weir".into());
    let config = load(&sources).unwrap();
    assert_eq!(config.store, "sqlite:/srv/weir/weir.db");
    assert_eq!(config.blobs, "file:/elsewhere");
    assert_eq!(config.models.dir, "/home/ann/.cache/weir/models");
}

#[test]
fn a_wrong_key_or_value_is_named_with_its_layer() {
    insta::assert_snapshot!(
        [
            message(&with(&["http.lisen=127.0.0.1:1"], &[])),
            message(&with(&[], &[("WEIR_WORK__PACKAGE", "many")])),
            message(&with(&["judge.text_weight=1.5"], &[])),
            message(&with(&["http.listen=here"], &[])),
            message(&with(&["upload.max_size=big"], &[])),
            message(&with(&["nonsense"], &[])),
            message(&with(&["work.package=0"], &[])),
        ]
        .join("\n"),
        @r#"
    configuration: `http.lisen`: unknown field: found `lisen`, expected `one of `listen`, `header_timeout`, `body_timeout`, `max_header`, `max_connections`` (in `--set http.lisen`)
    configuration: `work.package`: invalid type: found string "many", expected usize (in environment `WEIR_WORK__PACKAGE`)
    configuration: `judge.text_weight` is 1.5; it takes 0 to 1
    configuration: `http.listen`: invalid socket address syntax (in `--set http.listen`)
    configuration: `upload.max_size`: invalid value string "big", expected parsable string (in `--set upload.max_size`)
    configuration: `--set nonsense` has no `=`; write `--set http.listen=127.0.0.1:8080`
    configuration: `work.package` is 0; it takes 1 or more
    "#
    );
}

#[test]
fn the_old_name_of_an_analysers_table_stands_for_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.toml");
    std::fs::write(&file, "[analyser.qwen2_vl_temporal]\nbatch = 4\nframes = 8\nretries = 1\n").unwrap();
    let environment = [("WEIR_ANALYSER__QWEN2_VL_TEMPORAL__MAX_SEGMENTS", "5")];
    let mut sources = with(&["analyser.qwen2_vl_temporal.retries=0"], &environment);
    sources.file = Some(file.clone());
    let config = load(&sources).unwrap();
    assert!(!config.analyser.contains_key("qwen2_vl_temporal"));
    let own = &config.analyser["temporal_description"];
    assert_eq!(own.batch, Some(4));
    let told = ["frames", "retries", "max_segments", "segment"].map(|key| own.options[key].to_string());
    assert_eq!(told, ["8", "0", "5", "\"60s\""], "of the file, the flag, the environment, the defaults");
    sources.set.push("analyser.temporal_description.frames=4".to_owned());
    assert_eq!(load(&sources).unwrap().analyser["temporal_description"].options["frames"], 4, "the later layer wins");
    std::fs::write(&file, "[analyser.qwen2_vl_temporal]\nframes = 8\n[analyser.temporal_description]\nframes = 4\n").unwrap();
    let error = message(&sources);
    let expected = "configuration: `analyser.qwen2_vl_temporal` is the old name of `analyser.temporal_description`";
    assert!(error.starts_with(expected) && error.contains("weir.toml"), "{error}");
}

#[test]
fn show_names_the_layer_and_hides_the_password() {
    let lines = show(&with(&["store=postgres://weir:secret@db/weir"], &[("WEIR_LOG__FILTER", "debug")])).unwrap();
    let all = lines.join("\n");
    assert!(all.contains("store = \"postgres://weir:****@db/weir\"  # `--set store`"), "{all}");
    assert!(all.contains("log.filter = \"debug\"  # environment `WEIR_LOG__FILTER`"), "{all}");
    assert!(all.contains("work.lease = \"30s\"  # default"), "{all}");
    assert!(!all.contains("secret"));
}
