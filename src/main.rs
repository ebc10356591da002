//! The `weir` program.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[expect(unsafe_code, reason = "the environment is changed before there is a second thread, which is when that is sound")]
    // SAFETY: nothing has run yet that starts a thread.
    unsafe {
        std::env::set_var(weir::infer::TELEMETRY_OFF, "1");
    }
    weir::cli::main()
}
