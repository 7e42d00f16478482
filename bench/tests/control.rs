//! The control bench, small, on the real kernel. Needs root, and lb-ctl beside the benches.

use std::path::Path;
use std::time::Duration;

use bench::control::checks;
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

#[test]
fn what_checks_take_is_measured_and_how_soon_they_tell() {
    let lb_ctl = Path::new(env!("CARGO_BIN_EXE_bench")).with_file_name("lb-ctl");
    let world = World::build(&lb_ctl).unwrap();
    let one = Size { services: 1, reals: 20, ring_slots: 251 };
    // It fails unless the real is seen to lose its slots after it has failed.
    assert!(checks::detection(&world, one).unwrap().figure > 0.0);
    let many = Size { services: 2, reals: 30, ring_slots: 251 };
    let samples = checks::load(&world, many, Duration::from_secs(1)).unwrap();
    let figure =
        |quantity| samples.iter().find(|sample| sample.row.quantity == quantity).unwrap().figure;
    assert!(figure(Quantity::CheckMemory) > 1.0, "a daemon has more than a megabyte");
    assert!(figure(Quantity::CheckLateness) > 0.0, "nothing begins at its very moment");
    assert!(figure(Quantity::CheckLoad) >= 0.0);
}
