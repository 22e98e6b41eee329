//! Goal: a stick or a disk that holds something other than it should does no harm beyond itself.
//! Method: a directory with a link in it, and a store in which a record's bytes were changed.

use spean::store::{Store, Table};
use spean_protocol::event::Body;

use super::{admit, fold, write};
use crate::network::{DGP, Network, items};

/// A stick on which the name that an export will use for its half file is a link to a file of the
/// machine.
#[cfg(unix)]
#[test]
fn a_link_on_a_stick_is_not_followed() {
    use spean::engine::{Engine, install_roster};
    use spean::stick;
    use spean::stick::medium::Directory;
    use spean::store::sqlite::Sqlite;
    use spean::world::Machine;
    use spean_protocol::roster::SignedRoster;
    use spean_protocol::session::Host;

    let folder = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(&folder.path().join("spean.db")).unwrap();
    let network = Network::new(1);
    let signed = SignedRoster::decode(&Host::roster(&network.nodes[1]).unwrap()).unwrap();
    install_roster(&mut store, &signed).unwrap();
    let identity = crate::network::identity(1);
    let mut engine = Engine::open(store, identity, Box::new(Machine)).unwrap();

    let precious = folder.path().join("precious");
    std::fs::write(&precious, "precious").unwrap();
    let directory = folder.path().join("stick");
    std::fs::create_dir(&directory).unwrap();
    // The name of the first export, learnt from one to another directory.
    let elsewhere = tempfile::tempdir().unwrap();
    let name = stick::export(
        &mut engine,
        &mut Directory::at(elsewhere.path()),
        &[],
        "test",
    )
    .unwrap()
    .file;
    let bundle = directory.join(std::path::Path::new(&name).file_name().unwrap());
    std::os::unix::fs::symlink(&precious, bundle.with_extension("part")).unwrap();

    let line = stick::export(&mut engine, &mut Directory::at(&directory), &[], "test").unwrap();
    assert_eq!(line.file, bundle.display().to_string());
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    assert!(
        bundle.symlink_metadata().unwrap().is_file(),
        "a file of its own"
    );
    assert_eq!(
        stick::inspect(&engine, &Directory::at(&bundle)).unwrap()[0].stopped,
        None
    );
}

/// A record is a cache of what the keys open: damaged, it is rebuilt from the parcels, at the DGP
/// and at the prison that goes on writing in it.
#[test]
fn a_damaged_record_is_rebuilt() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 4] = [
        Vec::clear,
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes[20] ^= 1,
        |bytes| bytes.fill(0xff),
    ];
    for damage in damages {
        let mut network = Network::new(1);
        let learner = admit(&mut network, 1, "Dara");
        write(&mut network, 1, learner, vec![Body::LoanOut { item: 1 }]);
        network.settle();
        for at in [DGP, 1] {
            let mut store = network.nodes[at].store().clone();
            let rows = store.scan(Table::Record, &learner.0, &[], 9).unwrap();
            assert!(!rows.is_empty());
            for (key, mut value) in rows {
                damage(&mut value);
                store.write(Table::Record, &key, &value).unwrap();
            }
            network.nodes[at] = network.start(at, store);
        }
        write(&mut network, 1, learner, vec![Body::LoanOut { item: 2 }]);
        network.exchange(1, DGP, None);
        for at in [DGP, 1] {
            let node = &mut network.nodes[at];
            fold(node);
            assert_eq!(items(node, learner), [1, 2], "at {at}");
            assert_eq!(node.view(learner).unwrap().unwrap().profile.names.len(), 1);
        }
    }
}
