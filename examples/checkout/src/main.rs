//! The program `checkout`. See the README beside this crate.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    checkout::main().await
}
