//! The program as the stories of this crate start it: the same `main` as `spean`'s own.

use std::process::ExitCode;

fn main() -> ExitCode {
    spean::main()
}
