//! The table's text: TOML, strict in every field. In: text of at most 256 KiB. Out: [`Advisories`], claims resolved by the
//! dictionary and conditions typed by their claims, or the first thing that is not in order.

use prooftrail_result::{
    Timestamp,
    claims::{ClaimName, ClaimType},
};
use serde::Deserialize;

use super::{
    Advisories, Affected, Attack, Bulletin, Certainty, Condition, CpuGroup, Need, Notice, Product, Standing, sha256,
};

/// A table is refused beyond this many bytes; ours has about 20,000.
const MAX_BYTES: usize = 256 * 1024;
/// The platforms that attacks and notices may concern.
const PLATFORMS: &[&str] = &["nitro-enclave", "nitro-tpm", "sev-snp", "sgx", "tdx"];

/// Why a table was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdvisoriesError {
    /// The text is larger than any table.
    #[error("a table of advisories has at most {MAX_BYTES} bytes, this has {0}")]
    TooLarge(usize),
    /// The text is not TOML of this form.
    #[error("the table of advisories cannot be read: {0}")]
    Syntax(String),
    /// A row says what cannot be.
    #[error("`{row}`: {field}: {problem}")]
    Row {
        /// The row's id or name.
        row: String,
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    as_of: String,
    begins: String,
    product: Vec<ProductForm>,
    group: Vec<GroupForm>,
    bulletin: Vec<BulletinForm>,
    #[serde(default)]
    attack: Vec<AttackForm>,
    #[serde(default)]
    notice: Vec<NoticeForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductForm {
    name: String,
    root_seed_exposed: bool,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupForm {
    name: String,
    product: String,
    family: u8,
    model: u8,
    stepping: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BulletinForm {
    id: String,
    names: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    cves: Vec<String>,
    published: Option<String>,
    certainty: String,
    source: String,
    from: Option<String>,
    until: Option<String>,
    affects: Vec<AffectedForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AffectedForm {
    groups: Vec<String>,
    shown_by: Vec<Vec<ConditionForm>>,
    otherwise: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionForm {
    claim: String,
    at_least: Option<u64>,
    equals: Option<bool>,
    has_bits: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttackForm {
    names: Vec<String>,
    platforms: Vec<String>,
    shows: String,
    answer: String,
    certainty: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoticeForm {
    id: String,
    from: String,
    platforms: Vec<String>,
    effect: String,
    answer: String,
    date: String,
    certainty: String,
    source: String,
}

/// Names the row in what goes wrong with it.
#[derive(Clone, Copy)]
struct Row<'a>(&'a str);

impl Row<'_> {
    fn refuse(self, field: &'static str, problem: impl Into<String>) -> AdvisoriesError {
        AdvisoriesError::Row { row: self.0.to_owned(), field, problem: problem.into() }
    }

    fn instant(self, field: &'static str, text: &str) -> Result<Timestamp, AdvisoriesError> {
        text.parse().map_err(|error: prooftrail_result::InvalidTimestamp| self.refuse(field, error.to_string()))
    }

    /// Refuses a text without words.
    fn words(self, field: &'static str, text: &str) -> Result<(), AdvisoriesError> {
        if text.trim().is_empty() { Err(self.refuse(field, "is empty")) } else { Ok(()) }
    }

    fn certainty(self, text: &str) -> Result<Certainty, AdvisoriesError> {
        let known = Certainty::ALL.into_iter().find(|certainty| certainty.as_str() == text);
        known.ok_or_else(|| self.refuse("certainty", format!("`{text}` is none")))
    }

    fn platforms(self, platforms: &[String]) -> Result<(), AdvisoriesError> {
        let unknown = platforms.iter().find(|platform| !PLATFORMS.contains(&platform.as_str()));
        match unknown {
            Some(unknown) => Err(self.refuse("platforms", format!("`{unknown}` is none"))),
            None if platforms.is_empty() => Err(self.refuse("platforms", "is empty")),
            None => Ok(()),
        }
    }
}

/// Reads a table.
pub(super) fn read(text: &str) -> Result<Advisories, AdvisoriesError> {
    if text.len() > MAX_BYTES {
        return Err(AdvisoriesError::TooLarge(text.len()));
    }
    let document: Document = toml::from_str(text).map_err(|error| AdvisoriesError::Syntax(error.to_string()))?;
    let table = Row("advisories");
    let (as_of, begins) = (table.instant("as_of", &document.as_of)?, table.instant("begins", &document.begins)?);
    if as_of < begins {
        return Err(table.refuse("begins", "is later than as_of"));
    }
    let products = document.product.into_iter().map(product).collect::<Result<Vec<_>, _>>()?;
    unique("name", products.iter().map(|product| &product.name))?;
    let groups: Vec<_> = document.group.into_iter().map(|form| group(form, &products)).collect::<Result<_, _>>()?;
    unique("name", groups.iter().map(|group| &group.name))?;
    unique("cpuid", groups.iter().map(|group| format!("{:x?}", group.cpuid)))?;
    let reader = Bulletins { groups: &groups, begins, as_of };
    let mut bulletins: Vec<_> =
        document.bulletin.into_iter().map(|form| reader.read(form)).collect::<Result<_, _>>()?;
    bulletins.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.counts.start.cmp(&b.counts.start)));
    for (row, next) in bulletins.iter().zip(bulletins.iter().skip(1)) {
        // The same number twice is a correction, whose rows follow upon each other.
        if row.id == next.id && row.counts.end > next.counts.start {
            return Err(Row(&row.id).refuse("until", "two rows of one bulletin count at the same time"));
        }
    }
    let attacks = document.attack.into_iter().map(attack).collect::<Result<Vec<_>, _>>()?;
    let notices = document.notice.into_iter().map(notice).collect::<Result<Vec<_>, _>>()?;
    unique("id", notices.iter().map(|notice| &notice.id))?;
    Ok(Advisories { sha256: sha256(text), as_of, begins, products, groups, bulletins, attacks, notices })
}

fn unique<T: Ord + ToString>(field: &'static str, names: impl Iterator<Item = T>) -> Result<(), AdvisoriesError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        let shown = name.to_string();
        if !seen.insert(name) {
            return Err(Row(&shown).refuse(field, "stands there twice"));
        }
    }
    Ok(())
}

fn product(form: ProductForm) -> Result<Product, AdvisoriesError> {
    let ProductForm { name, root_seed_exposed, source } = form;
    let row = Row(&name);
    row.words("name", &name)?;
    row.words("source", &source)?;
    Ok(Product { name, root_seed_exposed, source })
}

fn group(form: GroupForm, products: &[Product]) -> Result<CpuGroup, AdvisoriesError> {
    let GroupForm { name, product, family, model, stepping } = form;
    Row(&name).words("name", &name)?;
    if !products.iter().any(|known| known.name == product) {
        return Err(Row(&name).refuse("product", format!("`{product}` is none")));
    }
    Ok(CpuGroup { name, product, cpuid: [family, model, stepping].map(u64::from) })
}

/// What bulletins refer to.
struct Bulletins<'a> {
    groups: &'a [CpuGroup],
    begins: Timestamp,
    as_of: Timestamp,
}

impl Bulletins<'_> {
    fn read(&self, form: BulletinForm) -> Result<Bulletin, AdvisoriesError> {
        let BulletinForm { id, mut names, also, cves, published, certainty, source, from, until, affects } = form;
        let row = Row(&id);
        for id in std::iter::once(&id).chain(&also) {
            let number = id.strip_prefix("AMD-SB-").unwrap_or_default();
            if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(row.refuse("id", format!("`{id}` is not of the form AMD-SB-3019")));
            }
        }
        if let Some(other) = cves.iter().find(|cve| !is_cve(cve)) {
            return Err(row.refuse("cves", format!("`{other}` is not of the form CVE-2024-56161")));
        }
        if let Some(month) = &published {
            row.instant("published", &format!("{month}-01T00:00:00Z"))?;
        }
        row.words("source", &source)?;
        let from = from.map(|text| row.instant("from", &text)).transpose()?.unwrap_or(self.begins);
        let until = until.map(|text| row.instant("until", &text)).transpose()?.unwrap_or(Timestamp::MAX);
        // A row that is yet to begin would change verdicts without a release.
        if from < self.begins || from > self.as_of {
            return Err(row.refuse("from", "is not between `begins` and `as_of`"));
        }
        if until <= from {
            return Err(row.refuse("until", "is not later than `from`"));
        }
        if affects.is_empty() {
            return Err(row.refuse("affects", "concerns no CPU"));
        }
        let certainty = row.certainty(&certainty)?;
        let affects = affects.into_iter().map(|form| self.affected(row, form)).collect::<Result<Vec<_>, _>>()?;
        unique_groups(row, &affects)?;
        names.sort();
        Ok(Bulletin { id, names, also, cves, published, certainty, source, counts: from..until, affects })
    }

    fn affected(&self, row: Row<'_>, form: AffectedForm) -> Result<Affected, AdvisoriesError> {
        let AffectedForm { groups, shown_by, otherwise } = form;
        let place = |name: &String| {
            let place = self.groups.iter().position(|group| group.name == *name);
            place.ok_or_else(|| row.refuse("groups", format!("`{name}` is none")))
        };
        let groups = groups.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        if groups.is_empty() {
            return Err(row.refuse("groups", "is empty"));
        }
        let otherwise = match otherwise.as_deref() {
            None | Some("open") => Standing::Open,
            Some("not_attestable") => Standing::NotAttestable,
            Some(other) => return Err(row.refuse("otherwise", format!("`{other}` is neither open nor not_attestable"))),
        };
        let words: Vec<_> =
            shown_by.iter().map(|way| way.iter().map(in_words).collect::<Vec<_>>().join(", ")).collect();
        let mut ways = Vec::with_capacity(shown_by.len());
        for way in shown_by {
            let mut conditions = Vec::new();
            for form in way {
                conditions.extend(condition(row, &form)?);
            }
            if conditions.is_empty() {
                return Err(row.refuse("shown_by", "a way without conditions would always hold"));
            }
            ways.push(conditions);
        }
        Ok(Affected { groups, shown_by: ways, otherwise, words: words.join("; or ") })
    }
}

