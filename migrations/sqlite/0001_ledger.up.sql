-- The ledger (docs/ledger.md). Times are milliseconds since the Unix epoch; sizes and indices count leaves.

-- The head of each log. What it says of the database is what it was when the last entry was committed.
CREATE TABLE log_head (
    log_id            INTEGER NOT NULL PRIMARY KEY,
    origin            TEXT    NOT NULL UNIQUE,
    size              INTEGER NOT NULL CHECK (size > 0),
    root              BLOB    NOT NULL CHECK (length(root) = 32),
    frontier          BLOB    NOT NULL,
    time              INTEGER NOT NULL,
    recovery_epoch    INTEGER NOT NULL,
    database_id       BLOB    NOT NULL CHECK (length(database_id) = 16),
    system_identifier INTEGER NOT NULL,
    timeline          INTEGER NOT NULL
) STRICT;

-- One root for each size that was ever a head: the engine itself refuses a fork.
CREATE TABLE log_checkpoint (
    log_id INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    root   BLOB    NOT NULL CHECK (length(root) = 32),
    PRIMARY KEY (log_id, size)
) STRICT;

-- The entries, a row for each batch: each entry behind its length in two bytes, big-endian.
CREATE TABLE log_batch (
    log_id  INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    count   INTEGER NOT NULL CHECK (count > 0),
    entries BLOB    NOT NULL,
    PRIMARY KEY (log_id, start)
) STRICT;

-- Which request became which entry: a request is appended once.
CREATE TABLE log_request (
    log_id      INTEGER NOT NULL,
    project     TEXT    NOT NULL,
    request_id  BLOB    NOT NULL CHECK (length(request_id) = 32),
    entry_index INTEGER NOT NULL,
    PRIMARY KEY (log_id, project, request_id)
) STRICT, WITHOUT ROWID;

-- Full tiles of hashes, 256 · 32 bytes: a pure function of the entries, so that any of them may be lost.
CREATE TABLE log_tile (
    log_id     INTEGER NOT NULL,
    level      INTEGER NOT NULL,
    tile_index INTEGER NOT NULL,
    hashes     BLOB    NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (log_id, level, tile_index)
) STRICT;
