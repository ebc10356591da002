use std::sync::Arc;

use proptest::prelude::*;

use super::super::Registry;
use super::*;

/// SHA-256 of `abc`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn files(directory: &Path) -> ModelFiles {
    let model = |name: &str, files: &[(&str, &str, usize)]| {
        let head = format!(
            "[[model]]\nname = '{name}'\nkind = 'model'\nconversion = 'none'\nsummary = 's'\nlicence = 'MIT'\nlicence_read = 'r'\nlimits = 'l'\npackage = []\n"
        );
        let file = |(name, digest, bytes): &(&str, &str, usize)| {
            format!("[[model.file]]\nname = '{name}'\nsha256 = '{digest}'\nbytes = {bytes}\n")
        };
        head + &files.iter().map(file).collect::<String>()
    };
    let de = hex::encode(Sha256::digest(b"de"));
    let text = format!(
        "version = 1\n{}{}{}",
        model("one", &[("a.onnx", ABC, 3)]),
        model("two", &[("b.onnx", &de, 2), ("c.json", ABC, 3)]),
        model("absent", &[("d.onnx", ABC, 3)])
    );
    ModelFiles::with_registry(directory, Arc::new(Registry::parse(&text).unwrap()))
}

fn filled(directory: &Path) -> ModelFiles {
    for (path, content) in [("one/a.onnx", "abc"), ("two/b.onnx", "de"), ("two/c.json", "abc")] {
        let place = directory.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
    }
    files(directory)
}

/// An entry: kind, path as it stands there, content.
type Made<'a> = (EntryType, &'a str, &'a [u8]);

/// An archive of these entries.
fn archive(folder: &Path, entries: &[Made]) -> PathBuf {
    let path = folder.join("made.tar");
    let mut builder = Builder::new(File::create(&path).unwrap());
    for (kind, name, content) in entries {
        let mut header = Header::new_gnu();
        // `set_path` would refuse what an attacker writes.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if *kind == EntryType::Symlink {
            header.as_gnu_mut().unwrap().linkname[..4].copy_from_slice(b"/etc");
        }
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.finish().unwrap();
    path
}

fn everything_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(everything_below(&entry.path()));
        } else {
            found.push(entry.path().display().to_string());
        }
    }
    found.sort();
    found
}

#[test]
fn what_goes_out_comes_in() {
    let (from, to, stick) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut heard = Vec::new();
    let out = export(&filled(from.path()), &[], stick.path(), |progress| heard.push(progress.clone())).unwrap();
    assert_eq!(
        (out.archive, out.models.as_slice(), out.bytes),
        (stick.path().join(DEFAULT_NAME), ["one", "two"].map(str::to_owned).as_slice(), 8)
    );
    assert_eq!(
        heard.iter().map(|progress| (progress.file.as_str(), progress.done, progress.total)).collect::<Vec<_>>(),
        [("one/a.onnx", 0, 8), ("two/b.onnx", 3, 8), ("two/c.json", 5, 8)]
    );
    let target = files(&to.path().join("deeper"));
    let carried = import(&target, &stick.path().join(DEFAULT_NAME), |_| ()).unwrap();
    assert_eq!((carried.models.as_slice(), carried.bytes), (["one", "two"].map(str::to_owned).as_slice(), 8));
    assert_eq!(target.read("two", "c.json").unwrap(), b"abc");
    assert!(target.has("one") && target.has("two") && !target.has("absent"));
    assert_eq!(everything_below(to.path()).len(), 3, "no temporary file is left");
    let mode = fs::metadata(target.path("one").unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "a service of another user reads it");
}

#[test]
fn the_same_files_give_the_same_archive_and_other_programs_read_it() {
    let (from, stick) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = filled(from.path());
    let names = ["two".to_owned()];
    let (first, second) = (stick.path().join("1.tar"), stick.path().join("2.tar"));
    for path in [&first, &second] {
        assert_eq!(export(&files, &names, path, |_| ()).unwrap().models, names);
    }
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    let mut tar = Archive::new(File::open(&first).unwrap());
    let mut entries = tar.entries().unwrap();
    let mut index = entries.next().unwrap().unwrap();
    let index: serde_json::Value = serde_json::from_reader(&mut index).unwrap();
    assert_eq!(index["format"], FORMAT);
    assert_eq!(index["files"][1], serde_json::json!({"model": "two", "file": "c.json", "sha256": ABC, "bytes": 3}));
    assert_eq!(entries.count(), 2);
}

