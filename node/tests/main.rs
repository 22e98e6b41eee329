//! Stories of engines in memory: one program, since each further one is linked with everything anew.

mod network;

mod cohorts;
mod converge;
mod duplicates;
mod erasure;
mod forks;
mod hostile;
mod linking;
mod moves;
mod officers;
mod platform;
mod pressed;
mod registers;
mod revoked;
mod shredding;
mod sticks;
mod strangers;
