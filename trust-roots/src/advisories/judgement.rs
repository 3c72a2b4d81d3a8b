//! From claims to standings. In: the claims of one piece of SEV-SNP evidence. Out: [`Judgement`].
//!
//! Patch levels mean something only within a group of CPUs. Where the evidence does not say which CPU it comes from
//! (reports of version 2), every group of its product line is asked, and where they disagree, nothing is said.

use prooftrail_result::{
    Timestamp,
    claims::{Claims, Value, snp},
};

use super::{Advisories, Affected, Condition, CpuGroup, Need, Product, Standing};

/// How evidence stands to the bulletins that concern its CPU.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Judgement<'a> {
    /// Bulletins by number, sorted, each with how the evidence stands to it. Those that do not concern the CPU are not
    /// there.
    pub standings: Vec<(&'a str, Standing)>,
    /// Whether the product line's root seeds are known to be exposed.
    pub root_seed_exposed: bool,
}

impl<'a> Judgement<'a> {
    /// The bulletins to which the evidence stands so, sorted.
    pub fn standing(&self, standing: Standing) -> impl Iterator<Item = &'a str> {
        self.standings.iter().filter(move |(_, other)| *other == standing).map(|(id, _)| *id)
    }
}

impl Advisories {
    /// Judges evidence by what the table knew at an instant; `None` before it begins, and for a product line that it does
    /// not know: nothing is said then, which is not to say that nothing is wrong.
    #[must_use]
    pub fn judge(&self, claims: &Claims, at: Timestamp) -> Option<Judgement<'_>> {
        let product = self.product(claims).filter(|_| self.begins <= at)?;
        let candidates = self.candidates(product, claims);
        let in_force = self.bulletins.iter().filter(|bulletin| bulletin.counts.contains(&at));
        let standings = in_force
            .filter_map(|bulletin| {
                let standing = if candidates.is_empty() {
                    // A CPU of a known line that is in no group: no level of the table is about it.
                    self.concerns(&bulletin.affects, product).then_some(Standing::NotAttestable)
                } else {
                    unanimous(&bulletin.affects, &candidates, claims)
                };
                Some((bulletin.id.as_str(), standing?))
            })
            .collect();
        Some(Judgement { standings, root_seed_exposed: product.root_seed_exposed })
    }

    fn product(&self, claims: &Claims) -> Option<&Product> {
        let Some(Value::Text(name)) = claims.get(snp::PRODUCT) else { return None };
        self.products.iter().find(|product| *product.name == **name)
    }

    /// Places of the groups that the CPU may belong to.
    fn candidates(&self, product: &Product, claims: &Claims) -> Vec<usize> {
        let number = |claim| match claims.get(claim) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        };
        let cpuid = [snp::CPUID_FAMILY, snp::CPUID_MODEL, snp::CPUID_STEPPING].map(number);
        let fits = |group: &CpuGroup| {
            group.product == product.name
                && cpuid.iter().zip(group.cpuid).all(|(have, need)| have.is_none_or(|have| have == need))
        };
        self.groups.iter().enumerate().filter(|(_, group)| fits(group)).map(|(place, _)| place).collect()
    }

    fn concerns(&self, affects: &[Affected], product: &Product) -> bool {
        let is_of = |group: &usize| self.groups.get(*group).is_some_and(|group| group.product == product.name);
        affects.iter().flat_map(|affected| &affected.groups).any(is_of)
    }
}

/// What every candidate says; where they say different things, nothing is attested.
fn unanimous(affects: &[Affected], candidates: &[usize], claims: &Claims) -> Option<Standing> {
    let of = |group: &usize| {
        let affected = affects.iter().find(|affected| affected.groups.contains(group));
        affected.map(|affected| affected.standing(claims))
    };
    let mut standings = candidates.iter().map(of);
    let first = standings.next()?;
    if standings.all(|other| other == first) { first } else { Some(Standing::NotAttestable) }
}

impl Affected {
    /// Mitigated if any way shows it. A way that an absent claim leaves undecided leaves all of it undecided.
    fn standing(&self, claims: &Claims) -> Standing {
        let mut otherwise = self.otherwise;
        for way in &self.shown_by {
            match holds(way, claims) {
                Some(true) => return Standing::Mitigated,
                Some(false) => {}
                None => otherwise = Standing::NotAttestable,
            }
        }
        otherwise
    }
}

/// Whether every condition of a way holds; one that does not decides, whatever is absent besides.
fn holds(way: &[Condition], claims: &Claims) -> Option<bool> {
    let mut outcome = Some(true);
    for condition in way {
        match condition.holds(claims) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => outcome = None,
        }
    }
    outcome
}

impl Condition {
    fn holds(&self, claims: &Claims) -> Option<bool> {
        match (self.need, claims.get(self.claim)?) {
            (Need::AtLeast(least), Value::Int(have)) => Some(*have >= least),
            (Need::Equals(need), Value::Bool(have)) => Some(*have == need),
            (Need::HasBits(bits), Value::Mask(have)) => Some(have & bits == bits),
            _ => None,
        }
    }
}
