#![doc = include_str!("../README.md")]

pub mod ffi;
mod find;
mod library;
mod queue;

pub use library::{Library, LoadError, Status};
pub use queue::{Batch, Queue, Source, Taken};
