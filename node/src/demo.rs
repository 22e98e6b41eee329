//! The demo: the main job on real nodes.

pub mod nation;
