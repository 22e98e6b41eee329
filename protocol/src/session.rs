//! One exchange between two nodes, as a state machine: frames in, frames out, over any reliable
//! byte stream. It opens no socket, reads no clock and may be cut at any frame: what was taken
//! before the cut stays, and the next exchange goes on from there.
//!
//! ```text
//! dialler                          other
//! Hello(digest)            ->
//!                          <-      Same                          nothing new: one round trip
//!                          <-      Summary                       else: what I have
//! Summary, what you lack,
//! receipts, Done           ->
//!                          <-      what you lack, receipts, Done, my receipt, End
//! my receipt, End          ->
//! ```
//! Control segments go before data, data of the peer's own site before others'. What the peer waits
//! for (a grant, an answer) goes before all, where much would stand before it. A site whose heads
//! the dialler does not know is ahead at the peer: the dialler waits for it, then compares again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::frontier::{Frontier, HeadMark, RunTag, check_heads};
use crate::id::{Hash, RunId, SiteId};
use crate::limits::{HEADS_MAX, LINEAGE_MAX, SITES_MAX};
use crate::log::{Coverage, HashAt, Skeleton, Span};
use crate::receipt::{self, Rank, Receipt};
use crate::segment::Log;

/// The version of the exchange that this program speaks.
pub const VERSION: u8 = 1;

/// Frames that may be refused or superfluous before the exchange is given up: an honest peer
/// sends duplicates only after a divergence longer than a lineage.
const REFUSED_MAX: u64 = 50_000;

/// Runs in the lineages of one summary, so that it fits into a frame. Beyond, duplicates are sent.
const LINEAGES_MAX: usize = 2_048;

/// Segments that one exchange sends ahead of their turn.
const AHEAD_MAX: usize = 64;

/// Control segments before one that is urgent which are soon sent: then it keeps its turn.
const SOON: u32 = 4;

/// What a node says that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The version of its roster.
    pub roster: u32,
    /// What it has of each site.
    pub frontier: Frontier,
    /// Runs that the peer may know, of sites of which either does not know the other's heads.
    pub lineage: BTreeMap<SiteId, Vec<HeadMark>>,
    /// The receipt that it holds of each author.
    pub receipts: BTreeMap<SiteId, Rank>,
    /// The forked runs that it knows a proof of.
    pub forks: BTreeSet<RunTag>,
}

impl Summary {
    fn check(&self) -> Result<(), DecodeError> {
        self.frontier.check()?;
        for count in [self.lineage.len(), self.receipts.len()] {
            codec::at_most(count, SITES_MAX)?;
        }
        codec::at_most(self.forks.len(), SITES_MAX * HEADS_MAX)?;
        self.lineage
            .values()
            .try_for_each(|heads| check_heads(heads, LINEAGE_MAX))
    }
}

/// One message of an exchange. On a stream each is preceded by its length as a varint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// Opens the exchange: a digest of all that the dialler has.
    Hello {
        /// The version of the exchange.
        version: u8,
        /// See [`Host::digest`].
        digest: [u8; 16],
    },
    /// The digests are equal: there is nothing to exchange.
    Same,
    /// What the sender has.
    Summary(Summary),
    /// A [`crate::roster::SignedRoster`].
    Roster(Vec<u8>),
    /// A [`crate::log::ForkProof`].
    Fork(Vec<u8>),
    /// A [`crate::segment::Segment`].
    Segment(Vec<u8>),
    /// A [`crate::receipt::Receipt`].
    Receipt(Vec<u8>),
    /// The sender has sent all that it knows the peer lacks.
    Done,
    /// The sender has taken everything and stated its receipt.
    End,
    /// A control segment of the sender's own log, ahead of its turn: somebody waits for what it
    /// says to the receiver. It comes again in its place.
    Ahead(Vec<u8>),
    /// Receipts of other authors: see [`receipt::pack`].
    Receipts(Vec<u8>),
}

impl Frame {
    /// The frame without its length.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for malformed bytes or more than `limits` allows.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let frame: Self = codec::decode(bytes)?;
        if let Self::Summary(summary) = &frame {
            summary.check()?;
        }
        Ok(frame)
    }
}

/// What the exchange needs of the node: reading what it has, taking what comes.
pub trait Host {
    /// Why the node itself cannot go on: its store failed. Ends the exchange.
    type Error;

