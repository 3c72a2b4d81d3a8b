//! What an operator, or a stranger, finds out about a log: `ledger fsck`, `checkpoint` and `prove`, of databases and of
//! servers. Every defect has its own code; servers that lie, send too much or stall are told apart.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use prooftrail::{
    log::{
        database::{LogDatabase, LogStore},
        entry::{Commitment, Entry},
        fsck,
        guard::Guard,
        head::{DatabaseIdentity, Place},
        http::{Published, routes},
        prove::{self, ProveError},
        remote::{CheckpointRefusal, Client, FetchError, Remote},
        sequencer::Sequencer,
    },
    store::{Access, Store, StoreError},
};
use prooftrail_ledger::{
    Checkpoint, Frontier, Hash, Note, NoteSigner, TlogProof, TrustPolicy,
    merkle::{ConsistencyError, InclusionError, verify_consistency},
    note::{KeyName, NoteError, SignatureError, VerifyError},
    tiles::{TileKind, encode_entries, tiles_of_growth},
};

use crate::{
    log::{self, ORIGIN},
    scratch::{Engine, Scratch, engines},
};

async fn execute(database: &LogDatabase, sql: &'static str) {
    let store = database.store();
    let done = store.run_tx::<_, StoreError, _>("test", |tx| Box::pin(async move { Ok(tx.execute(sql).await?) }));
    assert_ne!(done.await.unwrap(), 0, "{sql}");
}

/// The codes that fsck gives, each once.
async fn codes(database: &LogDatabase, guard: Option<&Guard>) -> Vec<&'static str> {
    let guard = guard.map(|guard| (ORIGIN, guard));
    let checked = fsck::check(database, guard, |_, _| ()).await.unwrap();
    checked.found.counts().keys().copied().collect()
}

/// A log with these many requests appended after its genesis entry, and its tiles built.
async fn grown(engine: &Engine, one_by_one: u64, at_once: u64) -> (LogDatabase, Sequencer) {
    let database = log::create(&engine.url).await;
    let sequencer = log::start(Some(database.clone()), &engine.scratch.path().join("guard"), &[]).await.unwrap();
    for number in 0..one_by_one {
        sequencer.append(log::request(number)).await.unwrap();
    }
    for told in log::append_all(&sequencer, one_by_one..one_by_one + at_once).await {
        log::checked(&told.unwrap());
    }
    database.build_tiles(1 + one_by_one + at_once).await.unwrap();
    (database, sequencer)
}

