//! Tells aya that the map types are plain data.
#![expect(unsafe_code, reason = "aya::Pod is an unsafe marker trait")]

use crate::be::{Be32, Be128};
use crate::budget::Budget;
use crate::details::Details;
use crate::directory::{Directory, Entry};
use crate::key::{FlowKey, ServiceKey};
use crate::trace::{Filter, Tally};
use crate::traffic::{Recording, Traffic};
use crate::value::{Connection, Load, Real, Service, Stats};
use crate::wide::{PortsKey, SourceKey};

// SAFETY: every type is `repr(C)` of integers, without implicit padding (asserted beside its
// definition), and valid for any bit pattern.
unsafe impl aya::Pod for ServiceKey<Be32> {}
// SAFETY: as above.
unsafe impl aya::Pod for ServiceKey<Be128> {}
// SAFETY: as above.
unsafe impl aya::Pod for FlowKey<Be32> {}
// SAFETY: as above.
unsafe impl aya::Pod for FlowKey<Be128> {}
// SAFETY: as above.
unsafe impl aya::Pod for Entry<Be32> {}
// SAFETY: as above.
unsafe impl aya::Pod for Entry<Be128> {}
// SAFETY: as above.
unsafe impl aya::Pod for Directory {}
// SAFETY: as above.
unsafe impl aya::Pod for Budget {}
// SAFETY: as above.
unsafe impl aya::Pod for Real {}
// SAFETY: as above.
unsafe impl aya::Pod for Connection {}
// SAFETY: as above.
unsafe impl aya::Pod for Stats {}
// SAFETY: as above.
unsafe impl aya::Pod for Traffic {}
// SAFETY: as above.
unsafe impl aya::Pod for Recording {}
// SAFETY: as above.
unsafe impl aya::Pod for Service {}
// SAFETY: as above.
unsafe impl aya::Pod for Load {}
// SAFETY: as above.
unsafe impl aya::Pod for Details {}
// SAFETY: as above.
unsafe impl aya::Pod for PortsKey<Be32> {}
// SAFETY: as above.
unsafe impl aya::Pod for PortsKey<Be128> {}
// SAFETY: as above.
unsafe impl aya::Pod for SourceKey<Be32> {}
// SAFETY: as above.
unsafe impl aya::Pod for SourceKey<Be128> {}
// SAFETY: as above.
unsafe impl aya::Pod for Filter {}
// SAFETY: as above.
unsafe impl aya::Pod for Tally {}
// SAFETY: as above.
unsafe impl aya::Pod for Be32 {}
// SAFETY: as above.
unsafe impl aya::Pod for Be128 {}
