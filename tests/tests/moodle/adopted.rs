//! Goal: a Moodle that was in use before the node is taken over: nobody has to learn a new password, nobody is there
//! twice, staff is left alone, and all of it can be looked at before and taken back. Method: as above.

use super::*;
use spean_moodle_stand_in::Person;

fn somebody(username: &str, family: &str, given: &str) -> Person {
    Person {
        last_name: family.to_owned(),
        first_name: given.to_owned(),
        ..Person::new(username)
    }
}

/// A Moodle with three learners and a tutor, and a list of the prison on which two of them are.
#[test]
fn a_moodle_in_use_is_taken_over() {
    let ground = Ground::of(&["A"]);
    let site = moodle(&ground, "A", setup(0));
    for (name, family, given) in [
        ("dara", "Sok", "Dara"),
        ("thy2019", "Thy", "Chan"),
        ("pich", "Pich", "Sophal"),
    ] {
        site.add_user(somebody(name, family, given));
        site.enrol(name, COURSE);
    }
    site.add_user(somebody("tutor", "Keo", "Mony"));
    site.attempt("dara", COURSE, QUIZ, 75.0);
    let list = "ref,family_km,given_km,family_latin,given_latin,sex,born,username\n\
                A1,\u{179f}\u{17bb}\u{1781},\u{178a}\u{17b6}\u{179a}\u{17c9}\u{17b6},,,M,1990,dara\n\
                A2,,,Chan,Thy,F,1985,\n";
    fs::write(ground.path("list.csv"), list).unwrap();
    ground
        .run("A", &["import", "learners", &ground.path("list.csv")])
        .done();
    let hash =
        |password: &str| spean::account::verifier(password, &mut spean::world::Machine).unwrap();
    let table = format!(
        "username,password\ndara,{}\nthy2019,{}\ntutor,x\n",
        hash("dara's own 1"),
        hash("thy's own 2")
    );
    fs::write(ground.path("p.csv"), table).unwrap();
    let passwords = ground.path("p.csv");
    let adopt = ["moodle", "adopt", "--by-file", "--passwords", &passwords];

    let looked = ground.run("A", &["moodle", "adopt", "--dry-run"]);
    looked.done();
    looked.said("2 accounts taken over, 0 known already, 1 wait, 0 refused (nothing was written)");
    looked.said("thy2019 waits: may be Chan Thy");
    assert!(site.writes().is_empty());

    let taken = ground.run("A", &adopt);
    taken.done();
    taken.said("dara: is his, with the password that he has");
    taken.said("Of 1 nobody could read what the password is checked against");
    ground
        .run("A", &["import", "match", "--single"])
        .said("1 new");
    ground
        .run("A", &adopt)
        .said("0 accounts taken over, 3 known already, 0 wait");

    // Everybody signs in as before, also once Moodle has looked at the file.
    let dara = ("dara".to_owned(), "dara's own 1".to_owned());
    let thy = ("thy2019".to_owned(), "thy's own 2".to_owned());
    assert_eq!(signs_in(&site, &dara), Login::Welcome);
    assert_eq!(signs_in(&site, &thy), Login::Welcome);
    assert_eq!(site.person("pich").unwrap().auth, "manual");
    assert_eq!(site.person("tutor").unwrap().idnumber, "");
    site.forget_calls();
    ground.run("A", &adopt).done();
    assert!(site.writes().is_empty(), "the same again writes nothing");

    // What he did before is his, and nobody is there twice.
    assert_eq!(pull(&ground, "A")["new"], 4);
    let found = ground.run("A", &["learner", "find", "", "--json"]);
    assert_eq!(found.json()["learners"].as_array().unwrap().len(), 3);
}

