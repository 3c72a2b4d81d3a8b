//! `prooftrail endorsements`: what vendors publish, fetched into a folder, taken out of a service's cache, and brought into a
//! folder elsewhere; so that machines without a network verify as others do. docs/endorsements.md.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use prooftrail_evidence::{
    AmdKey, AmdProduct, AwsLc, Endorsements, IntelCa, Tee, Wanted, admit, device_statuses, statuses, wanted,
};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_trust_roots::RootSet;
use serde::Serialize;

use super::{
    Ended, appraise, files,
    output::{Output, plain},
    roots::RootFiles,
};
use crate::{
    endorsements::{
        Failure, Fetcher, Kept, Places,
        disk::{Disk, Found, ItemRecord},
        folder::{self, Written},
        places::{self, KeySets, Update},
    },
    log::SystemClock,
};

/// How long a vendor may ask us to wait, in all.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What vendors publish, for machines without a network.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Fetch what evidence, a product line or a platform family needs, into a folder.
    #[command(after_help = "\
Exit status: 0 everything is there, 1 something could not be had, 2 usage or I/O.
The folder is what endorsements.folder of the service reads, and what `import` takes.

Examples:
  prooftrail endorsements fetch --evidence report.bin --kind amd-sev-snp --into endorsements
  prooftrail endorsements fetch --amd-product genoa --into endorsements
  prooftrail endorsements fetch --item google-confidential-space-keys --into endorsements
  prooftrail endorsements fetch --fmspc 90c06f000000 --tee tdx --intel-update early --into endorsements --json")]
    Fetch(Box<Fetch>),
    /// Take out of a service's cache what is in force, into a folder.
    #[command(after_help = "\
Exit status: 0 everything that was kept is there, 1 something was left out, 2 usage or I/O.

Example:
  prooftrail endorsements export --cache prooftrail-data/endorsements --into carried")]
    Export {
        /// The cache: the directory `endorsements` in the service's data.
        #[arg(long, value_name = "DIRECTORY")]
        cache: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Bring a folder that was made elsewhere into one of this machine, verified.
    #[command(after_help = "\
Every file must have the digest and the type that the manifest says, and be signed under a root that is pinned, or named
with --root. What is there stays where it is younger.

Exit status: 0 everything is there, 1 something was left out, 2 usage, I/O, or a folder that is not whole.

Example:
  prooftrail endorsements import /media/usb/carried --into /var/lib/prooftrail/endorsements")]
    Import {
        /// The folder that was made elsewhere.
        from: PathBuf,
        #[command(flatten)]
        target: Target,
    },
}

