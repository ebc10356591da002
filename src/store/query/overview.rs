//! Figures for the overview page, each from an index.

use std::collections::BTreeMap;

use super::super::Overview;
use super::super::sql::{Done, Row, Tx};
use super::{Conditions, video};
use crate::model::Micros;

/// How far back the rates go.
const MINUTES: i64 = 60;
const MINUTE_US: i64 = 60_000_000;
/// Decided videos that are shown.
const LATEST: i64 = 20;

pub(super) async fn overview(tx: &mut Tx) -> Done<Overview> {
    let by_status =
        counts(tx, "SELECT status, COUNT(*) FROM videos WHERE deleted_at IS NULL GROUP BY status ORDER BY status").await?;
    let by_decision =
        counts(tx, "SELECT decision, COUNT(*) FROM videos WHERE deleted_at IS NULL GROUP BY decision ORDER BY decision").await?;
    let by_analysis =
        counts(tx, "SELECT analysis, COUNT(*) FROM videos WHERE deleted_at IS NULL GROUP BY analysis ORDER BY analysis").await?;
    let sum = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM contents";
    let original_bytes = tx.fetch_one(sum, &[]).await?.int()?;
    let decided = Conditions::new("deleted_at IS NULL AND decided_at IS NOT NULL");
    Ok(Overview {
        videos: by_status.iter().map(|(_, count)| count).sum(),
        by_status,
        by_decision,
        by_analysis,
        queue: queue(tx).await?,
        per_minute: per_minute(tx).await?,
        original_bytes,
        latest: video::page_of(tx, &decided, "decided_at DESC, id DESC", LATEST).await?,
    })
}

async fn counts(tx: &mut Tx, sql: &'static str) -> Done<Vec<(String, i64)>> {
    let read = |mut row: Row| Ok((row.text()?, row.int()?));
    tx.fetch(sql, &[]).await?.into_iter().map(read).collect()
}

async fn queue(tx: &mut Tx) -> Done<Vec<(String, String, i64, i64)>> {
    let now = tx.now().await?;
    let rows = tx
        .fetch(
            "SELECT kind, state, COUNT(*), MIN(created_at) FROM tasks WHERE ended_at IS NULL GROUP BY kind, state ORDER BY kind, state",
            &[],
        )
        .await?;
    let read = |mut row: Row| Ok((row.text()?, row.text()?, row.int()?, now.ms_since(row.at()?)));
    rows.into_iter().map(read).collect()
}

/// Every minute of the last hour, the current one last.
async fn per_minute(tx: &mut Tx) -> Done<Vec<(String, i64, i64, i64, i64)>> {
    let this_minute = tx.now().await?.0 / MINUTE_US;
    let first = this_minute - MINUTES + 1;
    let mut rates = [const { BTreeMap::new() }; 4];
    let statements = [
        "SELECT uploaded_at / 60000000 AS minute, COUNT(*) FROM videos
          WHERE deleted_at IS NULL AND uploaded_at IS NOT NULL AND uploaded_at >= $1 GROUP BY minute",
        "SELECT completed_at / 60000000 AS minute, COUNT(*) FROM videos
          WHERE deleted_at IS NULL AND completed_at IS NOT NULL AND completed_at >= $1 AND status = 'ready' GROUP BY minute",
        "SELECT analysed_at / 60000000 AS minute, COUNT(*) FROM videos
          WHERE deleted_at IS NULL AND analysed_at IS NOT NULL AND analysed_at >= $1 GROUP BY minute",
        "SELECT decided_at / 60000000 AS minute, COUNT(*) FROM videos
          WHERE deleted_at IS NULL AND decided_at IS NOT NULL AND decided_at >= $1 GROUP BY minute",
    ];
    for (statement, counts) in statements.into_iter().zip(&mut rates) {
        for mut row in tx.fetch(statement, &[(first * MINUTE_US).into()]).await? {
            counts.insert(row.int()?, row.int()?);
        }
    }
    let of = |counts: &BTreeMap<i64, i64>, minute| counts.get(&minute).copied().unwrap_or(0);
    let [uploaded, packaged, analysed, decided] = &rates;
    let line = |minute: i64| {
        let begin = Micros(minute * MINUTE_US).rfc3339();
        (begin, of(uploaded, minute), of(packaged, minute), of(analysed, minute), of(decided, minute))
    };
    Ok((first..=this_minute).map(line).collect())
}
