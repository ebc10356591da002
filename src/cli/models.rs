//! `weir models`: fetch, list, verify.

use std::path::Path;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Exit, Settings, complain, say};
use crate::infer::{FileState, ModelFiles, ModelKind, ModelState, pull};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Downloads, checks and converts what is missing.
    Pull {
        /// Only these [default: all].
        names: Vec<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Lists what weir can use, whether it is here, its size and its licence.
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Reads every file and checks its digest.
    Verify {
        #[command(flatten)]
        settings: Settings,
    },
    /// Prints where the first file of a model lies.
    Path {
        /// Its name.
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
}

pub(super) fn run(action: Action) -> Result<(), Exit> {
    match action {
        Action::Pull { names, settings } => {
            let folder = settings.load()?.models.dir;
            complain(&format!("models: into `{folder}`"));
            pull::pull(Path::new(&folder), &names, complain).map_err(|error| Exit::other(error.to_string()))
        }
        Action::List { settings } => {
            let files = ModelFiles::new(settings.load()?.models.dir);
            show(&files.list(), &files);
            Ok(())
        }
        Action::Verify { settings } => verify(&ModelFiles::new(settings.load()?.models.dir)),
        Action::Path { name, settings } => {
            let path = ModelFiles::new(settings.load()?.models.dir).path(&name);
            say(&path.map_err(|error| Exit::other(error.to_string()))?.display().to_string());
            Ok(())
        }
    }
}

fn verify(files: &ModelFiles) -> Result<(), Exit> {
    let style = ProgressStyle::with_template("{spinner} checking {msg}").map_err(|error| Exit::other(error.to_string()))?;
    let bar = ProgressBar::new_spinner().with_style(style);
    let states = files.verify(|name| {
        bar.set_message(name.to_owned());
        bar.tick();
    });
    bar.finish_and_clear();
    show(&states, files);
    let bad = states.iter().filter(|model| model.state != FileState::Here).count();
    match bad {
        0 => Ok(()),
        count => Err(Exit::other(format!("{count} of {} are missing or wrong; run weir models pull", states.len()))),
    }
}

fn show(models: &[ModelState], files: &ModelFiles) {
    say(&format!("{:<16} {:<8} {:>8}  {:<14} {}", "model", "state", "MiB", "licence", "what it is"));
    for model in models {
        let state = match model.state {
            FileState::Here => "here",
            FileState::Missing => "missing",
            FileState::Wrong => "WRONG",
        };
        let spec = &model.spec;
        let kind = if spec.kind == ModelKind::Runtime { " (runtime)" } else { "" };
        let mebibytes = spec.bytes() as f64 / f64::from(1 << 20);
        say(&format!("{:<16} {state:<8} {mebibytes:>8.1}  {:<14} {}{kind}", spec.name, spec.licence, spec.summary));
    }
    say(&format!("folder: {}", files.directory().display()));
}
