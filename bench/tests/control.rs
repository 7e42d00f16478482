//! The control bench, small, on the real kernel. Needs root, and lb-ctl beside the benches.

use std::path::Path;

use bench::control::measure::run;
use bench::control::row::Quantity;
use bench::control::world::{Size, World};

const SMALL: Size = Size { services: 40, reals: 5, ring_slots: 251 };

/// Twice, since the second daemon comes where one has been.
#[test]
fn every_quantity_is_measured_with_each_new_daemon() {
    let lb_ctl = Path::new(env!("CARGO_BIN_EXE_bench")).with_file_name("lb-ctl");
    let world = World::build(&lb_ctl).unwrap();
    for number in 0..2 {
        let samples = run(&world, SMALL, number).unwrap();
        let figure = |quantity| {
            let mut found = samples.iter().filter(|sample| sample.row.quantity == quantity);
            let figure = found.next().map(|sample| sample.figure);
            assert_eq!(found.next(), None, "{quantity:?} is measured once");
            figure.unwrap_or_else(|| panic!("{quantity:?} is not measured"))
        };
        for time in [
            Quantity::Apply,
            Quantity::AddReal,
            Quantity::Weight,
            Quantity::WeightOfAll,
            Quantity::Mac,
            Quantity::Fill,
        ] {
            assert!(figure(time) > 0.0, "{time:?}");
        }
        assert!(figure(Quantity::Peak) >= figure(Quantity::Resident));
        // Eight bytes a slot, and what the kernel keeps beside them.
        let slots = f64::from(SMALL.services * SMALL.ring_slots) * 8.0 / 1e6;
        let rings = figure(Quantity::Rings);
        assert!(rings > slots && rings < slots * 10.0, "{rings} MB for {slots} MB of slots");
    }
}