    /// A digest of all that is exchanged: roster, heads with their hashes, forks, receipts. Equal
    /// at two nodes if and only if neither has anything for the other.
    fn digest(&self) -> [u8; 16];
    /// The shape of all logs.
    fn skeleton(&self) -> &Skeleton;
    /// Control segments of this node's own log in which something is for `peer` that it waits for.
    fn urgent(&self, peer: SiteId) -> Vec<(RunId, u32)>;
    /// The hash of a segment that is held.
    fn hash(&self, run: RunId, log: Log, height: u32) -> Option<Hash>;
    /// The version of the roster in force.
    fn roster_version(&self) -> u32;
    /// The ranks of the receipts held.
    fn receipts(&self) -> BTreeMap<SiteId, Rank>;
    /// The forked runs of which a proof is held.
    fn forks(&self) -> BTreeSet<RunTag>;
    /// The signed roster, as bytes.
    ///
    /// # Errors
    /// When the store fails.
    fn roster(&self) -> Result<Vec<u8>, Self::Error>;
    /// The proof of a forked run.
    ///
    /// # Errors
    /// When the store fails.
    fn fork(&self, run: RunTag) -> Result<Option<Vec<u8>>, Self::Error>;
    /// The receipt of an author; this node's own is made anew if it has more by now.
    ///
    /// # Errors
    /// When the store fails.
    fn receipt(&mut self, site: SiteId) -> Result<Option<Vec<u8>>, Self::Error>;
    /// A segment on the wire.
    ///
    /// # Errors
    /// When the store fails.
    fn segment(&self, run: RunId, log: Log, height: u32) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Takes a piece that came: `true` if it was new. What is refused is set aside by the node
    /// with its reason, and is no error here.
    ///
    /// # Errors
    /// When the store fails.
    fn take(&mut self, piece: Frame) -> Result<bool, Self::Error>;
}

/// Why an exchange ended early. What was taken before stays.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError<E> {
    /// The node's own store failed.
    #[error("{0}")]
    Host(E),
    /// The peer speaks a version that this program does not.
    #[error("the peer speaks version {0} of the exchange: update the older node")]
    Version(u8),
    /// The peer sent what does not belong here.
    #[error("the peer broke the protocol: {0}")]
    Protocol(&'static str),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this frame.
    Send(Frame),
    /// Nothing to send until the peer says something.
    Wait,
    /// The exchange is complete on both sides.
    Finished,
}

/// What an exchange did, for people and benchmarks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Both had the same: nothing was exchanged.
    pub same: bool,
    /// The exchange came to its end on both sides.
    pub complete: bool,
    /// Segments sent.
    pub sent: u64,
    /// Segments and receipts taken that were new.
    pub taken: u64,
    /// Pieces that were not new or were refused.
    pub refused: u64,
}

/// One side of an exchange.
#[derive(Debug)]
pub struct Session {
    peer: SiteId,
    here: SiteId,
    dialler: bool,
    outbox: VecDeque<Frame>,
    summary: Option<Summary>,
    plan: VecDeque<Span>,
    /// Sites of which nothing is sent until the peer is done.
    deferred: Vec<SiteId>,
    /// Sites that are further at the peer: compared again then, since a fork may come to light.
    ahead: Vec<SiteId>,
    /// What was planned to be sent so far.
    planned: Coverage,
    sent_done: bool,
    sent_end: bool,
    got_done: bool,
    got_end: bool,
    outcome: Outcome,
}

impl Session {
    /// The side that dials `peer`.
    pub fn dial<H: Host>(host: &H, here: SiteId, peer: SiteId) -> Self {
        let hello = Frame::Hello {
            version: VERSION,
            digest: host.digest(),
        };
        Self {
            outbox: VecDeque::from([hello]),
            dialler: true,
            ..Self::answer(here, peer)
        }
    }

    /// The side that was dialled by `peer`.
    #[must_use]
    pub fn answer(here: SiteId, peer: SiteId) -> Self {
        Self {
            peer,
            here,
            dialler: false,
            outbox: VecDeque::new(),
            summary: None,
            plan: VecDeque::new(),
            deferred: Vec::new(),
            ahead: Vec::new(),
            planned: Coverage::new(),
            sent_done: false,
            sent_end: false,
            got_done: false,
            got_end: false,
            outcome: Outcome::default(),
        }
    }