#[tokio::test]
async fn fsck_names_each_defect() {
    // Entries 0 to 5 are a batch each; the rest came at once.
    for (sql, expected) in [
        (
            "DELETE FROM log_batch WHERE start = 3",
            &["ledger.batch.gap", "ledger.checkpoint.stray", "ledger.not_rebuilt"][..],
        ),
        (
            "DELETE FROM log_batch WHERE start = (SELECT MAX(start) FROM log_batch)",
            &["ledger.batch.gap", "ledger.checkpoint.stray", "ledger.not_rebuilt"],
        ),
        (
            "UPDATE log_batch SET count = 2 WHERE start = 3",
            &["ledger.batch.malformed", "ledger.batch.overlap", "ledger.checkpoint.stray", "ledger.not_rebuilt"],
        ),
        (
            "INSERT INTO log_batch SELECT log_id, -5, 1, entries FROM log_batch WHERE start = 1",
            &["ledger.batch.overlap"],
        ),
        (
            "INSERT INTO log_batch SELECT log_id, 5000, 1, entries FROM log_batch WHERE start = 1",
            &["ledger.batch.beyond_head"],
        ),
        (
            "UPDATE log_batch SET entries = (SELECT entries FROM log_batch WHERE start = 1) WHERE start = 4",
            &["ledger.checkpoint.root", "ledger.head.mismatch", "ledger.tile.hashes"],
        ),
        (
            "UPDATE log_checkpoint SET root = (SELECT root FROM log_checkpoint WHERE size = 2) WHERE size = 3",
            &["ledger.checkpoint.root"],
        ),
        ("DELETE FROM log_checkpoint WHERE size = 3", &["ledger.checkpoint.missing"]),
        (
            "INSERT INTO log_checkpoint SELECT log_id, 5000, root FROM log_checkpoint WHERE size = 3",
            &["ledger.checkpoint.stray"],
        ),
        (
            "INSERT INTO log_checkpoint SELECT log_id, 0, root FROM log_checkpoint WHERE size = 3",
            &["ledger.checkpoint.stray"],
        ),
        ("UPDATE log_head SET time = time + 1", &["ledger.head.time"]),
        ("UPDATE log_head SET root = (SELECT root FROM log_checkpoint WHERE size = 3)", &["ledger.head.mismatch"]),
        ("UPDATE log_head SET frontier = (SELECT root FROM log_checkpoint WHERE size = 3)", &["ledger.head.mismatch"]),
        (
            "UPDATE log_tile SET hashes = (SELECT hashes FROM log_tile WHERE tile_index = 0) WHERE tile_index = 1",
            &["ledger.tile.hashes"],
        ),
        ("INSERT INTO log_tile SELECT log_id, 0, 2, hashes FROM log_tile WHERE tile_index = 0", &["ledger.tile.stray"]),
        ("INSERT INTO log_tile SELECT log_id, 1, 0, hashes FROM log_tile WHERE tile_index = 0", &["ledger.tile.stray"]),
        (
            "INSERT INTO log_tile SELECT log_id, 99, 0, hashes FROM log_tile WHERE tile_index = 0",
            &["ledger.tile.stray"],
        ),
        (
            "INSERT INTO log_tile SELECT log_id, 0, -1, hashes FROM log_tile WHERE tile_index = 0",
            &["ledger.tile.stray"],
        ),
        ("UPDATE log_request SET entry_index = 5000 WHERE entry_index = 3", &["ledger.request.range"]),
        ("UPDATE log_request SET entry_index = -1 WHERE entry_index = 3", &["ledger.request.range"]),
        ("UPDATE log_request SET entry_index = 2 WHERE entry_index = 3", &["ledger.request.shared_entry"]),
    ] {
        for engine in engines() {
            let (database, _sequencer) = grown(&engine, 5, 600).await;
            assert_eq!(codes(&database, None).await, [""; 0], "before {sql}");
            execute(&database, sql).await;
            assert_eq!(codes(&database, None).await, expected, "{sql}");
        }
    }
}

#[tokio::test]
async fn fsck_finds_entries_that_are_none_or_go_back_in_time() {
    let scratch = Scratch::new();
    for (bytes, expected) in [
        (Vec::new(), "ledger.entry.malformed"),
        (vec![0; 65_535], "ledger.entry.malformed"),
        (Entry { draft: log::request(3).draft, time: 0 }.encode(), "ledger.entry.time"),
    ] {
        let engine = Engine {
            url: scratch.sqlite(&format!("{expected}-{}", bytes.len())),
            scratch: Scratch::new(),
            server: None,
        };
        let (database, sequencer) = grown(&engine, 5, 0).await;
        log::stop(sequencer, database).await;
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        let hexadecimal: String = length.iter().chain(&bytes).map(|byte| format!("{byte:02x}")).collect();
        let sql = format!("UPDATE log_batch SET entries = x'{hexadecimal}' WHERE start = 4");
        let database = log::open(&engine.url).await.unwrap();
        execute(&database, sql.leak()).await;
        let found = codes(&database, None).await;
        assert!(found.contains(&expected), "{found:?}");
    }
}

