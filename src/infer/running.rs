//! On what, and within what, the models of one process run.

use std::path::PathBuf;
use std::str::FromStr;

/// Items of one run, where nothing else is said: what waits for an analyser is not more (see `stage::analyse::wire::WINDOW`).
const BATCH_MOST: usize = 4;

/// How the models of one process are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Threads per model, at least 1.
    pub threads: usize,
    /// What runs them.
    pub device: Device,
    /// Bytes of weights kept open at the same time; beyond them the model that was used longest ago goes. A model that is in use, or
    /// named in `pinned`, stays.
    pub limit_bytes: u64,
    /// Items of one run, at most.
    pub batch_most: usize,
    /// Memory that the process may take.
    pub memory_bytes: u64,
    /// ONNX Runtime's library, where it is not the registry's.
    pub library: Option<PathBuf>,
    /// Models that are never closed, by their names in the registry.
    pub pinned: Vec<String>,
}

impl Running {
    /// On the CPU, without a limit.
    pub fn on_cpu(threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            device: Device::Cpu,
            limit_bytes: u64::MAX,
            batch_most: BATCH_MOST,
            memory_bytes: u64::MAX,
            library: None,
            pinned: Vec::new(),
        }
    }
}

/// What runs models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// A GPU, through ONNX Runtime's CUDA provider.
    Cuda {
        /// Its number, as the driver counts.
        index: i32,
        /// Bytes of its memory that ONNX Runtime may take for one model.
        memory_bytes: Option<u64>,
    },
}

impl FromStr for Device {
    type Err = String;

    /// `cpu` or `cuda:N`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "cpu" {
            return Ok(Self::Cpu);
        }
        let index = text.strip_prefix("cuda:").and_then(|number| number.parse::<u16>().ok());
        let index = index.ok_or_else(|| format!("`{text}` is no device; it takes `cpu`, or `cuda:0` and so on"))?;
        Ok(Self::Cuda { index: index.into(), memory_bytes: None })
    }
}

impl Device {
    /// With a bound on a GPU's memory.
    #[must_use]
    pub fn within(self, bytes: u64) -> Self {
        match self {
            Self::Cpu => Self::Cpu,
            Self::Cuda { index, .. } => Self::Cuda { index, memory_bytes: Some(bytes) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_cpu_and_numbered_gpus() {
        assert_eq!("cpu".parse(), Ok(Device::Cpu));
        assert_eq!(
            "cuda:1".parse::<Device>().map(|device| device.within(5)),
            Ok(Device::Cuda { index: 1, memory_bytes: Some(5) })
        );
        for bad in ["", "cuda", "cuda:", "cuda:-1", "gpu:0", "CPU"] {
            assert!(bad.parse::<Device>().is_err(), "{bad}");
        }
    }
}
