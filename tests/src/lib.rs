//! What stories and benchmarks share and what needs tests of its own: a bad line for real
//! processes. The stories themselves are in `tests/`, the benchmarks in `benches/`.

pub mod shaper;
