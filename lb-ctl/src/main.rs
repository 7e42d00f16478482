//! `lb-ctl`: parse, dispatch, exit code.

fn main() {}
