//! ONNX Runtime: the library is loaded from the model directory, once per process.

use std::fmt::Display;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::ep::{CPU, CUDA, ExecutionProviderDispatch};
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::{Device, ModelError, ModelFiles, Running};

/// The registry entry of the library.
pub(super) const NAME: &str = "onnxruntime";

/// Since 1.29 the library of the official packages tells its makers over the network which models are opened, and how they run, and writes a
/// number for this machine into the user's cache. `1` in the environment before it is loaded is the only way to switch that off whole:
/// the call that `with_telemetry(false)` makes comes after the first message.
pub const TELEMETRY_OFF: &str = "ORT_DISABLE_TELEMETRY";

/// The process's environment. It is never dropped: the library's threads outlive every session.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads the library, the first time: `given`, or the registry's, whose digest is compared before.
pub(super) fn environment(files: &ModelFiles, given: Option<&Path>) -> Result<Environment, ModelError> {
    let mut slot = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = slot.as_ref() {
        return Ok(environment.clone());
    }
    if std::env::var_os(TELEMETRY_OFF).is_none_or(|value| value != "1") {
        let reason = format!("`{TELEMETRY_OFF}=1` is not in the environment, and without it the library calls its makers");
        return Err(ModelError::Load { name: NAME.to_owned(), reason });
    }
    let library = given.map_or_else(|| files.path(NAME), |given| Ok(given.to_owned()))?;
    let builder = ort::init_from(library).map_err(|error| load_error(NAME, &error))?;
    let built = builder.with_name("weir").with_telemetry(false).build();
    let environment = built.map_err(|error| load_error(NAME, &error))?;
    *slot = Some(environment.clone());
    Ok(environment)
}

/// Opens a model. On a GPU that is not there, or with a library that was built without CUDA, this is an error: nothing falls back to
/// the CPU unseen.
pub(super) fn open(environment: &Environment, name: &str, path: &Path, running: &Running) -> Result<Session, ModelError> {
    let builder = Session::builder(environment).map_err(|error| load_error(name, &error))?;
    let mut builder = configure(builder, running).map_err(|error| load_error(name, &error))?;
    builder.commit_from_file(path).map_err(|error| load_error(name, &error))
}

fn configure(builder: SessionBuilder, running: &Running) -> ort::Result<SessionBuilder> {
    Ok(builder
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(running.threads)?
        .with_inter_threads(1)?
        .with_deterministic_compute(true)?
        // Waiting threads sleep: several pools share the machine with ffmpeg.
        .with_config_entry("session.intra_op.allow_spinning", "0")?
        // The arena never gives memory back. Without it all models together take 0.7 instead of 1.1 GB, for 4 % of time (Whisper's
        // encoder: 40 %).
        .with_memory_pattern(false)?
        .with_execution_providers(providers(running.device))?
        .with_log_level(LogLevel::Fatal)?)
}

fn providers(device: Device) -> Vec<ExecutionProviderDispatch> {
    let cpu = CPU::default().with_arena_allocator(false).build();
    let Device::Cuda { index, memory_bytes } = device else { return vec![cpu] };
    let mut cuda = CUDA::default().with_device_id(index);
    if let Some(bytes) = memory_bytes.and_then(|bytes| usize::try_from(bytes).ok()) {
        cuda = cuda.with_memory_limit(bytes);
    }
    vec![cuda.build().error_on_failure(), cpu]
}

fn load_error(name: &str, error: &impl Display) -> ModelError {
    ModelError::Load { name: name.to_owned(), reason: error.to_string() }
}
