//! Goal: the head office burns, with its keys. From any one prison's stick and the escrow of two
//! officials a new one shows every record and every figure that the old one had.
//! Method: the real program; the old node's home is moved away and never used again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;

use ground::Ground;

fn figures(ground: &Ground, home: &str) -> String {
    let totals = ground.run(home, &["totals", "--json"]);
    totals.done();
    totals.json()["totals"]["figures"].to_string()
}

#[test]
fn a_burnt_head_office_is_made_anew_from_one_prison_and_two_officials() {
    let ground = Ground::of(&["CC4", "KAM"]);
    let dara = ground.learner("CC4", "Dara");
    let rith = ground.learner("KAM", "Rith");
    for session in ["1", "2"] {
        ground.attends("CC4", &dara, session).done();
        ground.attends("KAM", &rith, session).done();
    }
    let out = [
        "transfer",
        "out",
        &dara,
        "--to",
        "KAM",
        "--date",
        "2026-07-03",
    ];
    ground.run("CC4", &out).done();
    ground.carry("CC4", "dgp").done();
    ground.carry("KAM", "dgp").done();
    ground.carry("dgp", "KAM").done();
    let before = figures(&ground, "dgp");
    fs::rename(ground.path("dgp"), ground.path("burnt")).unwrap();

    // A new node; its enrolment is proposed at a prison, and the old one's key is revoked.
    ground.init_headquarters();
    let proposed = ground.ordain("KAM", &["--revoke", "DGP", "--again", "dgp/request.toml"]);
    proposed.said("! DGP: A KEY OF ITS NODE IS REVOKED, 1 are left");
    let install = ["roster", "install", "ceremony/proposal.spean"];
    ground.run("dgp", &install).done();
    let rebuild = |sticks: &[&str]| {
        let mut words = vec!["rebuild"];
        sticks
            .iter()
            .for_each(|stick| words.extend(["--stick", stick]));
        ground.run("dgp", &words)
    };
    rebuild(&["root-1", "root-2"]).said("There is no prison's log here yet");
    ground.carry("KAM", "dgp").done();
    let show = ["learner", "show", &dara];
    assert!(
        !ground.run("dgp", &show).is_done(),
        "it has no key of the prisons"
    );
    rebuild(&["root-1"]).refused(1, "2 are needed");
    let rebuilt = rebuild(&["root-1", "root-3"]);
    rebuilt.done();
    rebuilt.said("2 custody keys opened, 0 were here already. 2 learners are readable.");
    assert_eq!(figures(&ground, "dgp"), before);
    ground.run("dgp", &show).said("2 sessions attended");

    // It works on: what is written from now on comes as before, and a second time changes nothing.
    rebuild(&["root-2", "root-3"]).said("0 custody keys opened, 2 were here already");
    ground.attends("KAM", &rith, "3").done();
    ground.carry("dgp", "KAM").done();
    ground.carry("KAM", "dgp").done();
    ground
        .run("dgp", &["learner", "show", &rith])
        .said("3 sessions attended");
    // A prison's node is not rebuilt so.
    let at_prison = ["rebuild", "--stick", "root-1", "--stick", "root-2"];
    ground
        .run("KAM", &at_prison)
        .refused(1, "only the head office's node");
    // The keys of the escrow are on no disk.
    for home in ["dgp", "KAM"] {
        let keys = fs::read_to_string(ground.path(&format!("{home}/keys.toml"))).unwrap();
        assert_eq!(
            keys.matches(" = ").count(),
            5,
            "signing, secret and three boxes: {keys}"
        );
    }
}
