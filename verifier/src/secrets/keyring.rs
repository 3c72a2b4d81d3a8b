//! The data keys. In: the store and a key-encryption key; out: encryption under the newest data key, decryption under
//! any. docs/archive.md, section "Data keys".
//!
//! The table holds each key wrapped, and how many of its uses were handed out. A process takes uses in shares of
//! [`SHARE`]; what it has not used when it ends is lost, which costs nothing but an earlier rotation. Keys rotate by
//! themselves at half of what is safe.

use std::sync::{Arc, PoisonError, RwLock};

use super::{
    SecretBytes, SecretError,
    data_key::{DataKey, KeyBytes, key_id},
    envelope::{Envelope, KeyId, Place},
    kek::{KeyEncryption, KeyEncryptionError, MAX_WRAPPED_BYTES},
};
use crate::store::{Store, StoreError, Tx, TxError, on};

/// The uses that a process takes at once.
pub const SHARE: u64 = 1 << 20;

/// The uses that a data key has: NIST SP 800-38D, section 8.3.
pub const MAX_USES: u64 = 1 << 32;

/// The uses after which a key is rotated.
pub const ROTATE_AFTER: u64 = MAX_USES / 2;

/// The most data keys that a database has.
const MAX_KEYS: usize = 4096;

/// Why data keys were not read, made, rotated or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// A stored data key is wrapped under another key-encryption key.
    #[error("data key {number} is wrapped under {have}, not under {need}")]
    OtherKek {
        /// Which data key.
        number: i64,
        /// The key-encryption key's id, as stored.
        have: String,
        /// This process's.
        need: String,
    },
    /// The key-encryption key did not do it.
    #[error("data key {number}: {reason}")]
    KeyEncryption {
        /// Which data key.
        number: i64,
        /// Why.
        reason: KeyEncryptionError,
    },
    /// A ciphertext could not be opened, or made.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for KeyringError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl TxError for KeyringError {
    fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::OtherKek { .. } | Self::KeyEncryption { .. } | Self::Secret(_) => None,
        }
    }
}

/// A row of `column_key`: number, id, the key-encryption key's id, the wrapped key, the uses that were handed out.
type Row = (i64, Vec<u8>, String, Vec<u8>, i64);

/// A key that is in memory.
struct Held {
    number: i64,
    key: DataKey,
}

/// The data keys of a database.
pub struct ColumnKeys {
    pub(super) store: Arc<Store>,
    kek: Arc<dyn KeyEncryption>,
    /// The newest first.
    held: RwLock<Arc<Vec<Arc<Held>>>>,
}

