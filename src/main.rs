//! The program: reads the command line, carries it out, and ends with an exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use extractor::cli;

fn main() -> ExitCode {
    // Both of the libraries that speak TLS are to use the same provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let invocation = match cli::parse() {
        Ok(invocation) => invocation,
        Err(code) => return code.into(),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return cli::ExitCode::Internal.into();
    };
    let ran = catch_unwind(AssertUnwindSafe(|| runtime.block_on(cli::run(invocation))));
    ran.unwrap_or(cli::ExitCode::Internal).into()
}
