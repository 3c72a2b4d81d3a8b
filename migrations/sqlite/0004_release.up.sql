-- Decisions on witnesses, and what came of them (docs/release.md). Times are milliseconds since the Unix epoch.

-- A release or a denial each. Of a release, whatever its session needs; of what opened a session, how far that has come.
CREATE TABLE decision (
    release_id       BLOB NOT NULL PRIMARY KEY CHECK (length(release_id) = 16),
    log_id           INTEGER NOT NULL,
    entry_index      INTEGER NOT NULL,
    leaf_hash        BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    project          TEXT NOT NULL,
    time             INTEGER NOT NULL,
    purpose          TEXT NOT NULL,
    reason           TEXT, -- the first of a denial's; none of a release or an affirming appraisal
    key_name         TEXT,
    key_version      INTEGER,
    policy_name      TEXT NOT NULL,
    policy_version   INTEGER NOT NULL,
    statement_sha384 BLOB NOT NULL CHECK (length(statement_sha384) = 48),
    header_sha384    BLOB CHECK (length(header_sha384) = 48),
    session          BLOB CHECK (length(session) = 16),
    turn             INTEGER NOT NULL,
    proof_key        BLOB NOT NULL CHECK (length(proof_key) = 32),
    recovery_epoch   INTEGER NOT NULL,
    opens_until      INTEGER NOT NULL,
    proofs_until     INTEGER NOT NULL,
    next_turn        INTEGER NOT NULL DEFAULT 1,
    next_sequence    INTEGER NOT NULL DEFAULT 0,
    revoked          INTEGER,
    revoked_by       INTEGER, -- the revocation's entry
    UNIQUE (log_id, entry_index),
    UNIQUE (session, turn)
) STRICT;

CREATE INDEX decision_project ON decision (project, entry_index);

-- Requests that were answered, until their challenge has ended, so that a retry gets the same answer.
CREATE TABLE spent_challenge (
    request_id     BLOB NOT NULL PRIMARY KEY CHECK (length(request_id) = 32),
    request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32),
    entry_index    INTEGER NOT NULL,
    form           INTEGER NOT NULL, -- what the answer is
    answer         BLOB NOT NULL,
    expires        INTEGER NOT NULL
) STRICT;

CREATE INDEX spent_challenge_expires ON spent_challenge (expires);

-- Registered proofs. A session's turns are taken in order, each once.
CREATE TABLE proof (
    session       BLOB NOT NULL CHECK (length(session) = 16),
    sequence      INTEGER NOT NULL CHECK (sequence >= 0),
    log_id        INTEGER NOT NULL,
    entry_index   INTEGER NOT NULL,
    leaf_hash     BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    project       TEXT NOT NULL,
    time          INTEGER NOT NULL,
    release_id    BLOB NOT NULL REFERENCES decision (release_id),
    record_sha256 BLOB NOT NULL CHECK (length(record_sha256) = 32),
    proof_id      BLOB CHECK (length(proof_id) = 32),
    statement_id  BLOB CHECK (length(statement_id) = 32),
    system        TEXT,
    finding       TEXT NOT NULL,
    code          TEXT, -- why it was refused
    exit_status   INTEGER NOT NULL,
    PRIMARY KEY (session, sequence),
    UNIQUE (log_id, entry_index)
) STRICT;

CREATE INDEX proof_proof_id ON proof (proof_id) WHERE proof_id IS NOT NULL;
CREATE INDEX proof_statement_id ON proof (statement_id) WHERE statement_id IS NOT NULL;
CREATE INDEX proof_project ON proof (project, entry_index);

-- How often requests were refused that made no entry, by day and code: strangers choose neither.
CREATE TABLE refusal (
    day    INTEGER NOT NULL,
    code   TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (day, code)
) STRICT;
