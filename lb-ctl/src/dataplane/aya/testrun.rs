//! Running single packets through the loaded program (`BPF_PROG_TEST_RUN`), for tests and benches.

use aya::programs::{TestRun as _, TestRunOptions};

use super::{AyaDataplane, open};
use crate::dataplane::DataplaneError;

/// What came out of one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// The XDP action.
    pub action: u32,
    /// The frame afterwards.
    pub frame: Vec<u8>,
}

impl AyaDataplane {
    /// Runs one frame through the program, as if it had come in by the loopback interface.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, for example a frame shorter than an Ethernet header.
    pub fn test_run(&mut self, frame: &[u8]) -> Result<Ran, DataplaneError> {
        let program = open::program(&mut self.ebpf)?;
        let mut out = vec![0; frame.len() + 256];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        let result = program.test_run(options).map_err(|e| DataplaneError::Setup(e.to_string()))?;
        out.truncate(result.data_size_out as usize);
        Ok(Ran { action: result.return_value, frame: out })
    }
}
