//! Secret columns: the file that holds the key-encryption key, the table of data keys, rotation, re-encryption.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::Arc,
};

use prooftrail::{
    secrets::{
        ColumnKeys, FileKek, KeyEncryption, KeyEncryptionError, KeyringError, Part, SecretColumn, SecretError,
        envelope::Envelope,
        kek_file::KekFileError,
        keyring::{MAX_USES, ROTATE_AFTER, SHARE},
    },
    store::{Access, Store, StoreError},
};
use sqlx::Connection;

use crate::scratch::{Engine, Scratch, engines};

const COLUMN: SecretColumn = SecretColumn::new("safe", "secret");

fn write(path: &Path, text: &[u8], mode: u32) {
    let _ = fs::remove_file(path);
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_file_is_one_line_that_only_its_owner_reads() {
    let scratch = Scratch::new();
    let path = scratch.path().join("kek");
    let made = FileKek::generate(&path).unwrap();
    assert_eq!(FileKek::read(&path).unwrap().id(), made.id());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "no second copy is left behind");
    let good = fs::read(&path).unwrap();
    assert!(good.starts_with(b"prooftrail-kek-1-") && good.ends_with(b"\n"));

    assert!(matches!(FileKek::generate(&path).err(), Some(KekFileError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), good, "a key is never overwritten");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);

    let other = scratch.path().join("other");
    assert_ne!(FileKek::generate(&other).unwrap().id(), made.id());

    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o660, 0o777] {
        write(&path, &good, mode);
        let refused = FileKek::read(&path).err();
        assert!(matches!(refused, Some(KekFileError::Permissions { mode: have, .. }) if have == mode), "{mode:o}");
    }
    for mode in [0o400, 0o600] {
        write(&path, &good, mode);
        assert_eq!(FileKek::read(&path).unwrap().id(), made.id());
    }
    let upper = good.to_ascii_uppercase();
    for text in [
        &good[..good.len() - 1],
        &good[..good.len() - 2],
        &[&good[..], b"\n"].concat(),
        &[b" ", &good[..]].concat(),
        &[&good[..17], &upper[17..]].concat(),
        &[&good[..80], b"g\n"].concat(),
        b"",
        &[7; 32],
        &[b'0'; 100_000],
    ] {
        // Upper-case digits are the same only if there are no letters among them.
        if text != good {
            write(&path, text, 0o600);
            assert!(matches!(FileKek::read(&path).err(), Some(KekFileError::Format { .. })), "{text:?}");
        }
    }
}

#[test]
fn a_key_file_is_not_a_link_a_pipe_or_a_directory() {
    let scratch = Scratch::new();
    let path = scratch.path().join("kek");
    FileKek::generate(&path).unwrap();
    let link = scratch.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(FileKek::read(&link).err(), Some(KekFileError::Symlink { .. })));
    // Nor is one written through a link, dangling or not.
    let dangling = scratch.path().join("dangling");
    symlink(scratch.path().join("nowhere"), &dangling).unwrap();
    for name in [&link, &dangling] {
        assert!(matches!(FileKek::generate(name).err(), Some(KekFileError::Exists { .. })));
    }
    assert!(!scratch.path().join("nowhere").exists());
    assert!(matches!(FileKek::read(scratch.path()).err(), Some(KekFileError::NotAFile { .. })));
    let pipe = scratch.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    assert!(matches!(FileKek::read(&pipe).err(), Some(KekFileError::NotAFile { .. })));
    let absent = FileKek::read(&scratch.path().join("absent")).err();
    assert!(matches!(absent, Some(KekFileError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound));
}

#[tokio::test]
async fn a_key_unwraps_under_its_own_key_and_purpose() {
    let scratch = Scratch::new();
    let [one, two] = ["one", "two"].map(|name| FileKek::generate(&scratch.path().join(name)).unwrap());
    let key = zeroize::Zeroizing::new([7; 32]);
    let wrapped = one.wrap(&key, b"purpose").await.unwrap();
    assert!(*one.unwrap(&wrapped, b"purpose").await.unwrap() == *key);
    assert_ne!(wrapped, one.wrap(&key, b"purpose").await.unwrap());
    let mut flipped = wrapped.clone();
    flipped[20] ^= 1;
    for (kek, wrapped, aad) in [
        (&two, &wrapped[..], &b"purpose"[..]),
        (&one, &wrapped, b"another"),
        (&one, &flipped, b"purpose"),
        (&one, &wrapped[..59], b"purpose"),
        (&one, &[&wrapped[..], &[0]].concat(), b"purpose"),
        (&one, b"", b"purpose"),
    ] {
        assert!(matches!(kek.unwrap(wrapped, aad).await.err(), Some(KeyEncryptionError::NotAuthentic)));
    }
}

/// A table with a secret column, and the store and key-encryption key that it is used with.
struct Safe {
    engine: Engine,
    store: Arc<Store>,
    kek: Arc<FileKek>,
}

