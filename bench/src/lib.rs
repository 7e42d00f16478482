//! The test bed, and the loads and reports of the benches.

pub mod churn;
pub mod control;
pub mod failover;
pub mod instructions;
pub mod lab;
pub mod live;
pub mod load;
pub mod path;
pub mod pktgen;
pub mod program;
pub mod report;
pub mod stream;
