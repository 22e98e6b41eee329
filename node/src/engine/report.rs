//! What people ask the engine: how it stands, who is here, what the nation's figures are. Nothing
//! here changes a learner's record.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::custody::{self, Stay};
use spean_protocol::event::{Date, Event};
use spean_protocol::frontier::{HeadMark, SiteFrontier};
use spean_protocol::id::{LearnerId, Position, SiteId, Stream};
use spean_protocol::limits::HEADS_MAX;
use spean_protocol::log::{HashAt, Head};
use spean_protocol::roster::Role;
use spean_protocol::seal;
use spean_protocol::segment::Log;
use spean_protocol::session::Host;
use spean_protocol::totals::{
    Contribution, Figures, LearnerFacts, Query, Statement, Who5Pair, statements, who5_pair,
};
use spean_protocol::view::{InEffect, LearnerView, Link, Persons};

use super::beyond::RunBeyondCut;
use super::keys::{key_of, learner_of};
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::store::{LearnerRow, Store, Table};

/// A site's statements with the place in its control log where they stand.
type Stated = (Position, Vec<Statement>);

/// How a node stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The code of this site.
    pub site: String,
    /// The name of this site.
    pub name: String,
    /// Whether it is the DGP's node.
    pub headquarters: bool,
    /// The version of the roster in force.
    pub roster: u32,
    /// Learners whose stay here is open; at the DGP, all that it reads.
    pub learners: u64,
    /// Events that wait to be sealed.
    pub pending: u64,
    /// Labels that wait to be folded.
    pub to_fold: u64,
    /// Pieces that were refused since this node was set up.
    pub set_aside: u64,
    /// The last reasons for which something was set aside, newest first.
    pub set_aside_reasons: Vec<String>,
    /// Runs of this site that are siblings: a copy of this machine exists or was restored.
    pub copies: u64,
    /// Runs of which a fork proof is held.
    pub forks: u64,
    /// Other sites that hold everything which this site has sealed, at second hand.
    pub held_by: Vec<String>,
    /// For each peer the day and hour, by this machine's clock, of the last exchange that came to
    /// its end.
    pub exchanges: Vec<(String, String)>,
    /// What is held of each site.
    pub sites: Vec<SiteStatus>,
}

/// What a node holds of one site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteStatus {
    /// The site's code.
    pub code: String,
    /// Data segments held.
    pub segments: u64,
    /// Whether something is missing below what is held.
    pub holes: bool,
    /// Runs of it that are siblings: a copy of its machine exists, or it was restored.
    pub copies: u64,
    /// Keys of its nodes that are trusted no more.
    pub revoked_keys: usize,
    /// What is kept beside the log: revoked keys signed it beyond their cuts.
    pub beyond_cut: Vec<RunBeyondCut>,
    /// The day that the site's own clock showed when it sealed the newest segment held here;
    /// `None` where nothing of it is here: "no data", never zero.
    pub data_through: Option<String>,
}

/// The figures of a period, with how fresh each site's data are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Totals {
    /// The figures.
    pub figures: Figures,
    /// Freshness by site.
    pub sites: Vec<SiteStatus>,
}

/// Who is one person.
pub(super) struct People {
    persons: Persons,
    /// Of each person's first id the others.
    others: BTreeMap<LearnerId, Vec<LearnerId>>,
}

impl People {
    /// All ids of the person who a learner is, the first one first.
    pub(super) fn ids(&self, learner: LearnerId) -> Vec<LearnerId> {
        let first = self.persons.person(learner);
        let others = self.others.get(&first).into_iter().flatten();
        std::iter::once(first).chain(others.copied()).collect()
    }
}

