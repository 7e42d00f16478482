//! The test bed, and the loads and reports of the benches.
