//! `weir models`: fetch, list, verify, measure, carry to other machines.

mod measure;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Exit, Settings, complain, say};
use crate::infer::carry::{self, Carried, CarryError, Progress};
use crate::infer::{FileState, ModelFiles, ModelKind, ModelState, Models, pull};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Writes model files into one archive, for machines without Python or npm.
    #[command(
        after_help = "Examples:\n  weir models export /media/stick\n  weir models export models.tar onnxruntime nanodet ppocr_det ppocr_rec\n\nOn the other machine: weir models import models.tar"
    )]
    Export {
        /// The archive to write, or a folder for `weir-models.tar`.
        #[arg(value_name = "FILE|DIR")]
        target: PathBuf,
        /// Only these [default: all that are here].
        names: Vec<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Takes model files from an archive; each must have the digest that this program knows.
    #[command(
        after_help = "Examples:\n  weir models import /media/stick/weir-models.tar\n  weir models import models.tar --data /srv/weir"
    )]
    Import {
        /// An archive of `weir models export`.
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Opens and runs models, and says what that costs here; the model cards show it.
    #[command(
        after_help = "Examples:\n  weir models measure nanodet\n  weir models measure nanodet --into models/measured.json\n\nMemory is right only of one model in a process: `make bench-models` runs one for each."
    )]
    Measure {
        /// Which.
        #[arg(required = true)]
        names: Vec<String>,
        /// A JSON file to put the figures into, beside those of other models.
        #[arg(long, value_name = "FILE")]
        into: Option<PathBuf>,
        /// Threads per model.
        #[arg(long, default_value_t = 2)]
        threads: usize,
        #[command(flatten)]
        settings: Settings,
    },
    /// Downloads, checks and converts what is missing.
    Pull {
        /// Only these [default: all that are not optional].
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
        Action::Export { target, names, settings } => {
            let files = ModelFiles::new(settings.load()?.models.dir);
            carried("exported", |progress| carry::export(&files, &names, &target, progress))
        }
        Action::Import { file, settings } => {
            let files = ModelFiles::new(settings.load()?.models.dir);
            complain(&format!("models: into `{}`", files.directory().display()));
            carried("imported", |progress| carry::import(&files, &file, progress))
        }
        Action::Measure { names, into, threads, settings } => {
            let models = Models::open(settings.load()?.models.dir, threads);
            measure::run(&models, &names, threads, into.as_deref())
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

/// Exports or imports, with a bar where someone watches, and says what was done.
fn carried(done: &str, work: impl FnOnce(&mut dyn FnMut(&Progress)) -> Result<Carried, CarryError>) -> Result<(), Exit> {
    let style =
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}").map_err(|error| Exit::other(error.to_string()))?;
    let bar = ProgressBar::new(0).with_style(style);
    let result = work(&mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(progress.file.clone());
    });
    bar.finish_and_clear();
    let carried = result.map_err(|error| Exit::other(error.to_string()))?;
    let mebibytes = carried.bytes as f64 / f64::from(1 << 20);
    say(&format!("{done} {} models, {mebibytes:.1} MiB: {}", carried.models.len(), carried.models.join(", ")));
    say(&format!("archive: {}", carried.archive.display()));
    Ok(())
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
    let is_bad = |model: &&ModelState| match model.state {
        FileState::Here => false,
        FileState::Missing => !model.spec.optional,
        FileState::Wrong => true,
    };
    let bad = states.iter().filter(is_bad).count();
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
        let kind = match spec.kind {
            ModelKind::Runtime => " (runtime)",
            _ if spec.optional => " (optional: pulled when named)",
            _ => "",
        };
        let mebibytes = spec.bytes() as f64 / f64::from(1 << 20);
        say(&format!("{:<16} {state:<8} {mebibytes:>8.1}  {:<14} {}{kind}", spec.name, spec.licence, spec.summary));
    }
    say(&format!("folder: {}", files.directory().display()));
}
