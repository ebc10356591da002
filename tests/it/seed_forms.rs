//! The seeds' forms that stay, from a machine-readable list.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::program::{NO_ANALYSIS, Server, ffmpeg, run};

#[derive(Deserialize)]
struct Forms {
    routes: Vec<String>,
    columns: std::collections::BTreeMap<String, Vec<String>>,
    settings: std::collections::BTreeMap<String, toml::Value>,
    metrics: Metrics,
}

#[derive(Deserialize)]
struct Metrics {
    names: Vec<String>,
}

fn forms() -> Forms {
    toml::from_str(include_str!("seed-forms.toml")).unwrap()
}

#[test]
fn routes_are_in_the_api_description() {
    let document: Value = serde_json::from_slice(&run(&["openapi"]).stdout).unwrap();
    for route in forms().routes {
        let (method, path) = route.split_once(' ').unwrap();
        assert!(document["paths"][path][method.to_lowercase()].is_object(), "{route}");
    }
}

#[test]
fn settings_have_the_seeds_defaults() {
    let defaults: toml::Table = weir::config::DEFAULTS.parse().unwrap();
    for (key, wanted) in forms().settings {
        let (table, name) = key.split_once('.').unwrap();
        assert_eq!(defaults[table][name], wanted, "{key}");
    }
}

#[tokio::test]
async fn columns_and_metrics_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast"], &clip);
    let settings: Vec<&str> = NO_ANALYSIS.iter().copied().chain(["metrics.on_api=true"]).collect();
    let server = Server::start(&settings);
    let id = server.upload(&clip, "seed").await;
    server.settled(&id, Duration::from_secs(60)).await;

    let database = format!("sqlite:{}?mode=ro", server.data.join("weir.db").display());
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    for (table, columns) in forms().columns {
        let query = format!("SELECT name FROM pragma_table_info('{table}')");
        let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&pool).await.unwrap();
        for column in columns {
            assert!(found.contains(&column), "`{table}` has no `{column}`; it has {found:?}");
        }
    }

    let wanted = forms().metrics.names;
    for attempt in 0.. {
        let text = reqwest::get(format!("{}/metrics", server.url)).await.unwrap().text().await.unwrap();
        let missing: Vec<&String> = wanted.iter().filter(|name| !text.contains(&format!("# TYPE {name} "))).collect();
        if missing.is_empty() {
            break;
        }
        assert!(attempt < 50, "not in /metrics: {missing:?}\n{text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