impl ColumnKeys {
    /// Reads the data keys, and makes the first if there is none. `now` is in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn open(store: Arc<Store>, kek: Arc<dyn KeyEncryption>, now: u64) -> Result<Self, KeyringError> {
        let keys = Self { store, kek, held: RwLock::default() };
        keys.refresh(now).await?;
        Ok(keys)
    }

    /// Encrypts under the newest key.
    ///
    /// # Errors
    /// [`SecretError::TooLong`], and [`SecretError::Exhausted`] if [`ColumnKeys::refresh`] is overdue.
    pub fn encrypt(&self, place: &Place<'_>, secret: &[u8]) -> Result<Vec<u8>, SecretError> {
        self.held().first().ok_or(SecretError::Exhausted)?.key.seal(place, secret)
    }

    /// Decrypts what was found at `place`, under whichever key made it.
    ///
    /// # Errors
    /// [`SecretError`]; after [`SecretError::UnknownKey`] it is worth refreshing, and trying again.
    pub fn decrypt(&self, place: &Place<'_>, ciphertext: &[u8]) -> Result<SecretBytes, SecretError> {
        let envelope = Envelope::parse(ciphertext)?;
        let held = self.held();
        let known = held.iter().find(|held| *held.key.id() == envelope.key);
        known.ok_or_else(|| SecretError::UnknownKey { key: hex::encode(envelope.key) })?.key.open(place, &envelope)
    }

    /// As [`ColumnKeys::decrypt`]; if the key is not known, it was perhaps made by another process just now. Not for use
    /// inside a transaction.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn decrypt_refreshed(
        &self,
        place: &Place<'_>,
        ciphertext: &[u8],
        now: u64,
    ) -> Result<SecretBytes, KeyringError> {
        match self.decrypt(place, ciphertext) {
            Err(SecretError::UnknownKey { .. }) => {
                self.refresh(now).await?;
                Ok(self.decrypt(place, ciphertext)?)
            }
            result => Ok(result?),
        }
    }

    /// The id of the key that encrypts now.
    #[must_use]
    pub fn newest(&self) -> Option<KeyId> {
        self.held().first().map(|held| *held.key.id())
    }

    /// Reads keys that other processes have made, takes a further share of the newest key's uses when half of the last
    /// is used up, and rotates once a key has served enough. To be called now and then, and not inside a transaction.
    ///
    /// # Errors
    /// [`KeyringError`]. What was known before stays in use.
    pub async fn refresh(&self, now: u64) -> Result<(), KeyringError> {
        let rotate_after = i64::try_from(ROTATE_AFTER).unwrap_or(i64::MAX);
        let mut rows = self.read().await?;
        if rows.first().is_none_or(|(_, _, _, _, handed_out)| *handed_out >= rotate_after) {
            self.insert_after(rows.first().map_or(0, |row| row.0), now).await?;
            rows = self.read().await?;
        }
        self.take(rows).await?;
        let newest = self.held().first().cloned();
        match newest {
            Some(held) if held.key.share() <= SHARE / 2 => self.take_share(&held).await,
            _ => Ok(()),
        }
    }

    /// Makes a new data key, which encrypts from now on. Older ones go on decrypting.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn rotate(&self, now: u64) -> Result<(), KeyringError> {
        let newest = self.read().await?.first().map_or(0, |row| row.0);
        self.insert_after(newest, now).await?;
        self.refresh(now).await
    }

    /// Wraps every data key anew, under another key-encryption key, which is this one's from then on. Other processes
    /// keep what they have in memory, and need the new key-encryption key at their next start.
    ///
    /// # Errors
    /// [`KeyringError`]. Nothing has changed then.
    pub async fn rewrap(&mut self, kek: Arc<dyn KeyEncryption>) -> Result<(), KeyringError> {
        const REWRAP: &str = "-- column_key_rewrap\nUPDATE column_key SET kek_id = $2, wrapped = $3 WHERE number = $1";
        let (from, to) = (&*self.kek, &*kek);
        let work = self.store.run_tx("column_key_rewrap", |tx| {
            Box::pin(async move {
                // Writers of this table stand in line, so that no key is added under the old one meanwhile.
                lock(tx).await?;
                let rows: Vec<Row> = on!(&mut tx.on, tx => sqlx::query_as(KEYS).fetch_all(&mut **tx).await)?;
                for row in rows {
                    let number = row.0;
                    let failed = |reason| KeyringError::KeyEncryption { number, reason };
                    let key = unwrap(from, row).await?;
                    let aad = associated_data(number, &key_id(&key));
                    let wrapped = to.wrap(&key, &aad).await.map_err(failed)?;
                    on!(&mut tx.on, tx => {
                        let update = sqlx::query(REWRAP).bind(number).bind(to.id()).bind(&wrapped);
                        update.execute(&mut **tx).await?;
                    });
                }
                Ok::<_, KeyringError>(())
            })
        });
        work.await?;
        self.kek = kek;
        Ok(())
    }

    fn held(&self) -> Arc<Vec<Arc<Held>>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read(&self) -> Result<Vec<Row>, KeyringError> {
        let rows: Vec<Row> = on!(self.store.db(), pool => sqlx::query_as(KEYS).fetch_all(pool).await)?;
        if rows.len() > MAX_KEYS {
            return Err(StoreError::Corrupt { what: "column_key" }.into());
        }
        Ok(rows)
    }

    /// Adds a new key after number `newest`, unless somebody else has done so at the same time.
    async fn insert_after(&self, newest: i64, now: u64) -> Result<(), KeyringError> {
        const INSERT: &str = "-- column_key_rotate\nINSERT INTO column_key (number, key_id, kek_id, wrapped, handed_out, \
             created) VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (number) DO NOTHING";
        let number = newest.saturating_add(1);
        let mut key = KeyBytes::new([0; 32]);
        aws_lc_rs::rand::fill(&mut key[..]).map_err(|_| SecretError::Random)?;
        let id = key_id(&key);
        let failed = |reason| KeyringError::KeyEncryption { number, reason };
        let wrapped = self.kek.wrap(&key, &associated_data(number, &id)).await.map_err(failed)?;
        let (kek, wrapped, now) = (self.kek.id(), &wrapped, i64::try_from(now).unwrap_or(i64::MAX));
        let work = self.store.run_tx("column_key_rotate", |tx| {
            Box::pin(async move {
                lock(tx).await?;
                on!(&mut tx.on, tx => {
                    let insert = sqlx::query(INSERT).bind(number).bind(&id[..]).bind(kek).bind(wrapped).bind(now);
                    insert.execute(&mut **tx).await?;
                });
                Ok::<_, KeyringError>(())
            })
        });
        work.await
    }

    /// Unwraps the keys that are not in memory yet. Those that are keep their shares.
    async fn take(&self, rows: Vec<Row>) -> Result<(), KeyringError> {
        let before = self.held();
        let mut after = Vec::with_capacity(rows.len());
        for row in rows {
            let number = row.0;
            let known = before.iter().find(|held| held.number == number && held.key.id()[..] == row.1[..]);
            after.push(match known {
                Some(held) => held.clone(),
                None => Arc::new(Held { number, key: DataKey::new(&unwrap(&*self.kek, row).await?) }),
            });
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        // The table only grows: of two refreshes at once, the one that knows more keys has read later.
        if after.len() >= held.len() {
            // A key that the other has unwrapped meanwhile may have a share by now.
            for new in &mut after {
                if let Some(same) = held.iter().find(|same| same.number == new.number && same.key.id() == new.key.id())
                {
                    *new = same.clone();
                }
            }
            *held = Arc::new(after);
        }
        Ok(())
    }

    async fn take_share(&self, held: &Held) -> Result<(), KeyringError> {
        const TAKE: &str = "-- column_key_share\nUPDATE column_key SET handed_out = handed_out + $2 \
             WHERE number = $1 AND handed_out <= $3 - $2";
        let [share, max] = [SHARE, MAX_USES].map(|uses| i64::try_from(uses).unwrap_or(i64::MAX));
        let number = held.number;
        let work = self.store.run_tx("column_key_share", |tx| {
            Box::pin(async move {
                let taken = on!(&mut tx.on, tx => {
                    sqlx::query(TAKE).bind(number).bind(share).bind(max).execute(&mut **tx).await?.rows_affected()
                });
                Ok::<_, KeyringError>(taken)
            })
        });
        // If it is not known whether it was taken, it is not used.
        if work.await? == 1 {
            held.key.add_share(SHARE);
        }
        Ok(())
    }
}