fn unique_groups(row: Row<'_>, affects: &[Affected]) -> Result<(), AdvisoriesError> {
    let mut seen = std::collections::BTreeSet::new();
    if affects.iter().flat_map(|affected| &affected.groups).all(|group| seen.insert(group)) {
        Ok(())
    } else {
        Err(row.refuse("groups", "a group is concerned twice"))
    }
}

fn is_cve(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(year, number)| year.len() == 4 && digits(year) && number.len() >= 4 && digits(number))
}

/// The conditions of one entry: one for each claim that its name stands for.
fn condition(row: Row<'_>, form: &ConditionForm) -> Result<Vec<Condition>, AdvisoriesError> {
    let ConditionForm { claim, at_least, equals, has_bits } = form;
    let need = match (*at_least, *equals, *has_bits) {
        (Some(least @ 1..), None, None) => Need::AtLeast(least),
        (None, Some(value), None) => Need::Equals(value),
        (None, None, Some(bits @ 1..)) => Need::HasBits(bits),
        _ => return Err(row.refuse("shown_by", format!("`{claim}` needs one comparison that can fail"))),
    };
    let resolve = |name: String| {
        let name: ClaimName = name
            .parse()
            .map_err(|error: prooftrail_result::claims::UnknownClaim| row.refuse("shown_by", error.to_string()))?;
        let claim_type = name.spec().claim_type;
        let fits = match need {
            Need::AtLeast(_) => matches!(claim_type, ClaimType::Int),
            Need::Equals(_) => matches!(claim_type, ClaimType::Bool),
            Need::HasBits(_) => matches!(claim_type, ClaimType::Mask),
        };
        if fits {
            Ok(Condition { claim: name, need })
        } else {
            Err(row.refuse("shown_by", format!("`{name}` is {claim_type}, which is not compared so")))
        }
    };
    expand(claim).into_iter().map(resolve).collect()
}