impl<S: Store> Engine<S> {
    /// How this node stands.
    ///
    /// # Errors
    /// What the store says.
    pub fn status(&self) -> Result<Status, EngineError> {
        let site = self.roster.site(self.site);
        let count = |table| {
            Ok::<u64, EngineError>(self.store.scan(table, &[], &[], usize::MAX)?.len() as u64)
        };
        Ok(Status {
            site: self.code(self.site),
            name: site.map(|site| site.name.clone()).unwrap_or_default(),
            headquarters: self.is_headquarters(),
            roster: self.roster.version,
            learners: self.store.count_learners(!self.reads_everyone())?,
            pending: count(Table::Pending)?,
            to_fold: count(Table::Dirty)?,
            set_aside: self.counter(b"aside")?,
            set_aside_reasons: self.set_aside_reasons(8)?,
            copies: self.copies(self.site),
            forks: self.forks.len() as u64,
            held_by: self.held_by().map(|site| self.code(site)).collect(),
            exchanges: self.exchanges()?,
            sites: self.freshness()?,
        })
    }

    /// Runs of a site that are siblings now, or were merged by its newest run: after the next one, people
    /// know. Of a forked run, each branch of the data.
    fn copies(&self, site: SiteId) -> u64 {
        let count_of = |heads: &[Head]| {
            let split = |head: &Head| head.data == 0 && self.forks.contains_key(&head.run.into());
            heads.iter().filter(|head| !split(head)).count() as u64
        };
        let heads = count_of(&self.skeleton.heads(site));
        let newest = self.skeleton.runs(site).next_back();
        let merged = newest.map_or(0, |(_, run)| count_of(&run.parents));
        heads.max(merged).saturating_sub(1)
    }

    fn set_aside_reasons(&self, limit: usize) -> Result<Vec<String>, EngineError> {
        let mut rows = self.set_aside_rows()?;
        rows.sort_unstable_by(|a, b| b.cmp(a));
        Ok(rows.into_iter().take(limit).map(|row| row.2).collect())
    }

    /// Notes that an exchange with a peer came to its end.
    ///
    /// # Errors
    /// What the store says.
    pub fn note_exchange(&mut self, peer: SiteId) -> Result<(), EngineError> {
        let stamp = self.world.wall_seconds();
        self.input(|engine| {
            let key = key_of(&[b"exchanged", &peer.0.to_be_bytes()]);
            Ok(engine
                .store
                .write(Table::Meta, &key, &stamp.to_be_bytes())?)
        })
    }

    fn exchanges(&self) -> Result<Vec<(String, String)>, EngineError> {
        let mut out = Vec::new();
        for site in &self.roster.sites {
            let stamp = self.counter(&key_of(&[b"exchanged", &site.id.0.to_be_bytes()]))?;
            if let Some(day) = day(stamp).filter(|_| stamp > 0) {
                let (hour, minute) = (stamp / 3600 % 24, stamp / 60 % 60);
                out.push((
                    site.code.clone(),
                    format!("{day} {hour:02}:{minute:02} UTC"),
                ));
            }
        }
        Ok(out)
    }

