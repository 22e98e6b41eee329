//! The program `spean`: see `spean --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    spean::main()
}
