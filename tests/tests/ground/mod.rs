//! Homes of enrolled nodes in a temporary directory, and the real program on them.
//! Each story uses a part of it.

#![allow(dead_code)]

pub mod lines;
pub mod registers;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_spean-under-test");

/// A head office (home `dgp`) and some sites, enrolled, not running.
pub struct Ground {
    directory: TempDir,
}

/// What a command printed and how it ended.
pub struct Said {
    /// Both streams.
    pub text: String,
    out: String,
    code: Option<i32>,
}

impl Ground {
    /// Enrols the head office and the sites of these codes.
    pub fn of(sites: &[&str]) -> Self {
        let ground = Self::empty();
        ground.init_headquarters();
        let mut requests = vec![ground.path("dgp/request.toml")];
        for site in sites {
            ground
                .run(site, &["init", "--code", site, "--name", site])
                .done();
            requests.push(ground.path(&format!("{site}/request.toml")));
        }
        let mut begin = vec!["ceremony", "begin", "ceremony", "--no-passphrase"];
        for stick in ["root-1", "root-2", "root-3"] {
            std::fs::create_dir(ground.path(stick)).unwrap();
            begin.extend(["--stick", stick]);
        }
        begin.extend(requests.iter().map(String::as_str));
        ground.run("dgp", &begin).done();
        let roster = ground.path("ceremony/roster.spean");
        for home in sites.iter().chain(&["dgp"]) {
            ground.run(home, &["roster", "install", &roster]).done();
        }
        ground
    }

    /// Makes the head office's node, in the home `dgp`.
    pub fn init_headquarters(&self) {
        let headquarters = ["--code", "DGP", "--name", "Head office", "--headquarters"];
        self.run("dgp", &[&["init"][..], &headquarters].concat())
            .done();
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// A directory with nobody enrolled in it.
    pub fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs the program on a home to its end.
    pub fn run(&self, home: &str, arguments: &[&str]) -> Said {
        self.told(home, arguments, "")
    }

    /// Runs the program on a home, with this on its standard input.
    pub fn told(&self, home: &str, arguments: &[&str], input: &str) -> Said {
        let mut child = Command::new(PROGRAM)
            .current_dir(self.directory.path())
            .args(["--home", &self.path(home)])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It need not read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let text = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains("panicked"), "{arguments:?} panicked: {text}");
        Said {
            text,
            out,
            code: output.status.code(),
        }
    }

    /// Starts a node and waits until it listens; it is killed when the result is dropped, and stops
    /// where this program ends without that. What it logs is added to `node.log` in its home.
    pub fn start(&self, home: &str) -> Running {
        let log = self.path(&format!("{home}/node.log"));
        let log = File::options().create(true).append(true).open(log);
        let mut child = Command::new(PROGRAM)
            .args(["--home", &self.path(home), "run", "--until-input-ends"])
            .stdin(Stdio::piped())
            .env_remove("SPEAN_LOG")
            .stdout(Stdio::piped())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line.trim(), "ready");
        Running(child)
    }

    /// Adds a learner and returns his id.
    pub fn learner(&self, home: &str, name: &str) -> String {
        let added = self.run(home, &["learner", "add", "--latin", "Sok", name, "--json"]);
        added.done();
        added.json()["added"].as_str().unwrap().to_owned()
    }

    /// Records that a learner attended a session of micro-business.
    pub fn attends(&self, at: &str, learner: &str, session: &str) -> Said {
        let words = [
            "record",
            learner,
            "--kind",
            "attended",
            "--programme",
            "reintegration",
            "--module",
            "micro-business",
            "--session",
            session,
            "--date",
            "2026-07-02",
        ];
        self.run(at, &words)
    }

    /// Carries everything from one home to another, by a stick of its own, as a van takes it.
    pub fn carry(&self, from: &str, to: &str) -> Said {
        let stick = self.path(&format!("stick-{from}-{to}"));
        std::fs::create_dir_all(&stick).unwrap();
        self.run(from, &["stick", "export", &stick]).done();
        self.run(to, &["stick", "import", &stick])
    }

    /// Proposes a roster at a node, has two of the roots sign it, and installs it there; what the
    /// proposal said.
    pub fn ordain(&self, at: &str, words: &[&str]) -> Said {
        let proposed = self.run(at, &[&["ceremony", "propose", "ceremony"], words].concat());
        proposed.done();
        for stick in ["root-2", "root-3"] {
            let sign = ["ceremony", "sign", "ceremony", "--stick", stick];
            self.run(at, &sign).done();
        }
        let install = ["roster", "install", "ceremony/proposal.spean"];
        self.run(at, &install).done();
        proposed
    }

    /// Runs a shell command, for what the standard library lacks.
    pub fn shell(&self, command: &str) {
        assert!(
            Command::new("sh")
                .args(["-c", command])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Said {
    /// Whether it ended with status 0.
    pub fn is_done(&self) -> bool {
        self.code == Some(0)
    }

    /// It must have ended with status 0.
    pub fn done(&self) {
        self.ended(0);
    }

    /// It must have ended with that status.
    pub fn ended(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{}", self.text);
    }

    /// It must have printed that.
    pub fn said(&self, what: &str) {
        assert!(
            self.text.contains(what),
            "expected '{what}' in: {}",
            self.text
        );
    }

    /// It must have ended with that status and said why.
    pub fn refused(&self, code: i32, what: &str) {
        self.ended(code);
        self.said(what);
    }

    /// What it printed on standard output, as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// A node that runs.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
