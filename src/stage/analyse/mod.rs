//! Look and listen.

pub mod host;
mod lane;
pub mod launch;
pub mod plan;
pub mod pool;
pub mod wire;