    /// The other sites that hold all of this site's log, as their receipts say.
    pub fn held_by(&self) -> impl Iterator<Item = SiteId> + '_ {
        let own = self.skeleton.heads(self.site);
        self.holders_of_log(own.iter().map(Head::mark).collect())
    }

    /// Those that hold so much of it.
    pub(super) fn holders_of_log(&self, own: Vec<HeadMark>) -> impl Iterator<Item = SiteId> + '_ {
        let holds = move |stated: &BTreeMap<SiteId, Vec<HeadMark>>| {
            let stated = stated.get(&self.site).map_or(&[][..], Vec::as_slice);
            let hash: HashAt<'_> = &|run, log, height| self.hash(run, log, height);
            self.skeleton.descends(self.site, stated, &own, hash)
        };
        self.receipts
            .iter()
            .filter(|(site, _)| **site != self.site)
            .filter(move |(_, (_, statement))| holds(&statement.complete))
            .map(|(site, _)| *site)
    }

    /// What is held of each site of the roster.
    ///
    /// # Errors
    /// What the store says.
    pub fn freshness(&self) -> Result<Vec<SiteStatus>, EngineError> {
        let mut out = Vec::new();
        for site in self
            .roster
            .sites
            .iter()
            .filter(|site| site.role == Role::Prison)
        {
            let newest = self.newest_stamp(site.id)?;
            let runs = self.skeleton.runs(site.id);
            let own = runs.map(|(_, run)| run.data.count() - u64::from(run.from(Log::Data)));
            let segments = own.sum();
            let SiteFrontier { beyond, .. } = self.skeleton.frontier(site.id);
            out.push(SiteStatus {
                code: site.code.clone(),
                segments,
                holes: !beyond.is_empty(),
                copies: self.copies(site.id),
                revoked_keys: self.roster.revoked_of(site.id).count(),
                beyond_cut: self.runs_beyond_cut(site.id)?,
                data_through: newest.and_then(day),
            });
        }
        Ok(out)
    }

    /// The latest hour that a site's own clock wrote into what is held of it.
    pub(super) fn newest_stamp(&self, site: SiteId) -> Result<Option<u64>, EngineError> {
        let mut newest = None;
        for (id, run) in self.skeleton.runs(site) {
            if let Some(range) = run.data.all().last() {
                newest = newest.max(self.stamp_at(id, Log::Data, range.1 - 1)?);
            }
        }
        Ok(newest)
    }

    fn stamp_at(
        &self,
        run: spean_protocol::id::RunId,
        log: Log,
        height: u32,
    ) -> Result<Option<u64>, EngineError> {
        let bytes = self.segment(run, log, height)?;
        let segment = bytes.and_then(|b| spean_protocol::segment::Segment::decode(&b).ok());
        Ok(segment.map(|segment| segment.header.stamp))
    }

    /// A learner's view, where this node keeps one.
    ///
    /// # Errors
    /// What the store says.
    pub fn view(&self, learner: LearnerId) -> Result<Option<LearnerView>, EngineError> {
        let row = self
            .store
            .learner(learner)?
            .filter(|row| !row.view.is_empty());
        Ok(row.map(|row| codec::decode(&row.view)).transpose()?)
    }

    /// The newest stay of a learner at this site, also after he has left: for receipts.
    ///
    /// # Errors
    /// What the store says.
    pub fn last_stay(&mut self, learner: LearnerId) -> Result<Option<Stay>, EngineError> {
        let Some(own) = self.own_stay(learner)? else {
            return Ok(None);
        };
        let entries = self.input(|engine| engine.entries(learner))?;
        let stays = custody::stays(&InEffect::of(&entries));
        let is_own = |stay: &Stay| stay.stay == own.stay && stay.site == self.site;
        Ok(stays.into_iter().find(is_own))
    }

    /// A learner's row, where this node ever read him.
    ///
    /// # Errors
    /// What the store says.
    pub fn learner(&self, learner: LearnerId) -> Result<Option<LearnerRow>, EngineError> {
        Ok(self.store.learner(learner)?)
    }

    /// Learners whose names or id contain `needle`; those here only, except at the DGP.
    ///
    /// # Errors
    /// What the store says.
    pub fn find(&self, needle: &str, limit: usize) -> Result<Vec<LearnerRow>, EngineError> {
        let here_only = !self.reads_everyone();
        Ok(self.store.find(&needle.to_lowercase(), here_only, limit)?)
    }

    /// Every event of a learner, for showing one through the project.
    ///
    /// # Errors
    /// [`EngineError::UnknownLearner`] where his record is not kept here.
    pub fn events(&mut self, learner: LearnerId) -> Result<Vec<(String, Event)>, EngineError> {
        if self.view(learner)?.is_none() {
            return Err(EngineError::UnknownLearner(learner));
        }
        let entries = self.input(|engine| engine.entries(learner))?;
        let mut events: Vec<(String, Event)> = Vec::with_capacity(entries.len());
        let mut seen = BTreeSet::new();
        for entry in entries {
            // One that was sealed twice, by a machine and by what it was set back to, is one.
            if seen.insert((entry.id.clone(), entry.event.encode())) {
                events.push((entry.id.0, entry.event));
            }
        }
        Ok(events)
    }

    /// A learner's education document as a file that any Automerge tool opens.
    ///
    /// # Errors
    /// [`EngineError::UnknownLearner`] where his record is not kept here.
    pub fn document(&mut self, learner: LearnerId) -> Result<Vec<u8>, EngineError> {
        if self.view(learner)?.is_none() {
            return Err(EngineError::UnknownLearner(learner));
        }
        self.input(|engine| Ok(engine.load_record(learner, Stream::Education)?.0.save()))
    }

    /// The figures of `query` over all that this node reads.
    ///
    /// # Errors
    /// What the store says.
    pub fn totals(&self, query: Query) -> Result<Totals, EngineError> {
        let persons = self.persons()?;
        let mut learners: Vec<(LearnerId, LearnerFacts, Vec<Contribution>)> = Vec::new();
        self.store.contributions(&mut |learner, facts, rows| {
            learners.push((persons.person(learner), facts, rows));
        })?;
        for (somebody, remains) in self.remains()? {
            learners.extend(
                remains
                    .into_iter()
                    .map(|(facts, rows)| (somebody, facts, rows)),
            );
        }
        let rows = learners
            .iter()
            .map(|(id, facts, rows)| (*id, *facts, rows.as_slice()));
        let figures = Figures::of(rows, self.statements()?, query);
        Ok(Totals {
            figures,
            sites: self.freshness()?,
        })
    }

    /// Who is one person, as records that are read here say, whichever of them does.
    fn persons(&self) -> Result<Persons, EngineError> {
        let mut links: Vec<(LearnerId, Vec<Link>)> = Vec::new();
        for (key, value) in self.store.scan(Table::Link, &[], &[], usize::MAX)? {
            links.push((learner_of(&key)?, codec::decode(&value)?));
        }
        if mutant::is_on(Mutant::LinksIgnored) {
            links.clear();
        }
        Ok(Persons::of(
            links.iter().map(|(id, links)| (*id, links.as_slice())),
        ))
    }

    /// The same, to find all ids of a person.
    pub(super) fn people(&self) -> Result<People, EngineError> {
        let persons = self.persons()?;
        let mut others: BTreeMap<LearnerId, Vec<LearnerId>> = BTreeMap::new();
        for (other, first) in persons.joined() {
            others.entry(first).or_default().push(other);
        }
        Ok(People { persons, others })
    }

    /// The sites' statements on restricted data that are known here.
    fn statements(&self) -> Result<Vec<Statement>, EngineError> {
        let mut all = self.own_statements()?;
        for (_, value) in self
            .store
            .scan(Table::Statement, b"site", &[], usize::MAX)?
        {
            let newest = self.newest(codec::decode(&value)?).into_iter().next();
            all.extend(newest.into_iter().flat_map(|(_, statements)| statements));
        }
        Ok(all)
    }

    fn own_statements(&self) -> Result<Vec<Statement>, EngineError> {
        let mut pairs = Vec::new();
        for (_, value) in self
            .store
            .scan(Table::Statement, b"pair", &[], usize::MAX)?
        {
            let (month, delta_items) = codec::decode(&value)?;
            pairs.push(Who5Pair {
                site: self.site,
                month,
                delta_items,
            });
        }
        Ok(statements(self.site, pairs))
    }

    /// Notes what a learner adds to this site's own statements, and his links.
    pub(super) fn keep_who5(
        &mut self,
        learner: LearnerId,
        view: &LearnerView,
    ) -> Result<(), EngineError> {
        if view.links.is_empty() {
            self.store.remove(Table::Link, &learner.0)?;
        } else {
            self.store
                .write(Table::Link, &learner.0, &codec::encode(&view.links))?;
        }
        // Only the sums stay when the learner has left, never an answer.
        let key = key_of(&[b"pair", &learner.0]);
        let before = self.store.read(Table::Statement, &key)?;
        let pair = who5_pair(view).filter(|pair| pair.site == self.site);
        let now = pair.map(|pair| codec::encode(&(pair.month, pair.delta_items)));
        if now == before {
            return Ok(());
        }
        match now {
            Some(value) => self.store.write(Table::Statement, &key, &value)?,
            None => self.store.remove(Table::Statement, &key)?,
        }
        Ok(self.store.write(Table::Meta, b"statement", b"changed")?)
    }

    /// Seals this site's statements to the DGP if they changed since they were last sent.
    pub(super) fn state_restricted(&mut self) -> Result<(), EngineError> {
        if self.store.read(Table::Meta, b"statement")?.is_none() {
            return Ok(());
        }
        self.store.remove(Table::Meta, b"statement")?;
        let Some(to) = self.roster.headquarters().map(|site| site.id) else {
            return Ok(());
        };
        let Some(key) = self.roster.box_key(to) else {
            return Ok(());
        };
        let content = codec::encode(&self.own_statements()?);
        if self.store.read(Table::Meta, b"statement sent")?.as_deref() == Some(&content) {
            return Ok(());
        }
        self.store.write(Table::Meta, b"statement sent", &content)?;
        let entropy = self.entropy(&content);
        let sealed = seal::box_seal(&key, &statement_info(self.site), &content, entropy)?;
        self.write_control(&[Entry::Statement { sealed }])
    }

    pub(super) fn forget_statements(&mut self, site: SiteId) -> Result<(), EngineError> {
        let key = key_of(&[b"site", &site.0.to_be_bytes()]);
        Ok(self.store.remove(Table::Statement, &key)?)
    }

    /// Takes a site's statement, at the DGP. The position is in the chain that brought it.
    pub(super) fn open_statement(
        &mut self,
        position: Position,
        sealed: &[u8],
    ) -> Result<(), EngineError> {
        let site = position.site;
        if !self.is_headquarters() {
            return Ok(());
        }
        let info = statement_info(site);
        let seeds = self.identity.boxes.values();
        let opened = seeds
            .into_iter()
            .find_map(|seed| seal::box_open(seed, &info, sealed).ok());
        let stated = opened.and_then(|bytes| codec::decode::<Vec<Statement>>(&bytes).ok());
        let Some(stated) = stated.filter(|all| all.iter().all(|one| one.site == site)) else {
            return self.set_aside(&format!("a statement of {site} that does not open"));
        };
        let key = key_of(&[b"site", &site.0.to_be_bytes()]);
        let held = self.store.read(Table::Statement, &key)?;
        let mut held: Vec<Stated> = match held {
            Some(bytes) => codec::decode(&bytes)?,
            None => Vec::new(),
        };
        held.push((position, stated));
        let mut newest = self.newest(held);
        newest.truncate(HEADS_MAX);
        let value = codec::encode(&newest);
        Ok(self.store.write(Table::Statement, &key, &value)?)
    }

    /// Of a site's statements those that no other follows in its log, whichever came first: one,
    /// and of copies of a machine one each. They are kept with the chain that they came in, and
    /// ordered by the name that all nodes have for it, the greatest first.
    fn newest(&self, mut stated: Vec<Stated>) -> Vec<Stated> {
        stated.sort_by_cached_key(|(position, _)| {
            let run = self
                .skeleton
                .name_at(position.run, Log::Control, position.height);
            std::cmp::Reverse(Position { run, ..*position })
        });
        stated.dedup_by_key(|(position, _)| *position);
        let places: Vec<Position> = stated.iter().map(|(position, _)| *position).collect();
        stated.retain(|(one, _)| {
            let before = |other: &Position| {
                one != other && self.skeleton.is_ancestor_in(Log::Control, *one, *other)
            };
            !places.iter().any(before)
        });
        stated
    }
}

fn statement_info(site: SiteId) -> Vec<u8> {
    [b"spean statement v1".as_slice(), &site.0.to_le_bytes()].concat()
}

/// The day of a stamp, as text; `None` for a clock beyond what a date can be.
pub(super) fn day(stamp: u64) -> Option<String> {
    let days = i32::try_from(stamp / 86_400).ok()?;
    Some(Date::from_days(days).ok()?.to_string())
}