impl Safe {
    async fn on(engine: Engine) -> Self {
        let store = Arc::new(Store::open(&engine.url, Access::Serve).await.unwrap());
        let bytes = if engine.server.is_some() { "BYTEA" } else { "BLOB" };
        let safe =
            Self { kek: Arc::new(FileKek::generate(&engine.scratch.path().join("kek")).unwrap()), store, engine };
        safe.run(format!("CREATE TABLE safe (id BIGINT PRIMARY KEY, secret {bytes})")).await;
        safe
    }

    async fn keys(&self) -> Result<ColumnKeys, KeyringError> {
        ColumnKeys::open(self.store.clone(), self.kek.clone(), 1).await
    }

    /// Runs a statement beside the store, as an administrator would.
    async fn run(&self, sql: impl Into<String>) -> u64 {
        let sql = sqlx::AssertSqlSafe(sql.into());
        if self.engine.server.is_some() {
            let mut connection = sqlx::PgConnection::connect(&self.engine.url).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected()
        } else {
            let mut connection = sqlx::SqliteConnection::connect(&self.engine.url).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected()
        }
    }

    async fn put(&self, id: i64, ciphertext: &[u8]) {
        let hex = hex::encode(ciphertext);
        let bytes = if self.engine.server.is_some() { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") };
        self.run(format!("INSERT INTO safe VALUES ({id}, {bytes})")).await;
    }

    async fn get(&self) -> Vec<(i64, Vec<u8>)> {
        const ALL: &str = "SELECT id, secret FROM safe ORDER BY id";
        if self.engine.server.is_some() {
            let mut connection = sqlx::PgConnection::connect(&self.engine.url).await.unwrap();
            sqlx::query_as(ALL).fetch_all(&mut connection).await.unwrap()
        } else {
            let mut connection = sqlx::SqliteConnection::connect(&self.engine.url).await.unwrap();
            sqlx::query_as(ALL).fetch_all(&mut connection).await.unwrap()
        }
    }
}

#[tokio::test]
async fn keys_survive_a_restart_and_rotate() {
    for engine in engines() {
        let safe = Safe::on(engine).await;
        let row = 7_i64.to_be_bytes();
        let place = COLUMN.at("p", &row, 1, vec![b"lineage"]);
        let keys = safe.keys().await.unwrap();
        let old = keys.encrypt(&place, b"old").unwrap();
        let first = keys.newest().unwrap();

        // Another process rotates; this one refreshes when it meets the new key.
        let other = safe.keys().await.unwrap();
        assert_eq!(other.newest(), Some(first));
        other.rotate(2).await.unwrap();
        let new = other.encrypt(&place, b"new").unwrap();
        assert_ne!(Envelope::parse(&new).unwrap().key, first);
        assert!(matches!(keys.decrypt(&place, &new).err(), Some(SecretError::UnknownKey { .. })));
        assert_eq!(keys.decrypt_refreshed(&place, &new, 3).await.unwrap().expose(), b"new");
        assert_eq!(keys.newest(), other.newest());
        for keys in [keys, other, safe.keys().await.unwrap()] {
            assert_eq!(keys.decrypt(&place, &old).unwrap().expose(), b"old");
            assert_eq!(keys.decrypt(&place, &new).unwrap().expose(), b"new");
        }
    }
}

#[tokio::test]
async fn processes_that_start_at_once_agree_on_the_first_key() {
    for engine in engines() {
        let safe = Arc::new(Safe::on(engine).await);
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let safe = safe.clone();
                tokio::spawn(async move { safe.keys().await.unwrap().newest().unwrap() })
            })
            .collect();
        let mut ids = std::collections::HashSet::new();
        for task in tasks {
            ids.insert(task.await.unwrap());
        }
        assert_eq!(ids.len(), 1);
    }
}

#[tokio::test]
async fn a_data_key_is_not_used_beyond_its_bound() {
    for engine in engines() {
        let safe = Safe::on(engine).await;
        let place = COLUMN.at("p", b"row", 1, Vec::new());
        let keys = safe.keys().await.unwrap();
        let first = keys.newest().unwrap();
        assert_eq!(
            safe.run(format!("UPDATE column_key SET handed_out = {MAX_USES} WHERE handed_out = {SHARE}")).await,
            1
        );
        // Whoever comes now gets a new key, without anybody asking for one.
        let later = safe.keys().await.unwrap();
        assert_ne!(later.newest(), Some(first));
        assert!(later.encrypt(&place, b"x").is_ok());
        // The last share before the rotation is given; none is given beyond the bound.
        for (handed_out, rotates) in [(ROTATE_AFTER - 1, false), (ROTATE_AFTER, true)] {
            let before = later.newest();
            safe.run(format!(
                "UPDATE column_key SET handed_out = {handed_out} WHERE number = (SELECT MAX(number) FROM column_key)"
            ))
            .await;
            assert_eq!(safe.keys().await.unwrap().newest() != before, rotates, "{handed_out}");
        }
        // A process that was started before has its share, and learns of the new key when it refreshes.
        assert_eq!(keys.newest(), Some(first));
        keys.refresh(9).await.unwrap();
        assert_ne!(keys.newest(), Some(first));
    }
}

