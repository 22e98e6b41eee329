//! The ground that the demo stands on: one directory with a home for each node, the registers that
//! they import, the ceremony, and room for sticks. Not here: what happens on it.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::nation::{LABEL, Nation, SiteFiles};
use crate::api::{Kind, Refusal};
use crate::ceremony::{Folder, Unlocked};
use crate::home::{Config, Home, ListenConfig, PeerConfig};
use crate::key_stick::KeyStick;
use crate::node::install_first;
use crate::world::{Machine, World};

/// The head office's code.
pub const HEADQUARTERS: &str = "DGP";

/// Bytes that the path of a Unix socket may have.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Seconds between two exchanges that a node begins by itself, beside those that the demo asks for.
const EVERY_SECONDS: u64 = 60;

/// Ports that no system hands out by itself: Linux those from 32768 on, the IANA's range begins with 49152.
/// One of them could go to any program's connection before the node starts that is to have it.
const PORTS: Range<u16> = 20_000..32_000;

/// Ports that are tried.
const PORT_ATTEMPTS: usize = 100;

/// How a site reaches the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It dials the head office with iroh.
    Iroh,
    /// It dials the head office with quinn.
    Quinn,
    /// By sticks only.
    Stick,
}

impl Line {
    /// How the site of that code reaches the others in the demo.
    fn of(code: &str) -> Self {
        match code {
            "CC1" => Self::Quinn,
            "CC4" | "KOH" | "PRV" | "BMC" | "TAK" => Self::Stick,
            _ => Self::Iroh,
        }
    }

    const fn driver(self) -> Option<&'static str> {
        match self {
            Self::Iroh => Some("iroh"),
            Self::Quinn => Some("quinn"),
            Self::Stick => None,
        }
    }
}

/// A site of the demo.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its code.
    pub code: String,
    /// Its name, with "assumed" where no source names it.
    pub name: String,
    /// How it reaches the others.
    pub line: Line,
}

/// The directory and what is laid out in it. It is removed when this is dropped, unless it is kept.
#[derive(Debug)]
pub struct Ground {
    directory: PathBuf,
    keep: bool,
    /// The sites, pilot sites first. The head office is not among them.
    pub sites: Vec<Site>,
    /// Where each node serves its pages.
    pub pages: BTreeMap<String, SocketAddr>,
}