/// A condition for people to read.
fn in_words(form: &ConditionForm) -> String {
    let ConditionForm { claim, at_least, equals, has_bits } = form;
    let claim = claim.replace("{reported,current,committed,launch}", "*");
    match (at_least, equals, has_bits) {
        (Some(least), ..) => format!("`{claim}` ≥ {least} ({least:#x})"),
        (_, Some(value), _) => format!("`{claim}` = {value}"),
        (.., Some(bits)) => format!("`{claim}` has {bits:#x}"),
        _ => claim,
    }
}

/// The names that a name with one `{a,b}` stands for.
fn expand(name: &str) -> Vec<String> {
    let braces = name.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    match braces {
        Some((before, (members, after))) => {
            members.split(',').map(|member| format!("{before}{member}{after}")).collect()
        }
        None => vec![name.to_owned()],
    }
}

fn attack(form: AttackForm) -> Result<Attack, AdvisoriesError> {
    let AttackForm { names, platforms, shows, answer, certainty, source } = form;
    let row = Row(names.first().map_or("attack", String::as_str));
    row.words("names", names.first().map_or("", String::as_str))?;
    row.platforms(&platforms)?;
    for (field, text) in [("shows", &shows), ("answer", &answer), ("source", &source)] {
        row.words(field, text)?;
    }
    let certainty = row.certainty(&certainty)?;
    Ok(Attack { names, platforms, shows, answer, certainty, source })
}

fn notice(form: NoticeForm) -> Result<Notice, AdvisoriesError> {
    let NoticeForm { id, from, platforms, effect, answer, date, certainty, source } = form;
    let row = Row(&id);
    row.platforms(&platforms)?;
    for (field, text) in [("id", &id), ("from", &from), ("effect", &effect), ("answer", &answer), ("source", &source)] {
        row.words(field, text)?;
    }
    row.instant("date", &format!("{date}T00:00:00Z"))?;
    let certainty = row.certainty(&certainty)?;
    Ok(Notice { id, from, platforms, effect, answer, date, certainty, source })
}
