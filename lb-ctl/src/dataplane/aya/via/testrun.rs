//! Running single packets through the programs (`BPF_PROG_TEST_RUN`), for tests.

use aya::maps::{HashMap, MapError};
use aya::programs::{TestRun as _, TestRunOptions};
use lb_common::be::{Be32, Be128};
use lb_common::key::FlowKey;
use lb_common::via::{maps as names, programs};

use super::{ViaError, ViaPath, program};
use crate::dataplane::aya::testrun::Ran;

/// Which program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Of packets that leave.
    Egress,
    /// Of packets that come in.
    Ingress,
}

impl ViaPath {
    /// Runs one packet with this mark through a program.
    ///
    /// # Errors
    ///
    /// The kernel refuses, for example a frame shorter than an Ethernet header.
    pub fn test_run(&mut self, way: Way, frame: &[u8], mark: u32) -> Result<Ran, ViaError> {
        let name = match way {
            Way::Egress => programs::EGRESS,
            Way::Ingress => programs::INGRESS,
        };
        let mut out = vec![0; frame.len() + 256];
        // The context begins with length and type of the packet, which must be zero here, and its
        // mark (`struct __sk_buff`).
        let context = [0, 0, mark].map(u32::to_ne_bytes).concat();
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ctx_in: Some(&context),
            ..TestRunOptions::new()
        };
        let result = program(&mut self.ebpf, name)?.test_run(options);
        let result = result.map_err(|error| ViaError::Load(format!("{error:?}")))?;
        out.truncate(result.data_size_out as usize);
        Ok(Ran { action: result.return_value, frame: out })
    }

    /// Forgets all flows of probes.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn forget_flows(&mut self) -> Result<(), ViaError> {
        let forgotten = self
            .forget::<Be32>(names::FLOWS_V4)
            .and_then(|()| self.forget::<Be128>(names::FLOWS_V6));
        forgotten.map_err(|error| ViaError::Load(error.to_string()))
    }

    fn forget<A: aya::Pod>(&mut self, name: &'static str) -> Result<(), MapError>
    where
        FlowKey<A>: aya::Pod,
    {
        let missing = || MapError::InvalidName { name: name.to_owned() };
        let map = self.ebpf.map_mut(name).ok_or_else(missing)?;
        let mut flows = HashMap::<_, FlowKey<A>, A>::try_from(map)?;
        let keys: Vec<_> = flows.keys().collect::<Result<_, _>>()?;
        keys.iter().try_for_each(|key| flows.remove(key))
    }
}
