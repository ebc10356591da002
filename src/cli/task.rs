//! `weir task`: what is being done, and driving it.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::{Client, exit_of};
use super::{Exit, Settings, say};
use crate::model::TaskId;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// A server to ask instead of the one on DIR, for example http://127.0.0.1:8080.
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    /// Its API key.
    #[arg(long, value_name = "KEY", global = true)]
    api_key: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists tasks, newest first.
    List {
        /// waiting, ready, running, done, dead or cancelled.
        #[arg(long)]
        state: Option<crate::model::TaskState>,
        /// probe, package, analyse, judge, purge or collect.
        #[arg(long)]
        kind: Option<crate::model::TaskKind>,
    },
    /// Shows one task (JSON).
    Show {
        /// Its id.
        id: TaskId,
    },
    /// Runs a dead or cancelled task again.
    Retry {
        /// Its id.
        id: TaskId,
    },
    /// Asks a task to stop.
    Cancel {
        /// Its id.
        id: TaskId,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Exit> {
    let local = crate::app::Local::reach(arguments.settings.load()?, arguments.server.is_some()).await?;
    let client = match (&arguments.server, &local) {
        (Some(server), _) => Client::http(server, arguments.api_key.clone())?,
        (None, Some(local)) => Client::unix(local.socket())?,
        (None, None) => return Err(Exit::other("no server and no data folder to ask")),
    };
    let result = act(&client, &arguments.action).await;
    if let Some(local) = local {
        local.stop().await;
    }
    result.map_err(|error| exit_of(&error))
}

async fn act(client: &Client, action: &Action) -> anyhow::Result<()> {
    match action {
        Action::List { state, kind } => list(client, state.map(|state| state.as_str()), kind.map(|kind| kind.as_str())).await,
        Action::Show { id } => show(&client.get(&format!("/tasks/{id}")).await?),
        Action::Retry { id } => show(&client.post(&format!("/tasks/{id}/retry")).await?),
        Action::Cancel { id } => show(&client.post(&format!("/tasks/{id}/cancel")).await?),
    }
}

fn show(task: &Value) -> anyhow::Result<()> {
    say(&serde_json::to_string_pretty(task)?);
    Ok(())
}

async fn list(client: &Client, state: Option<&str>, kind: Option<&str>) -> anyhow::Result<()> {
    let query = format!("limit=200&state={}&kind={}", state.unwrap_or_default(), kind.unwrap_or_default());
    let query: Vec<&str> = query.split('&').filter(|part| !part.ends_with('=')).collect();
    let page = client.get(&format!("/tasks?{}", query.join("&"))).await?;
    let rows = page["items"].as_array().cloned().unwrap_or_default();
    say(&format!("{:<30} {:<8} {:<9} {:>4} {:>5}  {:<30} {}", "task", "kind", "state", "try", "done", "video", "error"));
    for row in &rows {
        let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
        let percent = row["progress"].as_f64().unwrap_or(0.0) * 100.0;
        say(&format!(
            "{:<30} {:<8} {:<9} {:>4} {:>4.0}%  {:<30} {}",
            text("id"),
            text("kind"),
            text("state"),
            row["attempt"],
            percent,
            text("video"),
            text("error"),
        ));
    }
    if rows.is_empty() {
        say("no tasks");
    }
    Ok(())
}
