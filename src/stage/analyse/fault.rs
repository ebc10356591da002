//! Faults on purpose, for drills: an analyser that crashes, hangs, takes memory or fails at a given time of the medium.

use std::time::Duration;

/// How it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The process ends, as by a fault in native code.
    Crash,
    /// It says nothing any more.
    Hang,
    /// It takes memory until somebody ends it.
    Allocate,
    /// The analyser answers an error.
    Fail,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which analyser.
    pub analyser: String,
    /// At its first sample that is not before this time of the medium, milliseconds.
    pub at_ms: i64,
    /// How.
    pub kind: FaultKind,
}

/// Bytes taken at a time.
const TAKEN: usize = 64 << 20;

/// The faults of an analyser that are due at `time_ms` happen.
///
/// # Errors
/// Of the kind `Fail`.
pub(super) fn strike(faults: &[Fault], time_ms: i64) -> anyhow::Result<()> {
    for fault in faults.iter().filter(|fault| time_ms >= fault.at_ms) {
        match fault.kind {
            FaultKind::Fail => anyhow::bail!("a fault on purpose"),
            FaultKind::Crash => std::process::abort(),
            FaultKind::Hang => std::thread::sleep(Duration::from_hours(24)),
            FaultKind::Allocate => allocate(),
        }
    }
    Ok(())
}

fn allocate() {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; TAKEN]);
        std::hint::black_box(&taken);
        // The watch looks several times a second.
        std::thread::sleep(Duration::from_millis(20));
    }
}
