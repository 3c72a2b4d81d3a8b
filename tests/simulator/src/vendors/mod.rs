//! Vendors over HTTP: AMD's key distribution service, Intel's provisioning certification service, Azure's cache, NVIDIA's RIM
//! service and responder, issuers of tokens with their keys, as they are when all is well, and as they are when it is not.
//!
//! In: simulated platforms, a time, and a [`Conduct`]; out: an address. What is asked is counted, so that a test can say how
//! often. Only [`server`] knows sockets; [`amd`], [`intel`], [`issuers`] and [`nvidia`] say what is answered.

mod amd;
mod intel;
mod issuers;
mod nvidia;
mod server;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use self::{
    nvidia::Nvidia,
    server::{Question, Reply, Server},
};
use crate::{jose::KeySet, nvidia_rim::RimSpec, snp::Platform, x509::CertificateSpec};

const DAY: i64 = 24 * 3600;

/// How vendors behave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conduct {
    /// As they should.
    Honest,
    /// As they should, after so long.
    Slow(Duration),
    /// Connections are closed without a word.
    Down,
    /// 500.
    Failing,
    /// 429, with what `Retry-After` says.
    Throttling(Option<u32>),
    /// The same for the first question about each thing; then honest.
    ThrottlingOnce(u32),
    /// 200, and a page for people.
    Garbage,
    /// 200, and something genuine that was not asked for: another chip's, another line's, another TEE's.
    Lying,
    /// 200, and what was asked for, signed by nobody.
    Forging,
    /// What was true seven days ago, and is still in force.
    Replaying,
    /// As they should, and AMD's lists name the CAs, and NVIDIA's responder has every certificate on hold.
    Revoking,
    /// As they should, and NVIDIA's responder answers with the nonce of another question.
    Repeating,
    /// 200, and a body that does not end.
    Endless,
}

/// What is known of the world.
#[derive(Debug)]
struct World {
    platforms: Vec<Platform>,
    /// The seed of Intel's simulated keys.
    intel: String,
    nvidia: Mutex<Nvidia>,
    key_sets: Mutex<BTreeMap<String, KeySet>>,
    at: AtomicI64,
    conduct: Mutex<Conduct>,
    asked: Mutex<BTreeMap<String, usize>>,
}

/// Vendors that listen on a port of their own, until this is dropped.
#[derive(Debug)]
pub struct Vendors {
    world: Arc<World>,
    server: Server,
}

impl Vendors {
    /// AMD for `platforms`, Intel for [`crate::intel::Vendor`]s of the seed `intel`, at `at` in seconds since the Unix epoch. Azure's
    /// cache has the first platform's certificates.
    ///
    /// # Panics
    /// When the machine gives no port.
    #[must_use]
    pub fn start(platforms: Vec<Platform>, intel: &str, at: i64) -> Self {
        let world = Arc::new(World {
            platforms,
            intel: intel.to_owned(),
            nvidia: Mutex::default(),
            key_sets: Mutex::default(),
            at: AtomicI64::new(at),
            conduct: Mutex::new(Conduct::Honest),
            asked: Mutex::default(),
        });
        let served = world.clone();
        let server = Server::start(move |question| served.answer(question));
        Self { world, server }
    }

    /// Where they are reached: the base of every URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Has NVIDIA publish a RIM under an id, and answer for its signers.
    pub fn publish_rim(&self, id: &str, rim: RimSpec, signers: &[(&CertificateSpec, &CertificateSpec)]) {
        let mut nvidia = self.world.nvidia();
        nvidia.rims.push((id.to_owned(), rim));
        let signers = signers.iter().map(|(certificate, issuer)| ((*certificate).clone(), (*issuer).clone()));
        nvidia.certificates.extend(signers);
    }

    /// Has an issuer publish these keys, and none of those that it published before, under `/keys/{issuer}`.
    pub fn publish_keys(&self, issuer: &str, set: KeySet) {
        self.world.key_sets().insert(issuer.to_owned(), set);
    }

    /// Has NVIDIA's responder answer for a certificate.
    pub fn answer_for(&self, certificate: &CertificateSpec, issuer: &CertificateSpec) {
        self.world.nvidia().certificates.push((certificate.clone(), issuer.clone()));
    }

    /// Changes how they behave.
    pub fn conduct(&self, conduct: Conduct) {
        *self.world.conduct.lock().unwrap_or_else(PoisonError::into_inner) = conduct;
    }

    /// Changes the time.
    pub fn set_time(&self, at: i64) {
        self.world.at.store(at, Ordering::Relaxed);
    }

    /// How often something whose path has `part` in it was asked for.
    #[must_use]
    pub fn asked(&self, part: &str) -> usize {
        let asked = self.world.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|(target, _)| target.contains(part)).map(|(_, count)| count).sum()
    }
}

impl World {
    fn nvidia(&self) -> MutexGuard<'_, Nvidia> {
        self.nvidia.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key_sets(&self) -> MutexGuard<'_, BTreeMap<String, KeySet>> {
        self.key_sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, Question { target, is_from_a_guest, posted }: Question<'_>) -> Reply {
        let conduct = *self.conduct.lock().unwrap_or_else(PoisonError::into_inner);
        let before = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let count = asked.entry(target.to_owned()).or_default();
            *count += 1;
            *count - 1
        };
        match conduct {
            Conduct::Down => return Reply::Nothing,
            Conduct::Failing => return Reply::status(500),
            Conduct::Throttling(after) => return Reply::throttled(after),
            Conduct::ThrottlingOnce(after) if before == 0 => return Reply::throttled(Some(after)),
            Conduct::Garbage => return Reply::ok(b"<html><body>Service maintenance</body></html>".to_vec()),
            Conduct::Endless => return Reply::Endless,
            Conduct::Slow(wait) => std::thread::sleep(wait),
            _ => {}
        }
        let now = self.at.load(Ordering::Relaxed);
        let at = if conduct == Conduct::Replaying { now - 7 * DAY } else { now };
        let asking = Asking { world: self, conduct, at, is_from_a_guest };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if let Some(body) = posted {
            return nvidia::status(&asking, path, body).unwrap_or(Reply::status(404));
        }
        amd::answer(&asking, path, query)
            .or_else(|| intel::answer(&asking, path, query))
            .or_else(|| nvidia::rim(&asking, path))
            .or_else(|| issuers::keys(&asking, path))
            .unwrap_or(Reply::status(404))
    }
}

/// A question.
struct Asking<'a> {
    world: &'a World,
    conduct: Conduct,
    at: i64,
    /// Whether it has the header that Azure's metadata service wants to see.
    is_from_a_guest: bool,
}

impl Asking<'_> {
    fn is_lied_to(&self) -> bool {
        self.conduct == Conduct::Lying
    }

    fn is_forged_for(&self) -> bool {
        self.conduct == Conduct::Forging
    }
}

/// The value of a parameter.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}
