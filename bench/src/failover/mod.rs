//! `bench failover`: how long a client is without an answer while an address moves from one director
//! to the other, by lb-ctl and by keepalived, and how evenly adverts come while the daemon is busy.
//!
//! Client, two directors and two reals stand in the test bed. What answers is first the director
//! that has the address, then a real behind lb-ctl's service.

pub mod adverts;
pub mod busy;
pub mod error;
pub mod measure;
pub mod party;
pub mod plot;
pub mod probe;
pub mod report;
pub mod row;
pub mod table;
pub mod timeline;
pub mod world;

pub use error::FailoverError;