#[tokio::test]
async fn fsck_compares_the_guard_file() {
    for engine in engines() {
        let (database, _sequencer) = grown(&engine, 3, 0).await;
        let text = fs::read_to_string(engine.scratch.path().join("guard")).unwrap();
        let good: Guard = text.parse().unwrap();
        assert_eq!(codes(&database, Some(&good)).await, [""; 0]);
        let other = |edit: fn(&mut Guard)| {
            let mut guard = good.clone();
            edit(&mut guard);
            guard
        };
        for (guard, expected) in [
            (other(|guard| guard.size += 1), "ledger.frozen.rolled_back"),
            (other(|guard| guard.size -= 1), "ledger.frozen.other_root"),
            (other(|guard| guard.root = Hash::EMPTY_ROOT), "ledger.frozen.other_root"),
            (other(|guard| guard.origin.push('x')), "ledger.frozen.other_origin"),
            (other(|guard| guard.place.recovery_epoch += 1), "ledger.frozen.epoch_rolled_back"),
            (
                other(|guard| {
                    guard.place =
                        Place { recovery_epoch: 0, database: DatabaseIdentity { id: [0; 16], ..guard.place.database } }
                }),
                "ledger.frozen.other_database",
            ),
        ] {
            assert_eq!(codes(&database, Some(&guard)).await, [expected]);
        }
    }
}

/// A server on a port of its own, as long as this is kept.
struct Server {
    url: String,
    handle: ServerHandle,
}

impl Server {
    fn start(configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) -> Self {
        let server = HttpServer::new(move || App::new().configure(&configure));
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ledger", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, handle }
    }

