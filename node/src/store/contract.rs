//! What every store must do: one suite that both the memory store and SQLite pass.