/// An adoption that was wrong is taken back, here and there; everybody signs in as before.
#[test]
fn an_adoption_is_taken_back() {
    let ground = Ground::of(&["A"]);
    let site = moodle(&ground, "A", setup(0));
    site.add_user(somebody("dara", "Sok", "Dara"));
    site.enrol("dara", COURSE);
    site.add_user(somebody("numbered", "Chan", "Thy").numbered("school 17"));
    site.enrol("numbered", COURSE);
    let hash = spean::account::verifier("dara's own 1", &mut spean::world::Machine).unwrap();
    fs::write(
        ground.path("p.csv"),
        format!("username,password\ndara,{hash}\n"),
    )
    .unwrap();
    let taken = ground.run(
        "A",
        &[
            "moodle",
            "adopt",
            "--by-file",
            "--passwords",
            &ground.path("p.csv"),
        ],
    );
    taken.said("2 accounts taken over");
    taken.said("FAILED numbered: is not marked as his: core_user_update_users: its ID number is 'school 17' already");
    assert_eq!(site.person("dara").unwrap().auth, "db");
    // Taken back here alone, he would be in no file, and Moodle would look for him there.
    ground
        .run("A", &["import", "undo", "1"])
        .refused(1, "spean moodle adopt --undo 1");
    let undone = ground.run("A", &["moodle", "adopt", "--undo", "1"]);
    undone.done();
    undone.said("2 learners");
    let dara = site.person("dara").unwrap();
    assert_eq!(
        (dara.auth.as_str(), dara.idnumber.as_str(), dara.suspended),
        ("manual", "", false)
    );
    assert_eq!(site.person("numbered").unwrap().idnumber, "school 17");
    ground
        .run("A", &["moodle", "adopt", "--undo", "1"])
        .refused(1, "taken back already");
    ground
        .run("A", &["moodle", "adopt", "--passwords", "none.csv"])
        .refused(1, "none.csv");
    fs::write(ground.path("w.csv"), "name,hash\na,b\n").unwrap();
    ground
        .run(
            "A",
            &["moodle", "adopt", "--passwords", &ground.path("w.csv")],
        )
        .refused(1, "no column 'username'");
    let again = ground.run("A", &["moodle", "adopt"]);
    again.said("2 accounts taken over");
}

/// Who was taken over at one prison signs in at the next with the password that he always had, as soon as his record
/// is open there, whenever what opens it comes.
#[test]
fn an_adopted_learner_keeps_his_password_at_the_next_prison() {
    let ground = Ground::of(&["A", "B"]);
    let (here, there) = (
        moodle(&ground, "A", setup(0)),
        moodle(&ground, "B", setup(1_000)),
    );
    here.add_user(somebody("dara", "Sok", "Dara"));
    here.enrol("dara", COURSE);
    let hash = spean::account::verifier("dara's own 1", &mut spean::world::Machine).unwrap();
    fs::write(
        ground.path("p.csv"),
        format!("username,password\ndara,{hash}\n"),
    )
    .unwrap();
    let passwords = ground.path("p.csv");
    let adopt = ["moodle", "adopt", "--by-file", "--passwords", &passwords];
    ground.run("A", &adopt).done();
    pull(&ground, "A");
    let found = ground.run("A", &["learner", "find", "Sok", "--json"]);
    let dara = found.json()["learners"][0]["learner"]
        .as_str()
        .unwrap()
        .to_owned();
    let out = ground.run("A", &["transfer", "out", &dara, "--to", "B", "--json"]);
    let slip = out.json()["departures"][0]["done"]["slip"]
        .as_str()
        .unwrap()
        .to_owned();

    // The slip comes first; nothing of him is there yet.
    let running = ground.start("B");
    let slip = format!("{slip}\n");
    ground
        .told("B", &["transfer", "in", "--slip", "-"], &slip)
        .done();
    let account = ("dara".to_owned(), "dara's own 1".to_owned());
    assert_ne!(signs_in(&there, &account), Login::Welcome);
    ground.carry("A", "B").done();
    let welcome = (0..300).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        signs_in(&there, &account) == Login::Welcome
    });
    assert!(welcome, "his record is open, and Moodle's file has him");
    assert!(there.is_learner("dara", COURSE));
    assert_eq!(signs_in(&here, &account), Login::Suspended);
    drop(running);
}