    fn log(&self) -> Remote<Client> {
        Remote::new(Client::new(&self.url, Duration::from_secs(20)).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        tokio::spawn(self.handle.stop(false));
    }
}

#[actix_web::test]
async fn a_served_log_is_checked_and_proved_from() {
    for engine in engines() {
        let (database, sequencer) = grown(&engine, 3, 700).await;
        let published = Published { log: database.clone(), status: sequencer.status() };
        let server = Server::start(move |config| routes(published.clone())(config));
        let (remote, signer) = (server.log(), log::signer());
        let key = signer.verifier_key();
        let (note, checkpoint) = remote.checkpoint(key, ORIGIN).await.unwrap();
        assert_eq!(checkpoint.size(), 704);
        let mut shown = 0;
        let found = remote.check(&checkpoint, |done, _| shown = done).await.unwrap();
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(shown, 704);
        let refusal = remote.checkpoint(key, "example.com/other").await.unwrap_err();
        assert_eq!(refusal.code(), Some("ledger.checkpoint.origin"));

        let trust = format!("log {key}\nquorum none\n");
        let trust = TrustPolicy::parse(trust.as_bytes()).unwrap();
        for index in [0, 1, 255, 256, 511, 703] {
            let leaf = Hash::of_leaf(&database.entries(index, index + 1).await.unwrap()[0]);
            assert_eq!(prove::find(&remote, &leaf, 704, |_, _| ()).await.unwrap(), Some(index));
            let from_server = prove::inclusion(&remote, index, 704, &checkpoint.root()).await.unwrap();
            let from_database = prove::inclusion(&database, index, 704, &checkpoint.root()).await.unwrap();
            assert_eq!(from_server, from_database);
            let proof = TlogProof::new(index, from_server.path, note.clone()).unwrap().to_string();
            TlogProof::parse(proof.as_bytes()).unwrap().verify(&leaf, &trust).unwrap();
        }
        assert_eq!(prove::find(&remote, &Hash::EMPTY_ROOT, 704, |_, _| ()).await.unwrap(), None);
        for from in [1, 2, 4, 704] {
            let root = database.root_at(from).await.unwrap().unwrap();
            let proved = prove::consistency(&remote, from, 704, &checkpoint.root()).await.unwrap();
            assert_eq!(proved.earlier_root, root);
            verify_consistency(from, 704, &proved.proof, &root, &checkpoint.root()).unwrap();
            assert_eq!(prove::consistency(&database, from, 704, &checkpoint.root()).await.unwrap(), proved);
        }
        // What cannot be proved, each for its own reason.
        let off = prove::inclusion(&remote, 704, 704, &checkpoint.root()).await.unwrap_err();
        assert!(matches!(off, ProveError::Inclusion(InclusionError::IndexOutOfRange { index: 704, size: 704 })));
        let lie = prove::inclusion(&remote, 7, 704, &Hash::EMPTY_ROOT).await.unwrap_err();
        assert!(matches!(lie, ProveError::Inclusion(InclusionError::RootMismatch { .. })) && lie.is_contradiction());
        let shrunk = prove::consistency(&remote, 705, 704, &checkpoint.root()).await.unwrap_err();
        assert!(matches!(shrunk, ProveError::Consistency(ConsistencyError::Shrinks { size1: 705, size2: 704 })));
        let empty = prove::consistency(&remote, 0, 704, &checkpoint.root()).await.unwrap_err();
        assert!(matches!(empty, ProveError::Consistency(ConsistencyError::FromEmpty { size2: 704 })));
        let beyond = prove::inclusion(&remote, 7, 100_000, &checkpoint.root()).await.unwrap_err();
        assert!(matches!(beyond, ProveError::NotServed { .. }), "{beyond}");
    }
}

/// A log as files by their paths. A body `stall` or `fail` is what the server does.
type Files = BTreeMap<String, Vec<u8>>;

fn files(size: u64) -> Files {
    let mut files = Files::new();
    let mut frontier = Frontier::new();
    let entry = |index: u64| format!("entry {index}").into_bytes();
    let leaves: Vec<Hash> = (0..size).map(|index| Hash::of_leaf(&entry(index))).collect();
    leaves.iter().for_each(|leaf| frontier.append(*leaf).unwrap());
    for tile in tiles_of_growth(0, size) {
        let first = tile.index() * 256;
        let range = first..first + u64::from(tile.width());
        let bytes = match tile.kind() {
            TileKind::Entries => encode_entries(&range.map(entry).collect::<Vec<_>>()).unwrap(),
            TileKind::Hashes { level: 0 } => {
                range.flat_map(|index| *leaves[usize::try_from(index).unwrap()].as_bytes()).collect()
            }
            TileKind::Hashes { .. } => leaves
                .chunks_exact(256)
                .flat_map(|chunk| {
                    let mut frontier = Frontier::new();
                    chunk.iter().for_each(|leaf| frontier.append(*leaf).unwrap());
                    *frontier.root().as_bytes()
                })
                .collect(),
        };
        files.insert(tile.to_string(), bytes);
    }
    let checkpoint = Checkpoint::new(ORIGIN, size, frontier.root()).unwrap();
    let note = Note::sign(checkpoint.text(), &log::signer()).unwrap();
    files.insert("checkpoint".to_owned(), note.to_string().into_bytes());
    files
}

fn serve(files: Files) -> Server {
    let files = Arc::new(files);
    Server::start(move |config: &mut web::ServiceConfig| {
        let files = files.clone();
        let get = move |path: web::Path<String>| {
            let body = files.get(&*path).cloned();
            async move {
                match body {
                    Some(body) if body == b"stall" => {
                        tokio::time::sleep(Duration::from_secs(600)).await;
                        HttpResponse::Ok().finish()
                    }
                    Some(body) if body == b"fail" => HttpResponse::InternalServerError().finish(),
                    Some(body) => HttpResponse::Ok().body(body),
                    None => HttpResponse::NotFound().finish(),
                }
            }
        };
        config.route("/ledger/{path:.*}", web::get().to(get));
    })
}

#[actix_web::test]
async fn a_server_that_lies_is_found_out() {
    let signer = log::signer();
    let good = files(600);
    type Edit = fn(&mut Files);
    let cases: [(&str, Edit, &[&str]); 9] = [
        ("nothing", |_| (), &[]),
        // A full tile in the place of the partial one is as good.
        (
            "full for partial",
            |files| {
                for path in ["tile/entries/002", "tile/0/002"] {
                    let full = self::files(768).remove(path).unwrap();
                    files.remove(&format!("{path}.p/88")).unwrap();
                    files.insert(path.to_owned(), full);
                }
            },
            &[],
        ),
        (
            "entry changed",
            |files| {
                let bundle = files.get_mut("tile/entries/001").unwrap();
                *bundle.last_mut().unwrap() ^= 1;
            },
            &["ledger.checkpoint.root", "ledger.tile.hashes"],
        ),
        (
            "tile changed",
            |files| *files.get_mut("tile/0/000").unwrap().last_mut().unwrap() ^= 1,
            &["ledger.tile.hashes"],
        ),
        (
            "upper tile changed",
            |files| *files.get_mut("tile/1/000.p/2").unwrap().last_mut().unwrap() ^= 1,
            &["ledger.tile.hashes"],
        ),
        ("tile missing", |files| drop(files.remove("tile/0/001").unwrap()), &["ledger.tile.missing"]),
        (
            "bundle missing",
            |files| drop(files.remove("tile/entries/002.p/88").unwrap()),
            &["ledger.not_rebuilt", "ledger.tile.missing"],
        ),
        ("tile too long", |files| files.get_mut("tile/0/001").unwrap().push(0), &["ledger.tile.malformed"]),
        (
            "bundle too short",
            |files| {
                files.get_mut("tile/entries/001").unwrap().pop().unwrap();
            },
            &["ledger.not_rebuilt", "ledger.tile.malformed"],
        ),
    ];
    for (name, edit, expected) in cases {
        let mut files = good.clone();
        edit(&mut files);
        let server = serve(files);
        let (_, checkpoint) = server.log().checkpoint(signer.verifier_key(), ORIGIN).await.unwrap();
        let found = server.log().check(&checkpoint, |_, _| ()).await.unwrap();
        assert_eq!(found.counts().keys().copied().collect::<Vec<_>>(), expected, "{name}");
    }

    // Checkpoints that are not the log's.
    let signed = String::from_utf8(good["checkpoint"].clone()).unwrap();
    let text = signed.split("\n\n").next().unwrap();
    let short = |reason: &CheckpointRefusal| match reason {
        CheckpointRefusal::Signature(VerifyError::Signature { reason: SignatureError::Invalid, .. }) => "invalid",
        CheckpointRefusal::Signature(VerifyError::NoKnownSignature) => "unknown key",
        CheckpointRefusal::Note(NoteError::TooManySignatures { max: 64 }) => "signatures",
        CheckpointRefusal::Fetch(FetchError::TooLong { max: 1_048_576, .. }) => "too long",
        CheckpointRefusal::Note(NoteError::Unterminated) => "no note",
        _ => "another reason",
    };
    let other = NoteSigner::from_seed(KeyName::new(ORIGIN).unwrap(), &[8; 32]).unwrap();
    let forged = Checkpoint::parse(Note::parse(signed.as_bytes()).unwrap().unverified_text()).unwrap();
    for (body, code, reason) in [
        (signed.replace("600", "601"), "ledger.checkpoint.signature", "invalid"),
        (Note::sign(forged.text(), &other).unwrap().to_string(), "ledger.checkpoint.signature", "unknown key"),
        (format!("{text}\n\n{}", "— a AAAAAAE=\n".repeat(10_000)), "ledger.checkpoint.note", "signatures"),
        ("x".repeat(2 << 20), "ledger.checkpoint.note", "too long"),
        ("no note".to_owned(), "ledger.checkpoint.note", "no note"),
    ] {
        let mut files = good.clone();
        files.insert("checkpoint".to_owned(), body.into_bytes());
        let refusal = serve(files).log().checkpoint(signer.verifier_key(), ORIGIN).await.unwrap_err();
        assert_eq!((refusal.code(), short(&refusal)), (Some(code), reason), "{refusal}");
    }
    let mut files = good.clone();
    files.remove("checkpoint");
    let refusal = serve(files).log().checkpoint(signer.verifier_key(), ORIGIN).await.unwrap_err();
    assert_eq!(refusal, CheckpointRefusal::NotServed);
}

#[actix_web::test]
async fn a_server_that_stalls_or_fails_is_no_finding() {
    let signer = log::signer();
    for (path, body) in
        [("tile/0/001", "stall"), ("tile/entries/001", "stall"), ("tile/0/001", "fail"), ("tile/entries/000", "fail")]
    {
        let mut files = files(600);
        files.insert(path.to_owned(), body.as_bytes().to_vec());
        let server = serve(files);
        let remote = Remote::new(Client::new(&server.url, Duration::from_secs(2)).unwrap());
        let (_, checkpoint) = remote.checkpoint(signer.verifier_key(), ORIGIN).await.unwrap();
        let error = remote.check(&checkpoint, |_, _| ()).await.unwrap_err();
        let path = path.to_owned();
        let expected = match body {
            "stall" => FetchError::Stalled { path },
            _ => FetchError::Status { path, status: 500 },
        };
        assert_eq!(error, expected);
    }
    let nobody = Remote::new(Client::new("http://127.0.0.1:1/ledger", Duration::from_secs(2)).unwrap());
    let refusal = nobody.checkpoint(signer.verifier_key(), ORIGIN).await.unwrap_err();
    assert!(matches!(refusal, CheckpointRefusal::Fetch(FetchError::Transport { .. })) && refusal.code().is_none());
}

async fn prooftrail(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
    command.arg("ledger").args(args);
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[actix_web::test]
async fn the_command_line_checks_and_proves() {
    for engine in engines() {
        let (database, sequencer) = grown(&engine, 3, 300).await;
        let published = Published { log: database.clone(), status: sequencer.status() };
        let server = Server::start(move |config| routes(published.clone())(config));
        let key = log::signer().verifier_key().to_string();
        let guard = engine.scratch.path().join("guard").display().to_string();
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();

        // A second log in the same database: checked with the first, or not if the origin says so.
        let other =
            LogDatabase::create(database.store().clone(), "example.com/second", Commitment::new([0; 32]), [9; 16], 1);
        other.await.unwrap();
        let (status, text, error) = prooftrail(&["fsck", &engine.url, "--json"]).await;
        assert_eq!(status, 0, "{error}");
        let report = json(&text);
        assert_eq!(
            (status, report["clean"].as_bool(), report["logs"].as_array().map(Vec::len)),
            (0, Some(true), Some(2))
        );
        let (status, text, _) = prooftrail(&["fsck", &engine.url, "--origin", ORIGIN, "--guard", &guard]).await;
        assert!(status == 0 && text.contains("304 entries") && text.contains("nothing found"), "{text}");
        let (status, _, error) = prooftrail(&["fsck", &engine.url, "--guard", &guard]).await;
        assert!(status == 2 && error.contains("--origin"), "{error}");
        let (status, _, error) = prooftrail(&["fsck", &engine.url, "--origin", "example.com/third"]).await;
        assert!(status == 2 && error.contains("has no log example.com/third"), "{error}");

        let (status, text, _) = prooftrail(&["fsck", &server.url, "--key", &key, "--json"]).await;
        assert_eq!((status, json(&text)["logs"][0]["size"].as_u64()), (0, Some(304)));
        let (status, _, error) = prooftrail(&["fsck", &server.url]).await;
        assert!(status == 2 && error.contains("--key"), "{error}");

        let (status, note, _) = prooftrail(&["checkpoint", &server.url, "--key", &key]).await;
        assert_eq!(status, 0);
        assert!(Note::parse(note.as_bytes()).unwrap().verify(&[log::signer().verifier_key()]).is_ok());
        let (status, text, _) = prooftrail(&["checkpoint", &engine.url, "--origin", ORIGIN, "--json"]).await;
        assert_eq!(
            (status, json(&text)["size"].as_u64(), json(&text)["signed"].as_bool()),
            (0, Some(304), Some(false))
        );
        let (status, _, error) = prooftrail(&["checkpoint", &engine.url]).await;
        assert!(status == 2 && error.contains("several logs"), "{error}");

        // The same proof from the server and from the database, by index and by hash.
        let file = engine.scratch.path().join("checkpoint").display().to_string();
        fs::write(&file, &note).unwrap();
        let leaf = Hash::of_leaf(&database.entries(77, 78).await.unwrap()[0]);
        let trust = format!("log {key}\nquorum none\n");
        let trust = TrustPolicy::parse(trust.as_bytes()).unwrap();
        let under = ["--key", &key, "--checkpoint", &file];
        for place in [&server.url, &engine.url] {
            for what in [["--index", "77"], ["--entry-hash", &leaf.to_string()]] {
                let args = [&["prove", place][..], &under, &what].concat();
                let (status, text, error) = prooftrail(&args).await;
                assert_eq!(status, 0, "{error}");
                TlogProof::parse(text.as_bytes()).unwrap().verify(&leaf, &trust).unwrap();
            }
            let (status, text, error) =
                prooftrail(&[&["prove", place][..], &under, &["--from", "2", "--json"]].concat()).await;
            assert_eq!(status, 0, "{error}");
            let root = database.root_at(2).await.unwrap().unwrap().to_string();
            assert_eq!(json(&text)["from_root"].as_str(), Some(&*root));
            assert!(json(&text)["add_checkpoint"].as_str().unwrap().ends_with(&note));
            let (status, _, error) = prooftrail(&[&["prove", place][..], &under, &["--index", "304"]].concat()).await;
            assert!(status == 2 && error.contains("outside a tree of 304"), "{error}");
        }
        let (status, _, error) = prooftrail(&["prove", &engine.url, "--key", &key, "--index", "1"]).await;
        assert!(status == 2 && error.contains("--checkpoint"), "{error}");

        // A changed entry: the database contradicts what was signed.
        execute(&database, "DELETE FROM log_tile").await;
        execute(&database, "UPDATE log_batch SET entries = (SELECT entries FROM log_batch WHERE log_id = 1 AND start = 1) WHERE log_id = 1 AND start = 2").await;
        let (status, text, _) = prooftrail(&[&["prove", &engine.url][..], &under, &["--index", "77"]].concat()).await;
        assert!(status == 1 && text.starts_with("ledger.prove.contradiction: "), "{text}");
        let (status, text, _) = prooftrail(&["fsck", &server.url, "--key", &key]).await;
        assert!(status == 1 && text.contains("ledger.checkpoint.root: "), "{text}");
        let (status, text, _) = prooftrail(&["fsck", &engine.url, "--json"]).await;
        assert_eq!((status, json(&text)["logs"][0]["counts"]["ledger.head.mismatch"].as_u64()), (1, Some(2)));
    }
}

#[tokio::test]
async fn looking_needs_no_writable_database() {
    let scratch = Scratch::new();
    let engine = Engine { url: scratch.sqlite("ledger.db"), scratch: Scratch::new(), server: None };
    let (database, sequencer) = grown(&engine, 3, 0).await;
    let look = async || {
        let store = Arc::new(Store::open(&engine.url, Access::Inspect).await.unwrap());
        let logs = LogDatabase::all(&store).await.unwrap();
        assert_eq!(logs.len(), 1);
        assert_eq!(codes(&logs[0].1, None).await, [""; 0]);
        assert_eq!(logs[0].1.committed_head().await.unwrap().unwrap().size(), 4);
        store.close().await;
    };
    look().await; // while a process serves from it
    log::stop(sequencer, database).await;
    look().await;
}