/// Where to, under which roots, and how to tell.
#[derive(ClapArgs, Debug)]
pub(super) struct Target {
    /// The folder; made if it is not there.
    #[arg(long, value_name = "DIRECTORY")]
    into: PathBuf,
    #[command(flatten)]
    roots: RootFiles,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `fetch`.
#[derive(ClapArgs, Debug)]
pub(super) struct Fetch {
    /// Evidence whose needs are fetched; with --kind.
    #[arg(long, value_name = "FILE", requires = "kind")]
    evidence: Option<PathBuf>,
    /// The kind of that evidence.
    #[arg(long, value_parser = appraise::kind_parser(), requires = "evidence")]
    kind: Option<Kind>,
    /// The CA certificates and the list of an AMD product line; beside --evidence, the line of a report that names no CPU.
    #[arg(long, value_enum, value_name = "LINE")]
    amd_product: Option<Product>,
    /// Those of keys that clouds load, instead of chips' own.
    #[arg(long, requires = "amd_product")]
    vlek: bool,
    /// Intel's collateral for a platform family.
    #[arg(long, value_name = "HEX", value_parser = parse_fmspc, requires = "tee")]
    fmspc: Option<[u8; 6]>,
    /// The TEE of that family.
    #[arg(long, value_enum)]
    tee: Option<TeeName>,
    /// The CA of that family's platforms.
    #[arg(long, value_enum, default_value = "platform")]
    ca: Ca,
    /// Certificates that came beside the evidence: of an NVIDIA device's chain. May be repeated.
    #[arg(long = "endorsement", value_name = "FILE", requires = "evidence")]
    endorsements: Vec<PathBuf>,
    /// Something by its name, such as amd-milan-vcek-crl, intel-root-crl or nvidia-nras-keys. May be repeated.
    #[arg(long = "item", value_name = "NAME")]
    items: Vec<Wanted>,
    /// AMD's key distribution service.
    #[arg(long, value_name = "URL", default_value = places::AMD)]
    amd_url: String,
    /// Intel's provisioning certification service, or a cache of it.
    #[arg(long, value_name = "URL", default_value = places::INTEL)]
    intel_url: String,
    /// The list of Intel's root.
    #[arg(long, value_name = "URL", default_value = places::INTEL_ROOT_CRL)]
    intel_root_crl_url: String,
    /// Which round of evaluation Intel is asked for.
    #[arg(long, value_enum, default_value = "standard")]
    intel_update: UpdateName,
    /// Azure's metadata service, inside one of its guests: http://169.254.169.254.
    #[arg(long, value_name = "URL")]
    azure_thim_url: Option<String>,
    /// NVIDIA's RIM service.
    #[arg(long, value_name = "URL", default_value = places::NVIDIA_RIM)]
    nvidia_rim_url: String,
    /// NVIDIA's OCSP responder.
    #[arg(long, value_name = "URL", default_value = places::NVIDIA_OCSP)]
    nvidia_ocsp_url: String,
    /// A token issuer's keys elsewhere, by their name. May be repeated.
    #[arg(long = "keys-url", value_name = "NAME=URL", value_parser = parse_keys_url)]
    keys_urls: Vec<(String, String)>,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Product {
    Milan,
    Genoa,
    Turin,
}

impl From<Product> for AmdProduct {
    fn from(product: Product) -> Self {
        match product {
            Product::Milan => Self::Milan,
            Product::Genoa => Self::Genoa,
            Product::Turin => Self::Turin,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TeeName {
    Tdx,
    Sgx,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ca {
    Platform,
    Processor,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UpdateName {
    Standard,
    Early,
}

fn parse_keys_url(text: &str) -> Result<(String, String), String> {
    let named = text.split_once('=').map(|(name, url)| (name.to_owned(), url.to_owned()));
    named.ok_or_else(|| "NAME=URL, such as nvidia-nras-keys=https://mirror.example/keys".to_owned())
}

fn parse_fmspc(text: &str) -> Result<[u8; 6], String> {
    let mut bytes = [0; 6];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "twelve hexadecimal digits".to_owned())?;
    Ok(bytes)
}

/// What became of one thing.
#[derive(Serialize)]
struct Told {
    name: String,
    /// `new`, `same`, `older`, or `failed`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    sha256: Vec<String>,
}

impl Told {
    fn of(kept: &Kept, written: Written) -> Self {
        let record = ItemRecord::of(kept);
        let (outcome, code) = match written {
            Written::New => ("new", None),
            Written::Same => ("same", None),
            Written::Older => ("older", Some("endorsements.replayed".to_owned())),
        };
        let detail = (written == Written::Older).then(|| "what is there is younger, and stays".to_owned());
        let sha256 = record.files.into_iter().map(|file| file.sha256).collect();
        Self { name: record.name, outcome, code, detail, url: Some(record.url), until: Some(record.until), sha256 }
    }

    fn failed(wanted: &Wanted, failure: &Failure) -> Self {
        Self {
            name: wanted.to_string(),
            outcome: "failed",
            code: Some(failure.code().to_owned()),
            detail: Some(failure.to_string()),
            url: None,
            until: None,
            sha256: Vec::new(),
        }
    }
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        match self {
            Self::Fetch(fetch) => fetch.run(output),
            Self::Export { cache, target } => {
                // A directory that is not there is a mistake, and is not made.
                std::fs::read_dir(cache.join("items")).with_context(|| format!("no cache at {}", cache.display()))?;
                let found = Disk::open(&cache).and_then(|disk| disk.load());
                let found = found.with_context(|| format!("cannot read {}", cache.display()))?;
                target.take(output, found)
            }
            Self::Import { from, target } => {
                let found = folder::read(&from)?;
                target.take(output, found)
            }
        }
    }
}

impl Target {
    /// Verifies what was found, and writes what is in force.
    fn take(&self, output: &mut Output, found: Vec<Found>) -> anyhow::Result<Ended> {
        let (roots, now) = (self.roots.load()?, super::now()?);
        let mut failed = Vec::new();
        let mut kept = Vec::new();
        for found in found {
            match verified(&found, &roots, now) {
                Ok(good) => kept.push(good),
                Err(failure) => failed.push(Told::failed(&found.wanted, &failure)),
            }
        }
        self.write(output, &kept, failed)
    }

    fn write(&self, output: &mut Output, kept: &[Kept], failed: Vec<Told>) -> anyhow::Result<Ended> {
        let written = folder::write(&self.into, kept)?;
        let mut told: Vec<Told> = kept.iter().zip(written).map(|(kept, written)| Told::of(kept, written)).collect();
        told.extend(failed);
        let is_all = told.iter().all(|told| told.code.is_none());
        if self.json {
            output.json(&serde_json::json!({ "folder": self.into, "complete": is_all, "items": told }))?;
        } else {
            for Told { name, outcome, detail, until, .. } in &told {
                let until = until.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
                let detail = detail.as_ref().map(|detail| format!(": {}", plain(detail))).unwrap_or_default();
                output.line(format!("{outcome:<6} {name}{until}{detail}"))?;
            }
            output.line(format!("{} in {}", told.len(), self.into.display()))?;
        }
        Ok(if is_all { Ended::Well } else { Ended::Refused })
    }
}

fn verified(found: &Found, roots: &RootSet, at: Timestamp) -> Result<Kept, Failure> {
    let admitted = admit(&found.wanted, &found.files, &found.issuers, roots, &AwsLc, at)?;
    let Found { wanted, fetched, url, files, issuers } = found.clone();
    Ok(Kept { wanted, files, issuers, admitted, fetched, url })
}

impl Fetch {
    fn run(&self, output: &mut Output) -> anyhow::Result<Ended> {
        let (wanted, responders) = (self.wanted()?, self.responders()?);
        let places = Places {
            amd: self.amd_url.clone(),
            intel: self.intel_url.clone(),
            intel_root_crl: self.intel_root_crl_url.clone(),
            intel_update: match self.intel_update {
                UpdateName::Standard => Update::Standard,
                UpdateName::Early => Update::Early,
            },
            azure_thim: self.azure_thim_url.clone(),
            nvidia_rim: self.nvidia_rim_url.clone(),
            nvidia_ocsp: self.nvidia_ocsp_url.clone(),
            key_sets: KeySets::try_from(self.keys_urls.clone()).map_err(anyhow::Error::msg).context("--keys-url")?,
        };
        let fetcher = Fetcher::new(places, self.target.roots.load()?, Arc::new(SystemClock), TIMEOUT)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (kept, failed) = runtime.block_on(async {
            let (mut kept, mut failed) = fetch_all(&fetcher, &wanted, &responders).await;
            // Whose signers RIMs have is known when they are here.
            let issuers = statuses_of(&kept)?;
            let more: Vec<Wanted> =
                issuers.iter().map(|(wanted, _)| wanted.clone()).collect::<BTreeSet<_>>().into_iter().collect();
            let (statuses, unknown) = fetch_all(&fetcher, &more, &issuers).await;
            kept.extend(statuses);
            failed.extend(unknown);
            anyhow::Ok((kept, failed))
        })?;
        self.target.write(output, &kept, failed)
    }

    fn needs(&self, file: &Path, kind: Kind, product: Option<AmdProduct>) -> anyhow::Result<Vec<Wanted>> {
        let evidence = files::read(file)?;
        let found = wanted(kind, &evidence, &self.beside()?, product, &AwsLc);
        let found = found.with_context(|| format!("{} is no {kind} evidence", file.display()))?;
        if found.is_empty() {
            bail!(
                "{} does not say what it needs of a vendor: no vendor publishes anything for its kind, it brings what it needs, or it \
                 is a report that names no CPU (--amd-product names its line)",
                file.display()
            );
        }
        Ok(found)
    }

    /// What came beside the evidence.
    fn beside(&self) -> anyhow::Result<Endorsements> {
        let files = files::endorsements(&self.endorsements)?;
        Endorsements::of(&AwsLc, &files).context("--endorsement cannot be read")
    }

    /// Who answers for the certificates of the evidence's devices.
    fn responders(&self) -> anyhow::Result<Issuers> {
        let (Some(file), Some(kind)) = (&self.evidence, self.kind) else { return Ok(Issuers::new()) };
        Ok(device_statuses(kind, &files::read(file)?, &self.beside()?, &AwsLc))
    }

    /// What is to be fetched, in an order in which a CA comes before what it issued.
    fn wanted(&self) -> anyhow::Result<Vec<Wanted>> {
        let mut all = self.items.clone();
        let product = self.amd_product.map(AmdProduct::from);
        if let (Some(file), Some(kind)) = (&self.evidence, self.kind) {
            all.extend(self.needs(file, kind, product)?);
        } else if let Some(product) = product {
            let key = if self.vlek { AmdKey::Vlek } else { AmdKey::Vcek };
            all.extend([Wanted::AmdCaChain { product, key }, Wanted::AmdCrl { product, key }]);
        }
        if let (Some(fmspc), Some(tee)) = (self.fmspc, self.tee) {
            let tee = match tee {
                TeeName::Tdx => Tee::Tdx,
                TeeName::Sgx => Tee::Sgx,
            };
            let ca = match self.ca {
                Ca::Platform => IntelCa::Platform,
                Ca::Processor => IntelCa::Processor,
            };
            all.extend([
                Wanted::IntelTcbInfo { tee, fmspc },
                Wanted::IntelQeIdentity { tee },
                Wanted::IntelPckCrl { ca },
                Wanted::IntelRootCrl,
            ]);
        }
        if all.is_empty() {
            bail!("name what to fetch: --evidence with --kind, --amd-product, --fmspc with --tee, or --item");
        }
        for wanted in all.clone() {
            if let Wanted::AmdVcek { product, .. } = wanted {
                all.push(Wanted::AmdCaChain { product, key: AmdKey::Vcek });
            }
        }
        all.sort();
        all.dedup();
        all.sort_by_key(|wanted| !matches!(wanted, Wanted::AmdCaChain { .. }));
        Ok(all)
    }
}

/// Certificates in DER by what they are needed beside.
type Issuers = Vec<(Wanted, Vec<Vec<u8>>)>;

/// The statuses of the signers of RIMs that were fetched.
fn statuses_of(kept: &[Kept]) -> anyhow::Result<Issuers> {
    let rims = kept.iter().filter(|kept| matches!(kept.wanted, Wanted::NvidiaRim { .. }));
    let rims =
        Endorsements::of(&AwsLc, rims.flat_map(|kept| &kept.files)).context("what was fetched cannot be read")?;
    Ok(statuses(&rims, &AwsLc))
}

/// Fetches one thing after another, as vendors like it best.
async fn fetch_all(fetcher: &Fetcher, wanted: &[Wanted], introduced: &Issuers) -> (Vec<Kept>, Vec<Told>) {
    let (mut kept, mut failed): (Vec<Kept>, Vec<Told>) = (Vec::new(), Vec::new());
    let count = wanted.len();
    for (place, wanted) in (1..).zip(wanted) {
        let chain = match wanted {
            Wanted::AmdVcek { product, .. } => Some(Wanted::AmdCaChain { product: *product, key: AmdKey::Vcek }),
            _ => None,
        };
        let issuers = kept.iter().find(|kept| Some(&kept.wanted) == chain.as_ref());
        let mut issuers = issuers.map(|kept| kept.files.clone()).unwrap_or_default();
        let beside = introduced.iter().find(|(of, _)| of == wanted).into_iter().flat_map(|(_, beside)| beside);
        issuers.extend(beside.map(|der| der.as_slice().into()));
        let mut waited = Duration::ZERO;
        let fetched = loop {
            progress(&format!("fetching {place} of {count}: {wanted}"));
            match fetcher.fetch(wanted, &issuers).await {
                Err(Failure::Throttled { wait }) if waited + wait <= PATIENCE => {
                    progress(&format!("{wanted}: waiting {} seconds, as the vendor asks", wait.as_secs()));
                    waited += wait;
                    tokio::time::sleep(wait).await;
                }
                fetched => break fetched,
            }
        };
        match fetched {
            Ok(good) => kept.push(good),
            Err(failure) => failed.push(Told::failed(wanted, &failure)),
        }
    }
    progress("");
    (kept, failed)
}

/// A line on standard error that is overwritten, on a terminal only.
fn progress(text: &str) {
    if io::stderr().is_terminal() {
        // A terminal that is gone needs no progress.
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
        let _ = io::stderr().flush();
    }
}
