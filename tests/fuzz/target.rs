//! One fuzz program: the target whose name it has.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spean_fuzz::Target;

/// Found by the compiler, so that each program holds nothing but its own target.
const TARGET: Target = Target::named(env!("CARGO_BIN_NAME"));

fuzz_target!(|bytes: &[u8]| {
    TARGET.run(bytes);
});
