//! Claims: what evidence establishes, by name. One flat map from the dictionary's names to typed values; a claim that
//! was not established is absent, and absent satisfies no rule.
//!
//! In: values that came from signed bytes or from a verified endorsement. Out: [`Claims`], kept as raw values and
//! rendered (hex, RFC 3339) only when printed or archived. [`table`] is the dictionary itself.

mod name;
pub mod table;
mod value;

pub use name::{ClaimId, ClaimName, Family, UnknownClaim};
pub use table::{
    ClaimSpec, azure_vtpm, cross_vendor, gcs, gpu, ita, job, maa, nitro, nitrotpm, nras, sgx, snp, switch, tdx,
};
pub use value::{ClaimType, InvalidValue, Value};

use serde::{Serialize, Serializer};

/// Established claims, sorted by family, device, dictionary line and register.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    entries: Vec<(ClaimName, Value)>,
}

impl Claims {
    /// No claims yet, with room for `capacity` of them.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity) }
    }

    /// Establishes a claim. Establishing it again replaces the value.
    ///
    /// The value must have the type that the dictionary gives the name; a test build stops where it has not.
    pub fn insert(&mut self, name: impl Into<ClaimName>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        debug_assert!(
            value.has_type(name.spec().claim_type),
            "{name} is a {:?}, not {value:?}",
            name.spec().claim_type
        );
        match self.entries.last() {
            Some((last, _)) if *last >= name => match self.entries.binary_search_by_key(&name, |(name, _)| *name) {
                Ok(found) => {
                    if let Some(entry) = self.entries.get_mut(found) {
                        entry.1 = value;
                    }
                }
                Err(place) => self.entries.insert(place, (name, value)),
            },
            _ => self.entries.push((name, value)),
        }
    }

    /// Establishes a claim where there is a value, and leaves it absent where there is none.
    pub fn insert_if(&mut self, name: impl Into<ClaimName>, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.insert(name, value);
        }
    }

    /// The value of a claim; `None` where it was not established.
    #[must_use]
    pub fn get(&self, name: impl Into<ClaimName>) -> Option<&Value> {
        let name = name.into();
        let found = self.entries.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        self.entries.get(found).map(|(_, value)| value)
    }

    /// The value of a `bool` claim.
    #[must_use]
    pub fn bool(&self, name: impl Into<ClaimName>) -> Option<bool> {
        match self.get(name) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// Every established claim, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ClaimName, &Value)> {
        self.entries.iter().map(|(name, value)| (*name, value))
    }

    /// Whether nothing was established.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::{Claims, cross_vendor, nitro};

    #[test]
    fn claims_are_kept_in_the_dictionary_order_whatever_the_order_of_arrival() {
        let mut claims = Claims::default();
        claims.insert(nitro::PCR.at(10), [1u8; 48].as_slice());
        claims.insert(cross_vendor::DEBUG, true);
        claims.insert(nitro::PCR.at(2), [2u8; 48].as_slice());
        claims.insert(cross_vendor::DEBUG, false);
        let names: Vec<_> = claims.iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["debug", "nitro.pcr2", "nitro.pcr10"]);
        assert_eq!(claims.bool(cross_vendor::DEBUG), Some(false));
        assert_eq!(claims.get(nitro::PCR.at(3)), None);
    }

    #[test]
    #[should_panic(expected = "nitro.module_id is a Text")]
    #[cfg(debug_assertions)]
    fn a_value_of_another_type_than_the_dictionary_s_stops_a_test_build() {
        Claims::default().insert(nitro::MODULE_ID, true);
    }
}
