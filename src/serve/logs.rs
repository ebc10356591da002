//! `system_logs` over HTTP.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ctx;
use super::error::{Answer, ProblemBody};
use super::extract::{Args, limit_of};
use super::wire::List;
use crate::store::LogLine;

/// How bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something broke.
    Error,
    /// Something is not as it should be.
    Warn,
    /// Something happened.
    #[default]
    Info,
}

impl LogLevel {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogArgs {
    /// This bad and worse; all unless said.
    level: Option<LogLevel>,
    /// Older than the line with this id.
    before: Option<i64>,
    /// Lines, 1 to 200; 50 unless said.
    limit: Option<u32>,
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogAnswer {
    /// Grows with time.
    pub id: i64,
    /// RFC 3339.
    pub timestamp: String,
    /// `error`, `warn` or `info`.
    pub level: String,
    /// What happened.
    pub message: String,
    /// Module.
    pub source: String,
}

impl From<LogLine> for LogAnswer {
    fn from(line: LogLine) -> Self {
        Self { id: line.id, timestamp: line.timestamp, level: line.level, message: line.message, source: line.source }
    }
}

/// Log lines, newest first.
#[utoipa::path(
    get, path = "/logs", tag = "overview", params(LogArgs),
    extensions(("x-weir-role" = json!("admin"))),
    responses((status = 200, body = List<LogAnswer>), (status = 400, body = ProblemBody))
)]
pub async fn logs(State(server): Ctx, Args(args): Args<LogArgs>) -> Answer<Json<List<LogAnswer>>> {
    let level = args.level.unwrap_or_default().word();
    let lines = server.app.store.logs(level, args.before, limit_of(args.limit, 50, 200)).await?;
    Ok(Json(List::whole(lines.into_iter().map(LogAnswer::from).collect())))
}
