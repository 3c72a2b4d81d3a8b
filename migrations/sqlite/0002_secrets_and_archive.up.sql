-- Secret columns and the archive (docs/archive.md). Times are milliseconds since the Unix epoch.

-- The data keys of secret columns, each wrapped under the key-encryption key. The newest encrypts, all decrypt.
CREATE TABLE column_key (
    number     INTEGER NOT NULL PRIMARY KEY CHECK (number > 0),
    key_id     BLOB NOT NULL UNIQUE CHECK (length(key_id) = 16),
    kek_id     TEXT NOT NULL,
    wrapped    BLOB NOT NULL CHECK (length(wrapped) BETWEEN 1 AND 1024),
    handed_out INTEGER NOT NULL CHECK (handed_out BETWEEN 0 AND 4294967296), -- encryptions that processes may have made
    created    INTEGER NOT NULL
) STRICT;

-- The record that an entry commits to. Once it is erased, the row is its tombstone.
CREATE TABLE archive_record (
    log_id      INTEGER NOT NULL,
    entry_index INTEGER NOT NULL CHECK (entry_index >= 0),
    project     TEXT NOT NULL,
    time        INTEGER NOT NULL CHECK (time >= 0), -- the entry's
    retention   INTEGER NOT NULL,
    salt        BLOB CHECK (length(salt) = 32),
    record      BLOB,
    blobs       BLOB NOT NULL, -- the digests of the blobs it speaks of, 32 bytes each
    erased_by   INTEGER CHECK (erased_by > entry_index), -- the erasure's entry
    erased_at   INTEGER,
    erased_why  TEXT,
    PRIMARY KEY (log_id, entry_index),
    CHECK ((salt IS NULL) = (record IS NULL) AND (salt IS NULL) = (erased_by IS NOT NULL)
        AND (erased_by IS NULL) = (erased_at IS NULL) AND (erased_by IS NULL) = (erased_why IS NULL))
) STRICT;

-- What records speak of, by the SHA-256 of its content.
CREATE TABLE archive_blob (
    log_id  INTEGER NOT NULL,
    project TEXT NOT NULL,
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    kind    INTEGER NOT NULL,
    created INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (log_id, project, digest)
) STRICT;

-- Which records that are not erased speak of which blobs: a blob goes with the last of them.
CREATE TABLE archive_reference (
    log_id      INTEGER NOT NULL,
    project     TEXT NOT NULL,
    digest      BLOB NOT NULL,
    entry_index INTEGER NOT NULL,
    PRIMARY KEY (log_id, project, digest, entry_index)
) STRICT, WITHOUT ROWID;

-- Blobs that were erased, and by which entry. The same content may be archived again later.
CREATE TABLE archive_erased (
    log_id    INTEGER NOT NULL,
    project   TEXT NOT NULL,
    digest    BLOB NOT NULL,
    kind      INTEGER NOT NULL,
    erased_by INTEGER NOT NULL,
    erased_at INTEGER NOT NULL,
    PRIMARY KEY (log_id, project, digest, erased_by)
) STRICT, WITHOUT ROWID;

-- Legal holds, each named by the index of the entry that placed it.
CREATE TABLE archive_hold (
    log_id      INTEGER NOT NULL,
    placed_by   INTEGER NOT NULL,
    project     TEXT NOT NULL,
    released_by INTEGER CHECK (released_by > placed_by),
    PRIMARY KEY (log_id, placed_by)
) STRICT;

CREATE TABLE archive_held_entry (
    log_id      INTEGER NOT NULL,
    entry_index INTEGER NOT NULL,
    placed_by   INTEGER NOT NULL,
    PRIMARY KEY (log_id, entry_index, placed_by)
) STRICT, WITHOUT ROWID;

CREATE TABLE archive_held_blob (
    log_id    INTEGER NOT NULL,
    project   TEXT NOT NULL,
    digest    BLOB NOT NULL,
    placed_by INTEGER NOT NULL,
    PRIMARY KEY (log_id, project, digest, placed_by)
) STRICT, WITHOUT ROWID;
