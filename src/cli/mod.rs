//! The command line: parse, load the configuration, do it. Exit codes: 0 done, 2 bad use, 3 unsupported or broken media, 1 else.

mod analyse;
mod client;
mod ingest;
mod models;
mod task;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, Sources};

/// A self-hosted video platform: what goes in comes out playable, understood and judged.
#[derive(Debug, Parser)]
#[command(
    name = "weir",
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  weir serve --data ./data\n  weir ingest holiday.mp4 --data ./data --wait --json\n  weir analyse talk.flac --json -\n  weir models pull"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where settings come from.
#[derive(Debug, Args, Clone)]
pub struct Settings {
    /// Folder of the installation [default: data].
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// Configuration file [default: weir.toml, if it is there].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Any key of the configuration, for example `http.listen=127.0.0.1:9000`. May be given many times.
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    set: Vec<String>,
}

impl Settings {
    fn sources(&self) -> Sources {
        Sources { file: self.config.clone(), data: self.data.clone(), set: self.set.clone(), ..Sources::of_process() }
    }

    fn load(&self) -> Result<Config, Exit> {
        config::load(&self.sources()).map_err(|error| Exit::bad_use(error.to_string()))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the server: API, playback, dashboard and work.
    #[command(
        after_help = "Examples:\n  weir serve\n  weir serve --data /srv/weir --set http.listen=127.0.0.1:9000\n  WEIR_LOG__FILTER=debug weir serve"
    )]
    Serve {
        #[command(flatten)]
        settings: Settings,
    },
    /// Puts files in, and waits for them if asked to.
    #[command(
        after_help = "Examples:\n  weir ingest holiday.mp4 --wait\n  weir ingest ./films --data /srv/weir --wait --json > results.jsonl\n  weir ingest talk.mp4 --server http://127.0.0.1:8080 --api-key KEY --watch --wait\n\nWith no server on DIR the command does the work itself; with one it talks to it through DIR/weir.sock."
    )]
    Ingest(ingest::Arguments),
    /// Looks at one media file, without a server.
    #[command(
        after_help = "Examples:\n  weir analyse talk.flac --json -\n  weir analyse film.mp4 --analysers cut_analysis,text_overlay --json film.json\n  weir analyse one.mp4 two.mp4 --json all.jsonl"
    )]
    Analyse(analyse::Arguments),
    /// Model files: fetch, list, verify, carry to other machines.
    #[command(
        subcommand,
        after_help = "Examples:\n  weir models pull\n  weir models list\n  weir models verify\n  weir models export models.tar\n  weir models import models.tar"
    )]
    Models(models::Action),
    /// Checks or shows the configuration.
    #[command(
        subcommand,
        after_help = "Examples:\n  weir config check --config weir.toml\n  weir config show --set work.package=2"
    )]
    Config(ConfigAction),
    /// Tasks: list, show, retry, cancel.
    #[command(
        after_help = "Examples:\n  weir task list --state dead\n  weir task show task-0123456789abcdef01234567\n  weir task retry task-0123456789abcdef01234567"
    )]
    Task(task::Arguments),
    /// Prints the HTTP API's description (OpenAPI, JSON).
    Openapi,
    /// Runs an analyser pool; weir starts it by itself.
    #[command(hide = true)]
    Pool {
        /// Name of the pool.
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigAction {
    /// Reads every layer and checks every value; opens nothing.
    Check {
        #[command(flatten)]
        settings: Settings,
    },
    /// Prints every value and where it came from.
    Show {
        #[command(flatten)]
        settings: Settings,
    },
}

/// Why the program ends otherwise than well.
#[derive(Debug)]
pub struct Exit {
    code: u8,
    message: String,
}

impl Exit {
    fn bad_use(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    fn media(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }

    fn other(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }
}

impl From<anyhow::Error> for Exit {
    fn from(error: anyhow::Error) -> Self {
        Self::other(format!("{error:#}"))
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            if !exit.message.is_empty() {
                complain(&format!("weir: {}", exit.message));
            }
            ExitCode::from(exit.code)
        }
    }
}

fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Serve { settings } => {
            let config = settings.load()?;
            block_on(async { crate::app::serve(config).await.map_err(Exit::from) })
        }
        Command::Ingest(arguments) => block_on(ingest::run(arguments)),
        Command::Analyse(arguments) => block_on(analyse::run(arguments)),
        Command::Models(action) => models::run(action),
        Command::Config(ConfigAction::Check { settings }) => {
            crate::app::check(&settings.load()?).map_err(|error| Exit::bad_use(format!("{error:#}")))?;
            say("configuration: ok");
            Ok(())
        }
        Command::Config(ConfigAction::Show { settings }) => {
            let lines = config::show(&settings.sources()).map_err(|error| Exit::bad_use(error.to_string()))?;
            say(&lines.join("\n"));
            Ok(())
        }
        Command::Task(arguments) => block_on(task::run(arguments)),
        Command::Openapi => {
            say(crate::serve::openapi::openapi_json().trim_end());
            Ok(())
        }
        Command::Pool { settings, name } => Ok(crate::app::run_pool(&settings.load()?, &name)?),
    }
}

fn block_on(work: impl Future<Output = Result<(), Exit>>) -> Result<(), Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Exit::other(format!("could not start: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    result
}

/// Writes a line to standard output; a closed pipe is no error.
fn say(line: &str) {
    let _closed = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes a line to standard error.
fn complain(line: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in
            Cli::command().get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "openapi")
        {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:"), "{}", command.get_name());
        }
    }
}
