//! Logs and metrics of the process: standard error, `system_logs`, the Prometheus recorder.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::model::Micros;
use crate::store::{LogLine, SharedStore};

/// Lines that wait to be stored; more are dropped and counted.
const WAITING: usize = 1024;
/// Lines per write.
const BATCH: usize = 200;
const FLUSH: Duration = Duration::from_millis(500);
/// A message is cut to this many characters.
const MESSAGE_CHARS: usize = 2000;
/// What storing a line may itself log; it is not stored, or one line would make another for ever.
const OWN: [&str; 3] = ["weir::telemetry", "weir::store", "sqlx"];
const LATENCY_BUCKETS_S: [f64; 13] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 1800.0];

/// Installs the recorder that `metrics::counter!` and the others write to.
///
/// # Errors
/// When another one is installed.
pub fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS_S)?
        .install_recorder()?;
    metrics::describe_counter!("api_requests_total", "Requests answered, by method, path template and status.");
    metrics::describe_histogram!("api_request_duration_seconds", "Time until the answer's header, by method and path template.");
    metrics::describe_counter!("system_logs_dropped_total", "Log lines that were not stored because too many waited.");
    Ok(handle)
}

/// Folds what was recorded into the histograms now and then: without it they grow as long as nobody scrapes.
pub async fn keep_metrics(handle: PrometheusHandle, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => handle.run_upkeep(),
        }
    }
}

/// A tracing layer that keeps errors, warnings and weir's own information for `system_logs`.
pub struct StoredLogs {
    lines: mpsc::Sender<LogLine>,
    now: Arc<dyn Fn() -> Micros + Send + Sync>,
}

/// The other end of [`StoredLogs`]: give it a store once there is one.
pub struct LogWriter(mpsc::Receiver<LogLine>);

/// The layer and its writer. Lines logged before the writer runs wait, up to a bound.
pub fn stored_logs(now: impl Fn() -> Micros + Send + Sync + 'static) -> (StoredLogs, LogWriter) {
    let (lines, waiting) = mpsc::channel(WAITING);
    (StoredLogs { lines, now: Arc::new(now) }, LogWriter(waiting))
}

impl<S: Subscriber> Layer<S> for StoredLogs {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let meta = event.metadata();
        let source = meta.target();
        let own = OWN.iter().any(|own| source.starts_with(own));
        let wanted = *meta.level() <= Level::WARN || (*meta.level() == Level::INFO && source.starts_with("weir"));
        if own || !wanted {
            return;
        }
        let mut words = Words::default();
        event.record(&mut words);
        let line = LogLine {
            id: 0,
            timestamp: (self.now)().rfc3339(),
            level: meta.level().as_str().to_ascii_lowercase(),
            message: words.text(),
            source: source.to_owned(),
        };
        if self.lines.try_send(line).is_err() {
            metrics::counter!("system_logs_dropped_total").increment(1);
        }
    }
}

impl LogWriter {
    /// Stores lines in batches until `stop`, and what waits then.
    pub async fn run(mut self, store: SharedStore, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        while !stop.is_cancelled() {
            tokio::select! {
                count = self.0.recv_many(&mut batch, BATCH) => if count == 0 { return },
                () = stop.cancelled() => {}
            }
            write(&store, &mut batch).await;
            tokio::select! {
                () = tokio::time::sleep(FLUSH) => {}
                () = stop.cancelled() => {}
            }
        }
        self.0.close();
        while self.0.recv_many(&mut batch, BATCH).await > 0 {
            write(&store, &mut batch).await;
        }
    }
}

async fn write(store: &SharedStore, batch: &mut Vec<LogLine>) {
    if batch.is_empty() {
        return;
    }
    if let Err(error) = store.add_logs(batch).await {
        metrics::counter!("system_logs_dropped_total").increment(batch.len() as u64);
        tracing::warn!(%error, lines = batch.len(), "could not store log lines");
    }
    batch.clear();
}

/// The message of an event, and its fields behind it.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Words {
    fn text(self) -> String {
        (self.message + &self.fields).chars().take(MESSAGE_CHARS).collect()
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
