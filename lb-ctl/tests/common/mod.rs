//! What the scenarios share.
#![allow(dead_code, reason = "each test program takes its part")]

pub(crate) mod clients;
pub(crate) mod flows;
pub(crate) mod raw;
pub(crate) mod traffic;

use std::net::IpAddr;
use std::path::Path;

use bench::lab::Lab;

/// The binary under test.
pub(crate) fn lb_ctl() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lb-ctl"))
}

/// Makes every real take the VIPs' packets without telling anybody.
pub(crate) fn prepare_reals(lab: &Lab, vips: &[IpAddr]) {
    bench::lab::setup_reals(lab, lb_ctl(), vips).unwrap();
}