    /// What the exchange did so far.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Segments that are still to be sent, as far as is known: for a progress bar.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.plan
            .iter()
            .map(|span| u64::from(span.end - span.start))
            .sum()
    }

    /// What to do next. Call until it says [`Step::Wait`] or [`Step::Finished`].
    ///
    /// # Errors
    /// [`SessionError::Host`].
    pub fn next<H: Host>(&mut self, host: &mut H) -> Result<Step, SessionError<H::Error>> {
        if let Some(frame) = self.outbox.pop_front() {
            return Ok(Step::Send(frame));
        }
        if self.outcome.complete {
            return Ok(Step::Finished);
        }
        if self.summary.is_none() {
            return Ok(Step::Wait);
        }
        while let Some(span) = self.plan.front_mut() {
            let (run, log, height) = (span.run, span.log, span.start);
            span.start += 1;
            if span.start >= span.end {
                self.plan.pop_front();
            }
            if let Some(bytes) = host.segment(run, log, height).map_err(SessionError::Host)? {
                self.outcome.sent += 1;
                return Ok(Step::Send(Frame::Segment(bytes)));
            }
        }
        if !self.deferred.is_empty() && !self.got_done {
            return Ok(Step::Wait);
        }
        if !self.sent_done {
            self.sent_done = true;
            self.queue_receipts(host)?;
            self.outbox.push_back(Frame::Done);
            return self.next(host);
        }
        if self.got_done && !self.sent_end {
            self.sent_end = true;
            let own = host.receipt(self.here).map_err(SessionError::Host)?;
            let newer = self.peer_lacks(self.here, host.receipts().get(&self.here));
            self.outbox
                .extend(own.filter(|_| newer).map(Frame::Receipt));
            self.outbox.push_back(Frame::End);
            return self.next(host);
        }
        if self.sent_end && self.got_end {
            self.outcome.complete = true;
            return Ok(Step::Finished);
        }
        Ok(Step::Wait)
    }

    /// Takes a frame of the peer's.
    ///
    /// # Errors
    /// [`SessionError`] where the exchange must end.
    pub fn receive<H: Host>(
        &mut self,
        frame: Frame,
        host: &mut H,
    ) -> Result<(), SessionError<H::Error>> {
        match frame {
            Frame::Hello { version, digest } => self.hello(version, digest, host),
            Frame::Same if self.dialler && self.summary.is_none() => {
                (self.outcome.same, self.outcome.complete) = (true, true);
                Ok(())
            }
            Frame::Summary(summary) if self.summary.is_none() => self.summarised(summary, host),
            Frame::Done if self.summary.is_some() && !self.got_done => {
                self.got_done = true;
                let mut again = std::mem::take(&mut self.deferred);
                again.append(&mut self.ahead);
                for site in again {
                    self.compare(site, host);
                }
                Ok(())
            }
            Frame::End if self.got_done && !self.got_end => {
                self.got_end = true;
                Ok(())
            }
            Frame::Roster(_)
            | Frame::Fork(_)
            | Frame::Segment(_)
            | Frame::Receipt(_)
            | Frame::Receipts(_)
            | Frame::Ahead(_)
                if self.summary.is_some() && !self.got_end =>
            {
                if host.take(frame).map_err(SessionError::Host)? {
                    self.outcome.taken += 1;
                } else {
                    self.outcome.refused += 1;
                }
                if self.outcome.refused > REFUSED_MAX {
                    return Err(SessionError::Protocol("too much that is not wanted"));
                }
                Ok(())
            }
            _ => Err(SessionError::Protocol("a frame out of turn")),
        }
    }

    fn hello<H: Host>(
        &mut self,
        version: u8,
        digest: [u8; 16],
        host: &H,
    ) -> Result<(), SessionError<H::Error>> {
        if self.dialler || self.summary.is_some() || !self.outbox.is_empty() {
            return Err(SessionError::Protocol("a second greeting"));
        }
        if version != VERSION {
            return Err(SessionError::Version(version));
        }
        if digest == host.digest() {
            (self.outcome.same, self.outcome.complete) = (true, true);
            self.outbox.push_back(Frame::Same);
        } else {
            self.outbox.push_back(Frame::Summary(own_summary(host)));
        }
        Ok(())
    }

    fn summarised<H: Host>(
        &mut self,
        summary: Summary,
        host: &H,
    ) -> Result<(), SessionError<H::Error>> {
        if self.dialler {
            let mut own = own_summary(host);
            let skeleton = host.skeleton();
            let hash: HashAt<'_> = &|run, log, height| host.hash(run, log, height);
            let mut marks = 0;
            for (site, frontier) in &summary.frontier.0 {
                if frontier == skeleton.frontier(*site) {
                    continue;
                }
                let covered = skeleton.coverage(*site, frontier, &[], hash);
                if !covered.known {
                    self.deferred.push(*site);
                } else if covered.ahead {
                    self.ahead.push(*site);
                }
                // The peer, too, may not know a head that is stated here.
                let lineage = skeleton.lineage(*site, frontier, &covered, hash);
                if !lineage.is_empty() && marks < LINEAGES_MAX {
                    marks += lineage.len();
                    own.lineage.insert(*site, lineage);
                }
            }
            self.outbox.push_back(Frame::Summary(own));
        }
        if summary.roster < host.roster_version() {
            let roster = host.roster().map_err(SessionError::Host)?;
            self.outbox.push_back(Frame::Roster(roster));
        }
        for run in host.forks().difference(&summary.forks) {
            let proof = host.fork(*run).map_err(SessionError::Host)?;
            self.outbox.extend(proof.map(Frame::Fork));
        }
        self.send_ahead(&summary, host)?;
        self.summary = Some(summary);
        let sites: Vec<_> = host
            .skeleton()
            .sites()
            .filter(|site| !self.deferred.contains(site))
            .collect();
        for site in sites {
            self.compare(site, host);
        }
        Ok(())
    }

    /// What the peer waits for goes first, where much would stand before it in its turn.
    fn send_ahead<H: Host>(
        &mut self,
        summary: &Summary,
        host: &H,
    ) -> Result<(), SessionError<H::Error>> {
        let urgent = host.urgent(self.peer);
        if urgent.is_empty() {
            return Ok(());
        }
        let frontier = summary.frontier.0.get(&self.here).cloned();
        let hash: HashAt<'_> = &|run, log, height| host.hash(run, log, height);
        let covered = host
            .skeleton()
            .coverage(self.here, &frontier.unwrap_or_default(), &[], hash);
        for (run, height) in urgent.into_iter().take(AHEAD_MAX) {
            let held = covered.runs.get(&run).map_or(0, |held| held.0);
            if height < held || (held > 0 && height - held < SOON) {
                continue;
            }
            let segment = host.segment(run, Log::Control, height);
            let segment = segment.map_err(SessionError::Host)?;
            self.outbox.extend(segment.map(Frame::Ahead));
        }
        Ok(())
    }

    /// Plans what of `site` the peer lacks. Control goes before all data, of the peer's own and of
    /// the sender's log before others'; the peer's own data before others': a machine that was
    /// restored gets its tail back first.
    fn compare<H: Host>(&mut self, site: SiteId, host: &H) {
        let skeleton = host.skeleton();
        let Some(summary) = &self.summary else { return };
        let frontier = summary.frontier.0.get(&site).cloned().unwrap_or_default();
        let lineage = summary.lineage.get(&site).map_or(&[][..], Vec::as_slice);
        if frontier == *skeleton.frontier(site) {
            return;
        }
        let hash: HashAt<'_> = &|run, log, height| host.hash(run, log, height);
        let mut covered = skeleton.coverage(site, &frontier, lineage, hash);
        covered.add(&self.planned);
        for span in skeleton.missing(site, &covered) {
            let planned = self.planned.entry(span.run).or_default();
            match span.log {
                Log::Control => planned.0 = span.end,
                Log::Data => planned.1.insert(span.start, span.end),
            }
            self.plan.push_back(span);
        }
        let of = |span: &Span, site| skeleton.run(span.run).is_some_and(|run| run.site == site);
        let (peer, here) = (self.peer, self.here);
        let rank = |span: &Span| match span.log {
            _ if of(span, peer) => 0,
            Log::Control if of(span, here) => 1,
            _ => 2,
        };
        self.plan
            .make_contiguous()
            .sort_by_key(|span| (span.log, rank(span)));
    }

    fn queue_receipts<H: Host>(&mut self, host: &mut H) -> Result<(), SessionError<H::Error>> {
        let mut receipts = Vec::new();
        for (site, rank) in host.receipts() {
            // The own one follows with the end: it is to cover what this exchange brought.
            if site != self.here && self.peer_lacks(site, Some(&rank)) {
                let receipt = host.receipt(site).map_err(SessionError::Host)?;
                receipts.extend(receipt.and_then(|bytes| Receipt::decode(&bytes).ok()));
            }
        }
        let receipts: Vec<Receipt> = receipts.into_iter().map(|(receipt, _)| receipt).collect();
        let packed = receipt::pack(&receipts).into_iter();
        self.outbox.extend(packed.map(Frame::Receipts));
        Ok(())
    }

    /// Whether the peer's receipt of that author counts less than this one.
    fn peer_lacks(&self, site: SiteId, rank: Option<&Rank>) -> bool {
        self.summary
            .as_ref()
            .is_some_and(|summary| summary.receipts.get(&site) < rank)
    }
}

fn own_summary<H: Host>(host: &H) -> Summary {
    let skeleton = host.skeleton();
    Summary {
        roster: host.roster_version(),
        frontier: Frontier(
            skeleton
                .sites()
                .map(|s| (s, skeleton.frontier(s).clone()))
                .collect(),
        ),
        lineage: BTreeMap::new(),
        receipts: host.receipts(),
        forks: host.forks(),
    }
}
