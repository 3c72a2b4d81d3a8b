//! Tiles, stored or made on demand, over HTTP; and the scrubber, which finds whatever is changed in the store.

use actix_web::{App, http::header, test};
use prooftrail::{
    log::{
        database::LogDatabase,
        http::{Published, routes},
        scrubber::{Finding, Scrubber},
    },
    store::StoreError,
};
use prooftrail_ledger::{
    Checkpoint, Frontier, Hash, Note,
    merkle::{ProofPlan, verify_inclusion},
    tiles::{Tile, TileSet, decode_entries, tiles_of_growth},
};

use crate::{log, scratch::engines};

#[actix_web::test]
async fn the_log_is_served_as_tiles_that_verify() {
    for engine in engines() {
        let database = log::create(&engine.url).await;
        let sequencer = log::start(Some(database.clone()), &engine.scratch.path().join("guard"), &[]).await.unwrap();
        for told in log::append_all(&sequencer, 0..600).await {
            log::checked(&told.unwrap());
        }
        let published = Published { log: database.clone(), status: sequencer.status() };
        let app = test::init_service(App::new().configure(routes(published))).await;
        let get = async |path: &str| {
            let request = test::TestRequest::get().uri(path).to_request();
            let response = test::call_service(&app, request).await;
            let text = |name| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
            let (status, kind, cache) =
                (response.status().as_u16(), text(header::CONTENT_TYPE), text(header::CACHE_CONTROL));
            (status, kind, cache, test::read_body(response).await)
        };
        let (status, kind, cache, note) = get("/ledger/checkpoint").await;
        assert_eq!((status, &*kind, &*cache), (200, "text/plain; charset=utf-8", "no-cache"));
        let note = Note::parse(&note).unwrap();
        let signer = log::signer();
        let checkpoint = Checkpoint::parse(note.verify(&[signer.verifier_key()]).unwrap().text()).unwrap();
        assert_eq!(checkpoint.size(), 601);

        // Before the builder and after it, the same bytes; building twice stores nothing twice.
        let mut before = Vec::new();
        for pass in 0..3 {
            let mut frontier = Frontier::new();
            let mut tiles = TileSet::new(601);
            let mut bodies = Vec::new();
            for tile in tiles_of_growth(0, 601) {
                let (status, kind, cache, body) = get(&format!("/ledger/{tile}")).await;
                assert_eq!((status, &*kind), (200, "application/octet-stream"), "{tile}");
                assert_eq!(cache, "public, max-age=31536000, immutable");
                if let Ok(entries) = decode_entries(tile, &body) {
                    entries.iter().for_each(|entry| frontier.append(Hash::of_leaf(entry)).unwrap());
                } else {
                    tiles.insert(tile, &body).unwrap();
                }
                bodies.push(body);
            }
            assert_eq!(frontier.root(), checkpoint.root());
            for index in [0, 255, 256, 511, 512, 600] {
                let path = ProofPlan::inclusion(index, 601).unwrap().prove(&tiles).unwrap();
                let entry = &database.entries(index, index + 1).await.unwrap()[0];
                verify_inclusion(&Hash::of_leaf(entry), index, 601, &path, &checkpoint.root()).unwrap();
            }
            if pass > 0 {
                assert_eq!(bodies, before);
            }
            before = bodies;
            assert_eq!(database.build_tiles(601).await.unwrap(), if pass == 0 { 2 } else { 0 });
        }
        for (path, status, code) in [
            ("tile/0/002.p/90", 404, "ledger.tile.off_edge"),
            ("tile/0/002", 404, "ledger.tile.off_edge"),
            ("tile/entries/003.p/1", 404, "ledger.tile.off_edge"),
            ("tile/1/000", 404, "ledger.tile.off_edge"),
            ("tile/2/000.p/1", 404, "ledger.tile.off_edge"),
            ("tile/64/000", 400, "ledger.tile.path"),
            ("tile/0/0", 400, "ledger.tile.path"),
            ("tile/0/000.p/256", 400, "ledger.tile.path"),
            ("tile/data/000", 400, "ledger.tile.path"),
        ] {
            let (have, kind, cache, body) = get(&format!("/ledger/{path}")).await;
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((have, problem["code"].as_str()), (status, Some(code)), "{path}");
            assert_eq!((&*kind, &*cache), ("application/problem+json", "no-store"));
        }
        assert!(
            Tile::parse("tile/0/000.p/255").is_ok() && get("/ledger/tile/0/000.p/255").await.0 == 200,
            "earlier widths stay"
        );
    }
}

async fn execute(database: &LogDatabase, sql: &'static str) {
    let store = database.store();
    let done = store.run_tx::<_, StoreError, _>("test", |tx| Box::pin(async move { Ok(tx.execute(sql).await?) }));
    assert_eq!(done.await.unwrap(), 1, "{sql}");
}

#[tokio::test]
async fn the_scrubber_finds_what_was_changed() {
    let changes: [(&'static str, fn(&Finding) -> bool); 4] = [
        ("DELETE FROM log_batch WHERE start = 1", |finding| {
            matches!(finding, Finding::Store(StoreError::Corrupt { what: "log_batch" }))
        }),
        ("UPDATE log_batch SET entries = (SELECT entries FROM log_batch WHERE start = 0) WHERE start = 2", |finding| {
            matches!(finding, Finding::Root { size: 3, .. } | Finding::Time { index: 2 })
        }),
        (
            "UPDATE log_checkpoint SET root = (SELECT root FROM log_checkpoint WHERE size = 2) WHERE size = 3",
            |finding| matches!(finding, Finding::Root { size: 3, .. }),
        ),
        ("UPDATE log_batch SET count = 2 WHERE start = 3", |finding| {
            matches!(finding, Finding::Store(StoreError::Corrupt { .. }))
        }),
    ];
    for (sql, expected) in changes {
        for engine in engines() {
            let database = log::create(&engine.url).await;
            let sequencer =
                log::start(Some(database.clone()), &engine.scratch.path().join("guard"), &[]).await.unwrap();
            for number in 0..3 {
                log::append_all(&sequencer, [number]).await;
            }
            let mut scrubber = Scrubber::default();
            scrubber.run(&database).await.unwrap();
            assert_eq!((scrubber.frontier().size(), scrubber.checkpoints()), (4, 4));
            execute(&database, sql).await;
            let finding = Scrubber::default().run(&database).await.unwrap_err();
            assert!(expected(&finding), "{sql}: {finding}");
        }
    }
}
