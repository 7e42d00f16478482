//! `bench live`: real frames a second through a director in the test bed.
//!
//! The generator, the program and the sink are those of [`crate::stream`], all on one CPU; the
//! yardstick is a program that only exchanges the MACs, in the same place. Each run of lb-ctl has a
//! daemon and tables of its own and stands beside one of the yardstick.

pub mod measure;
pub mod plot;
pub mod report;
pub mod row;
pub mod table;
