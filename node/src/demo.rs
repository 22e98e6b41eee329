//! The demo: the main job on real nodes.

pub mod nation;

use std::process::ExitCode;

use clap::Args;

use crate::api::Refusal;

/// What to show.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// End after the figures instead of serving pages until Ctrl-C.
    #[arg(long)]
    pub exit: bool,
}

/// Runs the demo.
///
/// # Errors
/// [`Refusal`].
pub async fn demo(_args: &DemoArgs, _json: bool) -> Result<ExitCode, Refusal> {
    Ok(ExitCode::SUCCESS)
}