#[test]
fn only_what_is_here_and_right_goes_out() {
    let (from, stick) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = filled(from.path());
    let target = stick.path().join("a.tar");
    let error = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        export(&files, &names, &target, |_| ()).unwrap_err().to_string()
    };
    assert_eq!(error(&["one", "absent"]), "model absent is not here; run weir models pull");
    assert!(error(&["three"]).starts_with("model `three` is not in the registry; known: one"));
    fs::write(from.path().join("one/a.onnx"), "abd").unwrap();
    assert!(error(&["one"]).contains("`a.onnx` has SHA-256"));
    assert!(everything_below(stick.path()).is_empty(), "an archive appears whole or not at all");
    let empty = tempfile::tempdir().unwrap();
    let nothing = export(&self::files(empty.path()), &[], &target, |_| ()).unwrap_err();
    assert_eq!(nothing.to_string(), "no model file is here; run weir models pull");
}

#[test]
fn hostile_archives_write_nothing() {
    use EntryType::{Directory, Link, Regular, Symlink};
    let good: Made = (Regular, "one/a.onnx", b"abc");
    let cases: [(&[Made], &str); 12] = [
        (&[good, (Regular, "../evil", b"abc")], "model `..` is not in the registry"),
        (&[good, (Regular, "/etc/evil", b"abc")], "model `` is not in the registry"),
        (&[good, (Regular, "one/../two/b.onnx", b"de")], "model `one/../two/b.onnx` is not in the registry"),
        (&[good, (Regular, "one/./a.onnx", b"abc")], "model `one/./a.onnx` is not in the registry"),
        (&[good, (Regular, "evil", b"abc")], "`MODEL/FILE` is expected"),
        (&[good, (Regular, "three/a.onnx", b"abc")], "model `three` is not in the registry"),
        (&[good, (Symlink, "two", b"")], "links and folders are not taken"),
        (&[good, (Link, "two/b.onnx", b"")], "links and folders are not taken"),
        (&[good, (Directory, "two/", b"")], "links and folders are not taken"),
        (&[good, (Regular, "two/b.onnx", b"def")], "it has 3 bytes, the registry says 2"),
        (&[good, (Regular, "two/b.onnx", b"d")], "it has 1 bytes, the registry says 2"),
        (&[good, good], "it stands twice"),
    ];
    for (entries, expected) in cases {
        let (to, stick) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made = archive(stick.path(), entries);
        let error = import(&files(to.path()), &made, |_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(everything_below(to.path()).is_empty(), "{expected}: the names are looked at before the first byte is written");
    }
}

#[test]
fn other_bytes_of_the_right_size_are_refused_and_leave_the_old_file() {
    let (to, stick) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = filled(to.path());
    let made = archive(stick.path(), &[(EntryType::Regular, "one/a.onnx", b"abd")]);
    let error = import(&files, &made, |_| ()).unwrap_err().to_string();
    assert!(error.contains("it has SHA-256 a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"), "{error}");
    assert_eq!(files.read("one", "a.onnx").unwrap(), b"abc");
    assert_eq!(everything_below(to.path()).len(), 3, "no temporary file is left");
}

#[test]
fn an_index_too_long_to_be_one_is_refused() {
    let (to, stick) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let long = vec![b' '; INDEX_MAX_BYTES as usize + 1];
    let made = archive(stick.path(), &[(EntryType::Regular, INDEX, &long)]);
    assert!(import(&files(to.path()), &made, |_| ()).unwrap_err().to_string().contains("an index has at most"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Cut anywhere or with any byte changed, an archive brings only right files, or none.
    #[test]
    fn damaged_archives_bring_no_wrong_file(cut in 0_usize..6000, place in 0_usize..6000, value in any::<u8>()) {
        let (from, to, stick) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made = stick.path().join("a.tar");
        export(&filled(from.path()), &[], &made, |_| ()).unwrap();
        let mut bytes = fs::read(&made).unwrap();
        if let Some(byte) = bytes.get_mut(place) {
            *byte = value;
        }
        bytes.truncate(cut.max(512));
        fs::write(&made, bytes).unwrap();
        let files = files(to.path());
        let result = import(&files, &made, |_| ());
        for path in everything_below(to.path()) {
            let content = fs::read(&path).unwrap();
            prop_assert!(content == b"abc" || content == b"de", "{path}: {content:?} ({result:?})");
        }
    }
}