const KEYS: &str = "-- column_keys\nSELECT number, key_id, kek_id, wrapped, handed_out FROM column_key \
     WHERE length(wrapped) <= 1024 ORDER BY number DESC LIMIT 4097";

const _: () = assert!(MAX_WRAPPED_BYTES == 1024 && MAX_KEYS == 4096, "KEYS says so, too");

/// Keeps other writers of the table waiting until the transaction ends.
async fn lock(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if let crate::store::Engine::Pg(tx) = &mut tx.on {
        sqlx::query("-- column_key_lock\nLOCK TABLE column_key IN SHARE ROW EXCLUSIVE MODE").execute(&mut **tx).await?;
    }
    Ok(()) // SQLite has one writer
}

async fn unwrap(kek: &dyn KeyEncryption, row: Row) -> Result<KeyBytes, KeyringError> {
    let (number, id, kek_id, wrapped, _) = row;
    if kek_id != kek.id() {
        return Err(KeyringError::OtherKek { number, have: kek_id, need: kek.id().to_owned() });
    }
    let failed = |reason| KeyringError::KeyEncryption { number, reason };
    let id: KeyId = id.try_into().map_err(|_| StoreError::Corrupt { what: "column_key.key_id" })?;
    let key = kek.unwrap(&wrapped, &associated_data(number, &id)).await.map_err(failed)?;
    if key_id(&key) != id {
        return Err(failed(KeyEncryptionError::NotAuthentic));
    }
    Ok(key)
}

/// What a wrapped data key is bound to: `["prooftrail/data-key/v1", number, key id]` in deterministic CBOR.
fn associated_data(number: i64, id: &KeyId) -> Vec<u8> {
    super::envelope::written(|encoder| {
        encoder.array(3)?.str("prooftrail/data-key/v1")?.i64(number)?.bytes(id)?;
        Ok(())
    })
}
