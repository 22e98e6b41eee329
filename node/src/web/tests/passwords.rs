//! Goal: a learner changes his own password without signing in, and nobody changes another's by guessing, by a form
//! of another page, or by anything that a form can hold; the learners' address shows nothing else.
//! Method: the pages of a real node over TCP, forms as browsers and bad programs send them.

use super::*;
use crate::account::{is_it, verifier};

const FIRST: &str = "Kdmqrth-47";
const SECOND: &str = "Pvbnwtz-83";

/// A learner with an account and the first password.
async fn learner(node: &Node) -> LearnerId {
    let id = node.learner("a", ["SOK", "Dara"]).await;
    let kept = verifier(FIRST, &mut crate::world::Machine).unwrap();
    node.at(move |engine| engine.give_account(id, Some("dara"), &kept).unwrap())
        .await;
    id
}

/// Whether a password is his by now.
async fn opens(node: &Node, password: &str) -> bool {
    let kept = node
        .at(|engine| engine.account_named("dara").unwrap())
        .await;
    is_it(password, &kept.unwrap().1)
}

fn form(name: &str, present: &str, new: &str, again: &str) -> String {
    format!("username={name}&present={present}&new={new}&again={again}")
}

#[tokio::test]
async fn a_learner_changes_his_password() {
    let node = Node::start(CC1).await;
    learner(&node).await;
    let page = node
        .sent(node.learners, ("GET", "/password?lang=en"), "", b"")
        .await;
    assert!(page.status == 200 && page.has("Change your password") && !page.has("<script"));
    assert!(page.has("action=\"/password?lang=en\"") && page.head.contains("no-store"));
    // A name as people type it; nothing that was typed as a password comes back.
    let changed = node
        .send(
            node.learners,
            "/password?lang=en",
            &form("+Dara+", FIRST, SECOND, SECOND),
        )
        .await;
    assert!(changed.status == 200 && changed.has("Your password is changed"));
    assert!(!changed.has(FIRST) && !changed.has(SECOND));
    assert!(opens(&node, SECOND).await && !opens(&node, FIRST).await);
    // Behind the officers' door, too, and in his own language.
    let back = form("dara", SECOND, FIRST, FIRST);
    let back = node.send(node.address, "/password", &back).await;
    assert!(back.status == 200 && back.has("lang=\"km\"") && opens(&node, FIRST).await);
}

#[tokio::test]
async fn learners_reach_nothing_else() {
    let node = Node::start(CC1).await;
    let id = learner(&node).await;
    for target in [
        "/".to_owned(),
        "/find".to_owned(),
        "/moves".to_owned(),
        format!("/learner/{id}"),
        format!("/receipt/{id}"),
        format!("/account/{id}"),
    ] {
        for method in ["GET", "POST"] {
            let page = node.sent(node.learners, (method, &target), "", b"").await;
            assert!(page.status == 404 && !page.has("Dara"), "{method} {target}");
            assert!(page.has("href=\"/password?lang=km\"") && !page.has("href=\"/?"));
        }
    }
    let style = node
        .sent(node.learners, ("GET", "/style.css"), "", b"")
        .await;
    assert_eq!(style.status, 200);
}

#[tokio::test]
async fn ten_wrong_ones_wait_and_an_officer_helps() {
    let node = Node::start(CC1).await;
    let id = learner(&node).await;
    let wrong = form("dara", "not-it-1", SECOND, SECOND);
    let unknown = node
        .send(
            node.learners,
            "/password?lang=en",
            &form("nobody", FIRST, SECOND, SECOND),
        )
        .await;
    for _ in 0..10 {
        let page = node.send(node.learners, "/password?lang=en", &wrong).await;
        assert_eq!(page.status, 403);
        assert_eq!(
            page.body.replace("value=\"dara\"", ""),
            unknown.body.replace("value=\"nobody\"", ""),
            "an unknown name is told in the same words"
        );
    }
    let right = form("dara", FIRST, SECOND, SECOND);
    let page = node.send(node.learners, "/password?lang=en", &right).await;
    assert!(page.status == 429 && page.has("Try again in 1 minute"));
    assert!(opens(&node, FIRST).await, "nothing was changed");
    // An officer gives him another.
    let target = format!("/account/{id}?lang=en");
    let asked = node.get(&target).await;
    let (_, rest) = asked.body.split_once("name=\"token\" value=\"").unwrap();
    let token = rest.split('"').next().unwrap();
    let given = node
        .send(node.address, &target, &format!("token={token}"))
        .await;
    let (_, rest) = given
        .body
        .split_once("<dt>New password</dt><dd class=\"code\">")
        .unwrap();
    let password = rest.split('<').next().unwrap();
    assert!(given.has(">dara<") && opens(&node, password).await);
    let again = node.get(&target).await;
    assert!(!again.has(password), "it is shown once");
}