#[tokio::test]
async fn a_changed_table_of_keys_is_refused() {
    for engine in engines() {
        let safe = Safe::on(engine).await;
        safe.keys().await.unwrap().rotate(2).await.unwrap();
        safe.keys().await.unwrap();
        const RENUMBERED: &str = "UPDATE column_key SET number = 9 WHERE number = 2";
        const BACK: &str = "UPDATE column_key SET number = 2 WHERE number = 9";
        const SWAPPED: &str = "UPDATE column_key SET wrapped = (SELECT other.wrapped FROM column_key other \
             WHERE other.number = 1) WHERE number = 2";
        for (change, back) in [(RENUMBERED, Some(BACK)), (SWAPPED, None)] {
            assert_eq!(safe.run(change).await, 1);
            let refused = safe.keys().await.err();
            let reason = refused.and_then(|error| match error {
                KeyringError::KeyEncryption { reason, .. } => Some(reason),
                _ => None,
            });
            let expected = matches!(reason, Some(KeyEncryptionError::NotAuthentic));
            assert!(expected, "{change}");
            if let Some(back) = back {
                safe.run(back).await;
                safe.keys().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_key_encryption_key_is_replaced() {
    for engine in engines() {
        let safe = Safe::on(engine).await;
        let place = COLUMN.at("p", b"row", 1, Vec::new());
        let mut keys = safe.keys().await.unwrap();
        let secret = keys.encrypt(&place, b"secret").unwrap();
        keys.rotate(2).await.unwrap();
        let new = Arc::new(FileKek::generate(&safe.engine.scratch.path().join("new")).unwrap());
        keys.rewrap(new.clone()).await.unwrap();
        keys.rotate(3).await.unwrap();
        assert!(matches!(safe.keys().await.err(), Some(KeyringError::OtherKek { number: 3, .. })));
        let reopened = ColumnKeys::open(safe.store.clone(), new, 4).await.unwrap();
        assert_eq!(reopened.decrypt(&place, &secret).unwrap().expose(), b"secret");
    }
}

#[tokio::test]
async fn a_column_is_reencrypted_in_steps() {
    for engine in engines() {
        let safe = Safe::on(engine).await;
        let keys = safe.keys().await.unwrap();
        let rows: Vec<[u8; 8]> = (0_i64..10).map(i64::to_be_bytes).collect();
        let place = |row: usize| COLUMN.at("p", &rows[row], 1, vec![b"lineage"]);
        for row in 0..10 {
            let secret = format!("secret {row}");
            safe.put(row.try_into().unwrap(), &keys.encrypt(&place(row), secret.as_bytes()).unwrap()).await;
        }
        safe.run("INSERT INTO safe VALUES (100, NULL)").await;
        assert_eq!(keys.reencrypt(COLUMN, 100).await.unwrap(), 0, "there is nothing to do");
        keys.rotate(2).await.unwrap();
        let mut done = Vec::new();
        loop {
            let step = keys.reencrypt(COLUMN, 4).await.unwrap();
            if step == 0 {
                break;
            }
            done.push(step);
        }
        assert_eq!(done, [4, 4, 2]);
        safe.run("DELETE FROM safe WHERE id = 100").await;
        let newest = keys.newest().unwrap();
        for (row, (id, ciphertext)) in safe.get().await.into_iter().enumerate() {
            assert_eq!(Envelope::parse(&ciphertext).unwrap().key, newest);
            assert_eq!(keys.decrypt(&place(row), &ciphertext).unwrap().expose(), format!("secret {id}").as_bytes());
        }

        // A row that was swapped stays swapped, and is noticed as before.
        let values = safe.get().await;
        safe.run("DELETE FROM safe WHERE id < 2").await;
        safe.put(0, &values[1].1).await;
        safe.put(1, &values[0].1).await;
        keys.rotate(3).await.unwrap();
        while keys.reencrypt(COLUMN, 100).await.unwrap() > 0 {}
        let swapped = &safe.get().await[0].1;
        assert_eq!(keys.decrypt(&place(0), swapped).err(), Some(SecretError::Moved { part: Part::Row }));

        // What does not open stops the step, and nothing of it is written.
        let elsewhere = SecretColumn::new("another", "secret").at("p", b"row", 1, Vec::new());
        safe.put(50, &keys.encrypt(&elsewhere, b"x").unwrap()).await;
        keys.rotate(4).await.unwrap();
        let before = safe.get().await;
        let refused = keys.reencrypt(COLUMN, 100).await.err();
        assert!(matches!(refused, Some(KeyringError::Secret(SecretError::Moved { part: Part::Table }))));
        assert_eq!(safe.get().await, before);
        let absent = keys.reencrypt(SecretColumn::new("absent", "secret"), 1).await.err();
        assert!(matches!(absent, Some(KeyringError::Store(StoreError::Sql(_)))));
    }
}
