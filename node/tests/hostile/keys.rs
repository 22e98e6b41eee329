//! Goal: keys that somebody makes up, or does not hand on, close nobody's record.
//! Method: a former site seals what it likes under the key of the stay that it had, in its own
//! log; learners move on, and the next prisons read the past.

use spean::store::{Store, Table};
use spean_protocol::id::{LearnerId, SiteId, StayId, Stream};
use spean_protocol::parcel::{self, Kind, Place};
use spean_protocol::seal::Secret;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};
use spean_protocol::stay::{HeldKey, Keyring, StayKey};

use super::{admit, fold, interview, segments, transfer, write};
use crate::network::{DGP, Network, identity, items, site};
use spean_protocol::event::{Body, Destination, Who5Moment};

/// The keys of a site's stays that a machine holds of a learner, of the education stream.
fn held(network: &Network, at: usize, learner: LearnerId, of: SiteId) -> Vec<StayKey> {
    let prefix = [
        &of.0.to_be_bytes()[..],
        &learner.0,
        &[Stream::Education.byte()],
    ]
    .concat();
    let rows = network.nodes[at]
        .store()
        .scan(Table::StayKey, &prefix, &[], usize::MAX)
        .unwrap();
    let key = |value: Vec<u8>| StayKey(Secret(value.try_into().unwrap()));
    rows.into_iter().map(|(_, value)| key(value)).collect()
}

/// The next data segment of site 1's log, with keyrings of junk under the key of his stay there.
fn junk(network: &Network, learner: LearnerId, of: SiteId, number: u8) -> Frame {
    let key = held(network, 1, learner, site(1)).remove(0);
    let (run, state) = network.nodes[1].skeleton().runs(site(1)).last().unwrap();
    let label = key.label(learner, Stream::Education, run);
    let (height, previous) = (state.data.prefix(), state.data_tip);
    let made_up = |name: [u8; 3]| {
        let random = *blake3::hash(&name).as_bytes();
        let stay = StayId(random[..16].try_into().unwrap());
        HeldKey {
            site: of,
            stream: Stream::Education,
            stay,
            key: StayKey(Secret(random)),
        }
    };
    let parcels = (0..3_u8).map(|index| {
        let content = Keyring((0..200).map(|key| made_up([number, index, key])).collect()).encode();
        let place = Place {
            run,
            height,
            index: index.into(),
        };
        (
            label,
            parcel::seal(&key.0, place, label, Kind::Keyring, &content).unwrap(),
        )
    });
    let header = Header {
        log: Log::Data,
        site: site(1),
        run,
        height,
        previous,
        control: state.control,
        cohort: 1,
        stamp: 0,
        lines: Vec::new(),
    };
    let segment = Segment::sign(header, parcels.collect(), &identity(1).signing).unwrap();
    Frame::Segment(segment.encode())
}

/// Keyrings with 1,200 made-up keys, some said to be of a prison where he has not been yet.
#[test]
fn a_flood_of_keys_stops_nobody() {
    let mut network = Network::new(4);
    let learner = admit(&mut network, 1, "Dara");
    write(&mut network, 1, learner, vec![Body::LoanOut { item: 1 }]);
    transfer(&mut network, learner, 1, 2, false);
    network.settle();
    let other = admit(&mut network, 2, "Rith");
    for (number, of) in [(0, site(1)), (1, site(3))] {
        let frame = junk(&network, learner, of, number);
        assert_eq!(network.nodes[1].take_all(vec![frame]).unwrap(), [true]);
    }
    network.settle();
    let kept = [site(1), site(3)].map(|of| held(&network, 2, learner, of).len());
    assert!(kept.iter().all(|kept| (1..100).contains(kept)), "{kept:?}");

    write(&mut network, 2, learner, vec![Body::LoanOut { item: 2 }]);
    write(&mut network, 2, other, vec![Body::LoanOut { item: 9 }]);
    network.nodes[2]
        .transfer_out(other, Destination::Released, None, false)
        .unwrap();
    transfer(&mut network, learner, 2, 3, false);
    network.settle();
    assert_eq!(
        items(&mut network.nodes[3], learner),
        [1, 2],
        "the past opens at the next site"
    );
    write(&mut network, 3, learner, vec![Body::LoanOut { item: 3 }]);
    transfer(&mut network, learner, 3, 2, false);
    network.settle();
    // The key of a real stay is taken although made-up ones of its site came first, and handed on.
    assert_eq!(items(&mut network.nodes[2], learner), [1, 2, 3]);
    transfer(&mut network, learner, 2, 4, false);
    network.settle();
    for at in [4, DGP] {
        assert_eq!(items(&mut network.nodes[at], learner), [1, 2, 3], "at {at}");
    }
}

