use super::*;

fn at(last: u8) -> SocketAddr {
    ([192, 0, 2, last], 9751).into()
}

fn datagram(from: u64, to: u64, sequence: u64, tells: bool) -> Datagram {
    let body = if tells { Body::Entries(Vec::new()) } else { Body::Hello };
    Datagram { header: Header { from, to, sequence }, body }
}

struct Bed {
    sessions: Sessions,
    now: Instant,
}

impl Bed {
    fn new() -> Self {
        Self { sessions: Sessions::new(1000, [at(2), at(3)]), now: Instant::now() }
    }

    fn hear(&mut self, from: u64, to: u64, sequence: u64) -> Result<Presence, Rejection> {
        self.sessions.accept(at(2), &datagram(from, to, sequence, true), self.now)
    }

    fn hello(&mut self, from: u64, to: u64, sequence: u64) -> Result<Presence, Rejection> {
        self.sessions.accept(at(2), &datagram(from, to, sequence, false), self.now)
    }
}

#[test]
fn a_peer_is_fresh_when_it_starts_and_when_it_was_away() {
    let mut bed = Bed::new();
    assert_eq!(bed.hello(500, 0, 1), Ok(Presence::Fresh));
    assert_eq!(bed.hear(500, 1000, 2), Ok(Presence::Known));
    bed.now += SILENCE;
    assert_eq!(bed.hello(500, 1000, 3), Ok(Presence::Fresh), "it was away");
    assert_eq!(bed.hear(501, 1000, 1), Ok(Presence::Fresh), "it has started anew");
    assert_eq!(bed.sessions.header(at(2)).to, 501);
    assert_eq!(bed.sessions.header(at(3)).to, 0, "of this one nothing is known");
}

#[test]
fn a_peer_that_asks_for_everything_is_fresh() {
    let mut bed = Bed::new();
    assert_eq!(bed.hello(500, 1000, 1), Ok(Presence::Fresh));
    let header = Header { from: 500, to: 1000, sequence: 2 };
    let ask = Datagram { header, body: Body::Ask };
    assert_eq!(bed.sessions.accept(at(2), &ask, bed.now), Ok(Presence::Fresh));
    assert_eq!(bed.hello(500, 1000, 3), Ok(Presence::Known));
}

#[test]
fn what_has_come_before_is_refused() {
    let mut bed = Bed::new();
    assert_eq!(bed.hear(500, 1000, 10), Ok(Presence::Fresh));
    assert_eq!(bed.hear(500, 1000, 10), Err(Rejection::Replayed));
    assert_eq!(bed.hear(500, 1000, 12), Ok(Presence::Missed), "where is 11?");
    assert_eq!(bed.hear(500, 1000, 11), Ok(Presence::Known), "it was overtaken");
    assert_eq!(bed.hear(500, 1000, 13), Ok(Presence::Known));
    assert_eq!(bed.hear(500, 1000, 11), Err(Rejection::Replayed));
    assert_eq!(bed.hear(500, 1000, 100), Ok(Presence::Missed));
    assert_eq!(bed.hear(500, 1000, 36), Err(Rejection::Replayed), "that is too long ago");
    assert_eq!(bed.hear(500, 1000, 37), Ok(Presence::Known));
    assert_eq!(bed.hear(400, 1000, 900), Err(Rejection::Replayed), "of an earlier start");
}

#[test]
fn what_was_told_to_an_earlier_start_is_refused_but_a_hello_is_not() {
    let mut bed = Bed::new();
    assert_eq!(bed.hear(500, 999, 1), Err(Rejection::Stale));
    assert_eq!(bed.hear(500, 0, 2), Err(Rejection::Stale));
    assert_eq!(bed.hello(500, 999, 3), Ok(Presence::Fresh));
    assert_eq!(bed.hear(500, 999, 4), Err(Rejection::Stale));
}

#[test]
fn each_peer_has_its_own_row_of_numbers() {
    let mut bed = Bed::new();
    let mut next = |last| bed.sessions.header(at(last)).sequence;
    assert_eq!([next(2), next(3), next(2), next(3)], [1, 1, 2, 2]);
    assert_eq!(bed.hello(500, 0, 1), Ok(Presence::Fresh));
    assert_eq!(bed.sessions.header(at(2)).sequence, 3, "it goes on when the peer starts anew");
}

#[test]
fn a_director_does_not_listen_to_itself_nor_to_strangers() {
    let mut bed = Bed::new();
    assert_eq!(bed.hello(1000, 0, 1), Err(Rejection::Own));
    let stranger = bed.sessions.accept(at(9), &datagram(500, 1000, 1, true), bed.now);
    assert_eq!(stranger, Err(Rejection::UnknownPeer));
}

#[test]
fn a_director_whose_clock_went_back_is_heard_again() {
    let mut bed = Bed::new();
    assert_eq!(bed.hello(500, 2000, 1), Ok(Presence::Fresh), "it knows a later start of ours");
    let header = bed.sessions.header(at(2));
    assert_eq!((header.from, header.to), (2001, 500));
}

#[test]
fn every_rejection_has_a_place_and_a_name_of_its_own() {
    for (index, rejection) in Rejection::ALL.into_iter().enumerate() {
        assert_eq!(rejection.index(), index);
        let names = Rejection::ALL.iter().filter(|other| other.name() == rejection.name());
        assert_eq!(names.count(), 1);
    }
}
