//! `spean-simulations`: see `--help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