#[tokio::test]
async fn no_other_page_gives_a_password() {
    let node = Node::start(CC1).await;
    let id = learner(&node).await;
    let target = format!("/account/{id}?lang=en");
    let asked = node.get(&target).await;
    let (_, rest) = asked.body.split_once("name=\"token\" value=\"").unwrap();
    let token = format!("token={}", rest.split('"').next().unwrap());
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    for (from, status) in [
        ("origin: http://elsewhere\r\n", 403),
        ("origin: null\r\n", 403),
        ("origin: http://node.elsewhere\r\n", 403),
        ("sec-fetch-site: cross-site\r\n", 403),
        ("origin: http://node\r\nsec-fetch-site: same-site\r\n", 403),
        (
            "origin: http://node\r\nsec-fetch-site: same-origin\r\n",
            200,
        ),
    ] {
        let head = format!("{kind}{from}");
        let before = node
            .at(|engine| engine.account_named("dara").unwrap())
            .await;
        let page = node
            .sent(node.address, ("POST", &target), &head, token.as_bytes())
            .await;
        assert_eq!(page.status, status, "{from}");
        let after = node
            .at(|engine| engine.account_named("dara").unwrap())
            .await;
        assert_eq!(before == after, status == 403, "{from}");
    }
    let kept = node
        .at(|engine| engine.account_named("dara").unwrap())
        .await;
    for bad in ["", "token=", "token=00", "token=%FF&token=1", "tok"] {
        let page = node.send(node.address, &target, bad).await;
        assert!(page.has("This form was too old"), "{bad}");
    }
    let nobody = format!("/account/{}", "0".repeat(32));
    for missing in [nobody.as_str(), "/account/x", "/account/%FF"] {
        assert_eq!(node.get(missing).await.status, 404);
        assert_eq!(node.send(node.address, missing, &token).await.status, 404);
    }
    let after = node
        .at(|engine| engine.account_named("dara").unwrap())
        .await;
    assert_eq!(kept, after);
}

#[tokio::test]
async fn nothing_that_a_form_holds_does_harm() {
    let node = Node::start(CC1).await;
    learner(&node).await;
    let long = "x".repeat(73);
    let (khmer, huge) = ("%E1%9E%80".repeat(25), "x".repeat(100_000));
    for (body, status, words) in [
        (String::new(), 400, "Something is missing"),
        ("username=dara".to_owned(), 400, "Something is missing"),
        ("&&&===%%%".to_owned(), 400, "Something is missing"),
        (
            "username=dara&username=sok&present=1".to_owned(),
            400,
            "Something is missing",
        ),
        (form("dara", FIRST, SECOND, FIRST), 422, "not the same"),
        (form("dara", FIRST, "short", "short"), 422, "at least 6"),
        (form("dara", FIRST, &long, &long), 422, "at most 72"),
        (form("dara", FIRST, &khmer, &khmer), 422, "at most 72"),
        (form("dara", &long, SECOND, SECOND), 422, "at most 72"),
        (
            form("dara", FIRST, "line%0Aline", "line%0Aline"),
            422,
            "signs that cannot be used",
        ),
        (
            form("dara", FIRST, "%FF%FE%FFxxxx", "%FF%FE%FFxxxx"),
            422,
            "signs that cannot be used",
        ),
        (
            form("dara", FIRST, "null%00null", "null%00null"),
            422,
            "signs that cannot be used",
        ),
        (form(&long, FIRST, SECOND, SECOND), 403, "is not right"),
        (
            form("%22%3E%3Cscript%3E", FIRST, SECOND, SECOND),
            403,
            "is not right",
        ),
        (
            form("dara", "%FF%00%0A", SECOND, SECOND),
            403,
            "is not right",
        ),
        (form("da%00ra", FIRST, SECOND, SECOND), 403, "is not right"),
        (
            form("dara", FIRST, &huge, &huge),
            400,
            "Something is missing",
        ),
    ] {
        let page = node.send(node.learners, "/password?lang=en", &body).await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!(page.status, status, "{shown}: {}", page.body);
        assert!(page.has(words) && !page.has("<script"), "{shown}");
    }
    // What is no form at all.
    let target = ("POST", "/password?lang=en");
    let page = node
        .sent(node.learners, target, "content-type: text/plain\r\n", b"x")
        .await;
    assert_eq!(page.status, 400);
    assert_eq!(
        node.sent(node.learners, ("PUT", "/password"), "", b"")
            .await
            .status,
        405
    );
    assert!(opens(&node, FIRST).await);
}
