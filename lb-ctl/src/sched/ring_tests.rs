use std::net::Ipv4Addr;

use super::*;

const COUNT: u32 = 251;

fn members(ids: &[RealId]) -> Vec<Member> {
    let member = |id: &RealId| Member {
        id: *id,
        address: Ipv4Addr::from(0x0a00_0000 + *id).into(),
        weight: 1,
    };
    ids.iter().map(member).collect()
}

fn everybody(_: RealId) -> bool {
    true
}

fn slots(ring: &Ring) -> Vec<Slot> {
    ring.slots(COUNT).into_owned()
}

#[test]
fn an_added_real_gets_slots_that_keep_their_origin() {
    let before = Ring::settled(members(&[1, 2]));
    let after = before.advance(members(&[1, 2, 3]), everybody, 100, COUNT);
    let pairs = slots(&before).into_iter().zip(slots(&after));
    for (old, new) in pairs {
        assert_eq!(new.origin(), old.current());
        assert_eq!(new.is_settled(), new.current() == old.current());
    }
    let moved = slots(&after).iter().filter(|slot| slot.current() == 3).count();
    assert!(moved > 60 && after.census().unsettled >= moved);
    assert!(after.is_origin(1) && after.is_origin(2) && !after.is_origin(3));
}

#[test]
fn a_slot_whose_origin_is_dead_goes_over_at_once() {
    let before = Ring::settled(members(&[1, 2]));
    let after = before.advance(members(&[1]), |id| id != 2, 100, COUNT);
    assert!(after.is_settled());
    assert!(slots(&after).iter().all(|slot| slot.current() == 1));
}

#[test]
fn a_further_change_keeps_the_first_origin_and_its_time() {
    let ring = Ring::settled(members(&[1]));
    let ring = ring.advance(members(&[1, 2]), everybody, 100, COUNT);
    let ring = ring.advance(members(&[2, 3]), everybody, 160, COUNT);
    assert!(slots(&ring).iter().all(|slot| slot.origin() == 1));
    // The slots of the first change are due before those of the second.
    let first = ring.settle(100, 200).expect("some are due");
    let left = first.census();
    assert!(left.unsettled > 0 && left.marked > 0);
    assert_eq!(first.settle(100, 259).map(|ring| ring.census()), None);
    assert_eq!(first.settle(100, 260).expect("the others").census().unsettled, 0);
}

#[test]
fn a_slot_that_comes_back_to_its_origin_is_marked() {
    let ring = Ring::settled(members(&[1, 2]));
    let away = ring.advance(members(&[1, 2, 3]), everybody, 100, COUNT);
    let back = away.advance(members(&[1, 2]), everybody, 101, COUNT);
    let census = back.census();
    assert_eq!((census.unsettled, census.marked), (0, away.census().unsettled));
    assert_eq!(back.release(&HashSet::new()), Some(ring));
}

#[test]
fn marks_of_busy_slots_stay() {
    let ring = Ring::settled(members(&[1])).advance(members(&[2]), everybody, 100, COUNT);
    let marked = ring.settle(50, 150).expect("all are due");
    assert_eq!(marked.census(), Census { unsettled: 0, marked: COUNT as usize });
    let busy = HashSet::from([7]);
    let released = marked.release(&busy).expect("all but one");
    assert_eq!(released.census().marked, 1);
    assert!(!slots(&released)[7].is_settled());
    assert_eq!(released.release(&busy), None);
}

#[test]
fn the_last_real_that_drains_keeps_its_flows() {
    let ring = Ring::settled(members(&[1])).advance(Vec::new(), everybody, 100, COUNT);
    assert!(slots(&ring).iter().all(|slot| (slot.current(), slot.origin()) == (NO_REAL, 1)));
    assert!(!ring.is_empty());
    let ended = ring.settle(10, 110).expect("due").release(&HashSet::new()).expect("no flows");
    assert!(ended.is_empty());
    assert!(ring.advance(Vec::new(), |_| false, 101, COUNT).release(&HashSet::new()).is_some());
}

#[test]
fn marking_all_leaves_what_is_unsettled() {
    let ring = Ring::settled(members(&[1])).advance(members(&[1, 2]), everybody, 100, COUNT);
    let unsettled = ring.census().unsettled;
    let marked = ring.marked(COUNT);
    assert_eq!(marked.census(), Census { unsettled, marked: COUNT as usize - unsettled });
    assert!(marked.settle(50, 149).is_none());
    assert!(marked.settle(50, 150).is_some());
}

#[test]
fn an_inherited_ring_goes_on_from_its_slots() {
    let left = Ring::settled(members(&[1])).advance(members(&[1, 2]), everybody, 100, COUNT);
    let found = Ring::inherited(slots(&left), 500);
    assert!(!found.stands(&members(&[1, 2]), everybody), "its members are not known");
    let same = found.advance(members(&[1, 2]), everybody, 510, COUNT);
    assert_eq!(slots(&same), slots(&left));
    assert!(same.settle(100, 599).is_none() && same.settle(100, 600).is_some());
    assert!(same.stands(&members(&[1, 2]), everybody));
    assert!(!same.stands(&members(&[1, 2]), |id| id != 1), "an origin has died");
}

#[test]
fn a_settled_ring_costs_no_memory() {
    let ring = Ring::settled(members(&[1])).advance(members(&[1]), everybody, 1, COUNT);
    assert!(ring.moves.is_none());
}

#[test]
fn the_time_of_a_change_is_kept_once() {
    let first = Ring::settled(members(&[1])).advance(members(&[1, 2]), everybody, 100, COUNT);
    let since = |ring: &Ring| ring.moves.as_ref().map(|moves| moves.since.clone());
    assert_eq!(since(&first), Some(vec![100]));
    let second = first.advance(members(&[1, 2, 3]), everybody, 160, COUNT);
    assert_eq!(since(&second).map(|since| since.len()), Some(COUNT as usize));
    let settled = second.settle(100, 200).expect("those of the first change are due");
    assert_eq!(since(&settled), Some(vec![160]));
    let marked = settled.settle(0, 200).expect("all are due");
    assert_eq!(since(&marked), Some(vec![]));
}