impl Ground {
    /// Makes the directory, with registers, homes, roster and configurations.
    ///
    /// # Errors
    /// [`Refusal`] says what there is no room for, or what is in the way.
    pub fn lay(nation: &Nation, keep: bool) -> Result<Self, Refusal> {
        let random = Machine.random();
        let name = format!(
            "spean-demo-{}",
            data_encoding::HEXLOWER.encode(&random[..4])
        );
        let directory = std::env::temp_dir().join(name);
        let ground = Self {
            directory,
            keep,
            sites: sites(nation),
            pages: BTreeMap::new(),
        };
        let socket = ground.home("CC1").socket();
        if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            let shown = std::env::temp_dir();
            let message = format!(
                "{}: too long a path for the sockets of the nodes: set TMPDIR to a shorter one",
                shown.display()
            );
            return Err(Refusal::new(Kind::Home, message));
        }
        ground.lay_out(nation).map_err(no_room)
    }

    fn lay_out(mut self, nation: &Nation) -> Result<Self, Refusal> {
        let made = fs::DirBuilder::new().mode(0o700).create(&self.directory);
        made.map_err(|error| said(&self.directory, &error))?;
        for site in &nation.sites {
            self.write_register(site)?;
        }
        self.enrol()?;
        self.configure()?;
        Ok(self)
    }

    /// The home of a node.
    #[must_use]
    pub fn home(&self, code: &str) -> Home {
        Home::at(&self.home_path(code))
    }

    /// The directory of a node's home.
    #[must_use]
    pub fn home_path(&self, code: &str) -> PathBuf {
        self.directory.join(code)
    }

    /// The directory of everything.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A new directory for a stick, or for a backup.
    ///
    /// # Errors
    /// [`Refusal`] when it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Refusal> {
        let path = self.directory.join(name);
        fs::create_dir_all(&path)
            .map_err(|error| said(&path, &error))
            .map_err(no_room)?;
        Ok(path)
    }

    /// The file of a site's register: `learners` or `events`.
    #[must_use]
    pub fn register(&self, code: &str, which: &str) -> PathBuf {
        self.directory
            .join("registers")
            .join(code)
            .join(which)
            .with_extension("csv")
    }

    fn write_register(&self, site: &SiteFiles) -> Result<(), Refusal> {
        self.folder(&format!("registers/{}", site.code))?;
        for (which, text) in [
            ("learners", &site.learners_csv),
            ("events", &site.events_csv),
        ] {
            let path = self.register(site.code, which);
            fs::write(&path, text).map_err(|error| said(&path, &error))?;
        }
        Ok(())
    }

    /// Makes keys for everyone, and the roster that lists them; installs it everywhere.
    fn enrol(&self) -> Result<(), Refusal> {
        let headquarters = (
            HEADQUARTERS,
            "General Department of Prisons",
            "headquarters",
        );
        let prisons = self
            .sites
            .iter()
            .map(|site| (&*site.code, &*site.name, "prison"));
        let everyone: Vec<_> = std::iter::once(headquarters).chain(prisons).collect();
        let mut requests = Vec::new();
        for (code, name, role) in &everyone {
            let home = self.home(code);
            // The name stands on every page, and so what it is that the page shows.
            let name = format!("{name} - {LABEL}");
            requests.push(home.create((code, &name, role), 1, &mut Machine)?);
        }
        // In truth these lie in three buildings, each under a passphrase.
        let mut sticks = Vec::new();
        for number in 1..=3 {
            let stick = format!("root-{number}");
            self.folder(&stick)?;
            sticks.push(Unlocked {
                stick: KeyStick::at(&self.directory.join(stick)),
                passphrase: None,
            });
        }
        let folder = Folder::at(&self.directory.join("ceremony"));
        folder.begin(2, &sticks, &requests, &mut Machine)?;
        let path = folder.roster_path();
        let roster = fs::read(&path).map_err(|error| said(&path, &error))?;
        for (code, _, _) in &everyone {
            install_first(&self.home(code), &roster)?;
        }
        Ok(())
    }

    /// Writes each node's configuration. Ports are those that are free now.
    fn configure(&mut self) -> Result<(), Refusal> {
        let mut held = Vec::new();
        let mut listen = Vec::new();
        for driver in ["iroh", "quinn"] {
            let (socket, address) = free_port(UdpSocket::bind)?;
            listen.push(ListenConfig {
                driver: driver.to_owned(),
                address,
            });
            held.push(socket);
        }
        let mut pages = Vec::new();
        let codes = self.sites.iter().map(|site| site.code.clone());
        let codes: Vec<String> = std::iter::once(HEADQUARTERS.to_owned())
            .chain(codes)
            .collect();
        for code in codes {
            let (socket, address) = free_port(TcpListener::bind)?;
            self.pages.insert(code, address);
            pages.push(socket);
        }
        let config = Config {
            listen: listen.clone(),
            ..Config::default()
        };
        self.write_config(HEADQUARTERS, config)?;
        for site in &self.sites {
            let known = listen
                .iter()
                .find(|listen| Some(&*listen.driver) == site.line.driver());
            let peer = known.map(|listen| PeerConfig {
                site: HEADQUARTERS.to_owned(),
                driver: listen.driver.clone(),
                address: listen.address,
                every_seconds: EVERY_SECONDS,
            });
            let peer = peer.into_iter().collect();
            self.write_config(
                &site.code,
                Config {
                    peer,
                    ..Config::default()
                },
            )?;
        }
        Ok(())
    }

    fn write_config(&self, code: &str, config: Config) -> Result<(), Refusal> {
        let config = Config {
            web: self.pages.get(code).copied(),
            ..config
        };
        let path = self.home(code).config_path();
        let text = toml::to_string(&config)
            .map_err(|error| Refusal::new(Kind::Home, format!("{}: {error}", path.display())))?;
        fs::write(&path, text).map_err(|error| said(&path, &error))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if !self.keep {
            // Nothing can be done about what cannot be removed, and it is in the system's own
            // place for what may go.
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

fn sites(nation: &Nation) -> Vec<Site> {
    let site = |files: &SiteFiles| {
        let assumed = if files.pilot {
            ""
        } else {
            " (assumed, opened in 2026)"
        };
        Site {
            code: files.code.to_owned(),
            name: format!("{}{assumed}", files.name),
            line: Line::of(files.code),
        }
    };
    nation.sites.iter().map(site).collect()
}

/// Copies a directory with all that is in it, for a backup. Sockets are left out.
///
/// # Errors
/// [`Refusal`] names what cannot be copied.
pub fn copy_folder(from: &Path, to: &Path) -> Result<(), Refusal> {
    let failed = |error: std::io::Error| no_room(said(from, &error));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(to)
        .map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).map_err(failed)?;
        }
    }
    Ok(())
}

/// What the file system said, with the file.
pub fn said(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(Kind::Store, format!("{}: {error}", path.display()))
}

/// A refusal of the disk's, with what to do about it.
pub fn no_room(refusal: Refusal) -> Refusal {
    if refusal.kind != Kind::Store {
        return refusal;
    }
    let hint =
        "the demo needs about 150 MB in the folder for temporary files; TMPDIR names another";
    Refusal {
        message: format!("{} ({hint})", refusal.message),
        ..refusal
    }
}

/// A port of this machine that is free, with what holds it.
fn free_port<T>(
    bind: impl Fn(SocketAddr) -> std::io::Result<T>,
) -> Result<(T, SocketAddr), Refusal> {
    let mut refused = String::new();
    for _ in 0..PORT_ATTEMPTS {
        let random = Machine.random();
        let any = u16::from_le_bytes([random[0], random[1]]);
        let port = PORTS.start + any % (PORTS.end - PORTS.start);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match bind(address) {
            Ok(held) => return Ok((held, address)),
            Err(error) => refused = error.to_string(),
        }
    }
    let message = format!("this machine gives no free port on 127.0.0.1: {refused}");
    Err(Refusal::new(Kind::Link, message))
}
