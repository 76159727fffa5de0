//! The short forms of the trials.

mod corruption;
#[cfg(target_os = "linux")]
mod disk;
mod duplicates;
mod old;
mod poison;
mod restarts;
mod waiting;
mod zombie;

/// The program, for trials with processes of their own.
fn program() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_BIN_EXE_trials"))
}
