//! Who listens, who dials over what, and what came of it: configurations, and what the nodes' own
//! logs say about their exchanges.

use std::fmt::Write;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::Ground;

/// One exchange that a node dialled, from its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// The handshake.
    pub dial_ms: u64,
    /// From there to the exchange's end on this side.
    pub exchange_ms: u64,
    /// It came to its end; else it was cut.
    pub whole: bool,
    /// Neither side had anything new.
    pub same: bool,
    /// Segments that this side sent.
    pub sent: u64,
    /// Pieces that were new here.
    pub taken: u64,
    /// Pieces that were not new here or were refused.
    pub refused: u64,
}

impl Dialled {
    /// Reads a line of the log, if it is about such an exchange.
    fn read(line: &str) -> Option<Self> {
        let dial_ms = number(line, "dial_ms=")?;
        let whole = line.contains(" exchanged ");
        let counted = |name| if whole { number(line, name) } else { Some(0) };
        Some(Self {
            dial_ms,
            exchange_ms: number(line, "exchange_ms=")?,
            whole,
            same: line.contains("same: true"),
            sent: counted(" sent: ")?,
            taken: counted("taken: ")?,
            refused: counted("refused: ")?,
        })
    }
}

fn number(line: &str, name: &str) -> Option<u64> {
    let (_, rest) = line.split_once(name)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

impl Ground {
    /// Lets a node listen by these drivers, on IPv6: what is dialled by IPv4 through a proxy then
    /// has no direct way past it. Returns the addresses, in the drivers' order.
    pub fn listen(&self, home: &str, drivers: &[&str]) -> Vec<SocketAddr> {
        let sockets: Vec<_> = drivers
            .iter()
            .map(|_| UdpSocket::bind("[::1]:0").unwrap())
            .collect();
        let mut config = String::new();
        let mut addresses = Vec::new();
        for (driver, socket) in drivers.iter().zip(&sockets) {
            let address = socket.local_addr().unwrap();
            write!(
                config,
                "[[listen]]\ndriver = \"{driver}\"\naddress = \"{address}\"\n"
            )
            .unwrap();
            addresses.push(address);
        }
        std::fs::write(self.path(&format!("{home}/config.toml")), config).unwrap();
        addresses
    }

    /// Lets a node dial `peer` there: once when it starts, then every so many seconds.
    pub fn dial(&self, home: &str, (peer, driver): (&str, &str), to: SocketAddr, seconds: u64) {
        let config = format!(
            "[[peer]]\nsite = \"{peer}\"\ndriver = \"{driver}\"\naddress = \"{to}\"\n\
             every_seconds = {seconds}\n"
        );
        std::fs::write(self.path(&format!("{home}/config.toml")), config).unwrap();
    }

    /// What a node has logged since it was first started.
    pub fn log(&self, home: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{home}/node.log"))).unwrap_or_default()
    }

    /// The exchanges that a node dialled, oldest first, with those that were cut.
    pub fn dialled(&self, home: &str) -> Vec<Dialled> {
        self.log(home).lines().filter_map(Dialled::read).collect()
    }

    /// Lets a running node exchange now, and tells how that went.
    pub fn sync(&self, home: &str, peer: &str) -> Dialled {
        let before = self.dialled(home).len();
        let said = self.run(home, &["sync", peer]);
        let after = self.dialled(home);
        assert!(after.len() > before, "nothing was logged: {}", said.text);
        after[before]
    }

    /// Data segments that a running or stopped node holds, for each site by code, and whether
    /// something is missing below them. It may have refused none.
    pub fn segments(&self, home: &str) -> Vec<(String, u64, bool)> {
        let status = self.run(home, &["status", "--json"]);
        status.done();
        let status = status.json();
        let sites = status["status"]["sites"].as_array().unwrap();
        let line = |site: &serde_json::Value| {
            let code = site["code"].as_str().unwrap().to_owned();
            let holes = site["holes"].as_bool().unwrap();
            (code, site["segments"].as_u64().unwrap(), holes)
        };
        assert_eq!(status["status"]["set_aside"], 0, "{home}: {status}");
        sites.iter().map(line).collect()
    }
}

/// Waits until something is so; says in vain for what, if it never is.
pub fn until(what: &str, patience: Duration, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < patience, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
