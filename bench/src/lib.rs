//! The test bed, and the loads and reports of the benches.

pub mod churn;
pub mod lab;
pub mod live;
pub mod load;
pub mod program;
pub mod report;
pub mod stream;
