//! The witness. In: JSON, `{"accounts":[{"id":"HEX","balance":"DECIMAL"}, …]}`; out: accounts as field elements, wiped when
//! dropped. Ids have 31 bytes, so each is one field element; balances are decimal text, since JSON's numbers end at 2⁵³ in
//! most readers. Texts are borrowed from the input, so that parsing makes no copy that nobody wipes.

use std::{fmt, io::Read};

use ark_bn254::Fr;
use ark_ff::PrimeField as _;
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Error;

/// The most bytes of a witness.
pub const MAX_WITNESS_BYTES: usize = 64 * 1024;

/// The length of an id: the largest whole number of bytes that always is a field element.
pub(crate) const ID_BYTES: usize = 31;

/// One customer's account. No `Debug`: it is a secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Account {
    /// Who, to whoever knows the customer's name and salt: a salted hash. Unique by that, so that no leaf can stand for
    /// two customers of the same balance, and unguessable, so that a leaf does not tell its balance.
    pub id: Fr,
    /// What the institution owes. The circuit, not this type, keeps it below 2⁶⁴.
    pub balance: Fr,
}

/// All accounts.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Witness {
    accounts: Vec<Account>,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Witness({} accounts)", self.accounts.len())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    #[serde(borrow)]
    accounts: Vec<AccountForm<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountForm<'a> {
    id: &'a str,
    balance: &'a str,
}

impl Witness {
    /// Reads a witness to its end, which must come within [`MAX_WITNESS_BYTES`].
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::WitnessTooLarge`], and those of [`Witness::parse`].
    pub fn read(input: impl Read) -> Result<Self, Error> {
        // Reserved at once: a vector that grows leaves its former self behind, unwiped.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_WITNESS_BYTES + 64));
        let limit = u64::try_from(MAX_WITNESS_BYTES).unwrap_or(u64::MAX) + 1;
        let place = || "standard input".to_owned();
        input.take(limit).read_to_end(&mut bytes).map_err(|source| Error::Io { place: place(), source })?;
        Self::parse(&bytes)
    }

    /// Reads the JSON.
    ///
    /// # Errors
    /// [`Error::WitnessTooLarge`], [`Error::WitnessForm`] and [`Error::WitnessAccount`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_WITNESS_BYTES {
            return Err(Error::WitnessTooLarge { max: MAX_WITNESS_BYTES });
        }
        // serde_json's own text may repeat a value, so only the place is kept.
        let form: Form<'_> = serde_json::from_slice(bytes)
            .map_err(|error| Error::WitnessForm { line: error.line(), column: error.column() })?;
        let mut accounts = Vec::with_capacity(form.accounts.len());
        for (index, AccountForm { id, balance }) in form.accounts.into_iter().enumerate() {
            let wrong = |what| Error::WitnessAccount { index, what };
            let mut id_bytes = Zeroizing::new([0; ID_BYTES]);
            hex::decode_to_slice(id, id_bytes.as_mut()).map_err(|_| wrong("the id is not 31 bytes in hexadecimal"))?;
            let canonical = balance == "0" || !balance.starts_with(['0', '+']);
            let balance: u64 = match balance.parse() {
                Ok(balance) if canonical => balance,
                _ => return Err(wrong("the balance is not a decimal integer from 0 to 2^64 - 1")),
            };
            accounts.push(Account { id: Fr::from_be_bytes_mod_order(id_bytes.as_ref()), balance: balance.into() });
        }
        Ok(Self { accounts })
    }

    /// The accounts, in their order.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, balance: &str) -> String {
        format!(r#"{{"accounts":[{{"id":"{id}","balance":"{balance}"}}]}}"#)
    }

    #[test]
    fn what_is_read_and_what_is_not() {
        let id = "01".repeat(ID_BYTES);
        let form = "not as expected at line 1";
        let (id_wrong, balance_wrong) = ("the id is not 31 bytes", "the balance is not a decimal integer");
        let cases = [
            ("zero", one(&id, "0"), None),
            ("the greatest", one(&id, "18446744073709551615"), None),
            ("no account", r#"{"accounts":[]}"#.to_owned(), None),
            ("one more than the greatest", one(&id, "18446744073709551616"), Some(balance_wrong)),
            ("negative", one(&id, "-1"), Some(balance_wrong)),
            ("a sign", one(&id, "+1"), Some(balance_wrong)),
            ("a leading zero", one(&id, "01"), Some(balance_wrong)),
            ("no digits", one(&id, ""), Some(balance_wrong)),
            ("a short id", one("01", "1"), Some(id_wrong)),
            ("an id of no hexadecimal", one(&"zz".repeat(ID_BYTES), "1"), Some(id_wrong)),
            ("a number", r#"{"accounts":[{"id":"00","balance":1}]}"#.to_owned(), Some(form)),
            ("another field", r#"{"accounts":[],"total":"1"}"#.to_owned(), Some(form)),
            ("an escape, which cannot be borrowed", one(&id, "\\u0031"), Some(form)),
            ("bytes after it", r#"{"accounts":[]}]"#.to_owned(), Some(form)),
            ("nothing", String::new(), Some("not as expected")),
            ("too much", " ".repeat(MAX_WITNESS_BYTES + 1), Some("more than 65536 bytes")),
        ];
        for (name, json, refusal) in cases {
            let read = Witness::read(json.as_bytes()).map(drop).map_err(|error| error.to_string());
            match refusal {
                None => assert_eq!(read, Ok(()), "{name}"),
                Some(part) => assert!(read.as_ref().is_err_and(|error| error.contains(part)), "{name}: {read:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_repeats_nothing_of_the_witness() {
        let json = r#"{"accounts":[{"id":"secret-id","balance":31337}]}"#;
        let refusal = format!("{:?}", Witness::parse(json.as_bytes()).map(drop));
        assert!(!refusal.contains("secret") && !refusal.contains("31337"), "{refusal}");
    }

    #[test]
    fn accounts_are_wiped() {
        let mut witness = Witness::parse(one(&"01".repeat(ID_BYTES), "7").as_bytes()).unwrap();
        let mut account = witness.accounts[0].clone();
        account.zeroize();
        assert_eq!((account.id, account.balance), (Fr::from(0), Fr::from(0)));
        witness.zeroize();
        assert!(witness.accounts.is_empty());
        fn wiped_when_dropped<T: ZeroizeOnDrop>() {}
        wiped_when_dropped::<Witness>();
        wiped_when_dropped::<Account>();
    }
}
