//! Tells aya that the map types are plain data.
#![expect(unsafe_code, reason = "aya::Pod is an unsafe marker trait")]

use crate::be::{Be32, Be128};
use crate::budget::Budget;
use crate::directory::{Directory, Entry};
use crate::key::{FlowKey, ServiceKey};
use crate::traffic::{Recording, Traffic};
use crate::value::{Connection, Real, Stats};

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
