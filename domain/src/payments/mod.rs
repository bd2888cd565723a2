//! Payments that providers send by webhook: signatures and bodies, the risk assessment, the archive.

pub mod archive;
pub mod risk;
pub mod webhook;