/// Restricted data goes from prison to prison as long as he agrees, also through one that records
/// none; where he does not agree, it goes no further.
#[test]
fn restricted_data_follows_whoever_agrees() {
    for agreed in [[true, true], [true, false], [false, true]] {
        let mut network = Network::new(3);
        let learner = admit(&mut network, 1, "Dara");
        write(
            &mut network,
            1,
            learner,
            vec![interview(Who5Moment::Start, [3, 2, 4, 1, 5])],
        );
        transfer(&mut network, learner, 1, 2, agreed[0]);
        network.settle();
        transfer(&mut network, learner, 2, 3, agreed[1]);
        network.settle();
        let view = network.nodes[3].view(learner).unwrap().unwrap();
        assert_eq!(view.profile.names.len(), 1);
        assert_eq!(
            view.restricted.who5.len(),
            usize::from(agreed == [true, true]),
            "{agreed:?}"
        );
        let read = network.nodes[DGP].view(learner).unwrap().unwrap();
        assert!(read.restricted.who5.is_empty(), "the DGP never reads it");
    }
}

/// A prison admits by card and gets the key later, so its keyring stands alone, between two days.
/// The next prison gets that segment last.
#[test]
fn a_keyring_that_comes_last_is_read() {
    let mut network = Network::new(3);
    let learner = admit(&mut network, 1, "Dara");
    write(&mut network, 1, learner, vec![Body::LoanOut { item: 1 }]);
    let to = Destination::Site(site(2));
    network.nodes[1]
        .transfer_out(learner, to, None, false)
        .unwrap();
    network.nodes[2].admit(learner, None).unwrap();
    write(&mut network, 2, learner, vec![Body::LoanOut { item: 2 }]);
    let length = |network: &Network| {
        network.nodes[2]
            .skeleton()
            .runs(site(2))
            .last()
            .unwrap()
            .1
            .data
            .prefix()
    };
    let keyring = length(&network);
    network.exchange(1, 2, None);
    network.nodes[2].flush().unwrap();
    assert_eq!(length(&network), keyring + 1, "a keyring alone");
    write(&mut network, 2, learner, vec![Body::LoanOut { item: 3 }]);
    let to = Destination::Site(site(3));
    let slip = network.nodes[2]
        .transfer_out(learner, to, None, false)
        .unwrap()
        .slip
        .unwrap();

    let past = segments(&network.nodes[1], site(1));
    let past = past.into_iter().map(|piece| piece.2).collect();
    assert!(
        network.nodes[3]
            .take_all(past)
            .unwrap()
            .iter()
            .all(|new| *new)
    );
    let (late, early): (Vec<_>, Vec<_>) = segments(&network.nodes[2], site(2))
        .into_iter()
        .partition(|(log, height, _)| (*log, *height) == (Log::Data, keyring));
    let reader = &mut network.nodes[3];
    for (pieces, expected) in [(early, &[2, 3][..]), (late, &[1, 2, 3])] {
        let frames: Vec<Frame> = pieces.into_iter().map(|piece| piece.2).collect();
        assert!(reader.take_all(frames).unwrap().iter().all(|new| *new));
        fold(reader);
        if expected.len() == 2 {
            reader.transfer_in(&slip, None).unwrap();
        }
        assert_eq!(items(reader, learner), expected);
    }
}
