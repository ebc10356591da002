//! The project's own rules, as tests.

use std::path::{Path, PathBuf};

/// What each module may use, as in `docs/ARCHITECTURE.md`. Tests inside modules keep it too.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("media", &["model"]),
    ("infer", &["model"]),
    ("blob", &["model"]),
    ("broker", &["model"]),
    ("store", &["model"]),
    ("source", &["model", "blob", "broker", "media", "store"]),
    ("analyser", &["model", "media", "infer"]),
    ("safety", &["model", "infer"]),
    ("stage", &["model", "blob", "media", "infer", "analyser", "safety", "store"]),
    ("work", &["model", "blob", "media", "stage", "store"]),
    ("relay", &["model", "broker", "store"]),
    ("serve", &["model", "blob", "broker", "source", "safety", "store"]),
    ("telemetry", &["model", "store"]),
    ("config", &["model"]),
];

const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "node_modules" | "dist" | ".git" | "data") {
                found.extend(files(&path, endings));
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every `crate::NAME` of a text.
fn used(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.match_indices("crate::").map(|(at, found)| line[at + found.len()..].to_owned()).collect::<Vec<_>>())
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect())
        .filter(|name: &String| !name.is_empty())
        .collect()
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for (module, allowed) in MAY_USE {
        let folder = root().join("src").join(module);
        let mut sources = files(&folder, &[".rs"]);
        sources.extend(Some(root().join(format!("src/{module}.rs"))).filter(|path| path.is_file()));
        assert!(!sources.is_empty(), "module `{module}` of the table is not there");
        for path in sources {
            let text = std::fs::read_to_string(&path).unwrap();
            for name in used(&text) {
                if name != *module && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{}: uses `{name}`", path.strip_prefix(root()).unwrap().display()));
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "against the table:\n{}", wrong.join("\n"));
}

#[test]
fn a_stage_never_records() {
    for path in files(&root().join("src/stage"), &[".rs"]) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("store::Record") && !text.contains("SharedStore"), "{}", path.display());
    }
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for folder in ["src", "tests", "web/src", "web/e2e", "scripts", "bench"] {
        for path in files(&root().join(folder), &[".rs", ".ts", ".tsx", ".py", ".sh", ".css"]) {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            if lines > LINES_MAX && !path.to_string_lossy().ends_with(".gen.ts") {
                long.push(format!("{}: {lines} lines", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(long.is_empty(), "over {LINES_MAX} lines; split by what they do:\n{}", long.join("\n"));
}

#[test]
fn every_module_says_what_it_is() {
    for path in files(&root().join("src"), &[".rs"]) {
        let text = std::fs::read_to_string(&path).unwrap();
        let is_test = path.ends_with("tests.rs") || path.to_string_lossy().contains("/tests/");
        assert!(is_test || text.starts_with("//!"), "{} has no `//!` line", path.display());
        assert!(!path.ends_with("utils.rs"), "name it after what it does: {}", path.display());
    }
}

#[test]
fn migrations_of_both_databases_have_the_same_names() {
    let names = |database: &str| -> Vec<String> {
        let found = files(&root().join("migrations").join(database), &[".sql"]);
        found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn the_lockfiles_name_no_registry_host() {
    let lock = std::fs::read_to_string(root().join("web/package-lock.json")).unwrap();
    assert!(
        !lock.contains("\"resolved\": \"http"),
        "web/package-lock.json names a host; install with omit-lockfile-registry-resolved"
    );
}

#[test]
fn the_table_in_the_documentation_is_the_one_above() {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for (module, allowed) in MAY_USE {
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(" ") };
        let row = text.lines().find(|line| line.starts_with(&format!("| `{module}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/ARCHITECTURE.md has no row for `{module}`"));
        assert!(row.trim_end().ends_with(&format!("| {allowed} |")), "row of `{module}` should end with `| {allowed} |`: {row}");
    }
}

#[test]
fn every_analyser_has_its_table_in_the_manual() {
    let manual = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.default.toml")).unwrap();
    let tables: Vec<&str> = manual.lines().filter_map(|line| line.strip_prefix("[analyser.")?.strip_suffix(']')).collect();
    assert_eq!(tables, weir::analyser::names());
}

#[test]
fn the_manual_says_what_holds_where_nothing_is_said() {
    let config = weir::config::load(&weir::config::Sources::default()).unwrap();
    let said = config.analyser.into_iter().map(|(name, own)| (name, own.options));
    let said = weir::analyser::all(&weir::analyser::Options(said.collect())).unwrap();
    let usual = weir::analyser::all(&weir::analyser::Options::default()).unwrap();
    for (said, usual) in said.iter().zip(&usual) {
        assert_eq!((said.spec(), said.parameters()), (usual.spec(), usual.parameters()));
    }
}
