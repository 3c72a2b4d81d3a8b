//! Tiles, stored or made on demand, over HTTP.

use actix_web::{App, http::header, test};
use prooftrail::log::{
    batch::Batch,
    database::{LogStore, Outcome},
    http::{Published, routes},
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

#[actix_web::test]
async fn what_another_replica_has_appended_is_served_at_once() {
    for engine in engines() {
        let database = log::create(&engine.url).await;
        let sequencer = log::start(Some(database.clone()), &engine.scratch.path().join("guard"), &[]).await.unwrap();
        sequencer.append(log::request(0)).await.unwrap();
        let status = sequencer.status();
        let published = Published { log: database.clone(), status: status.clone() };
        let app = test::init_service(App::new().configure(routes(published))).await;
        let get = async |path: &str| {
            let request = test::TestRequest::get().uri(path).to_request();
            test::call_service(&app, request).await.status().as_u16()
        };
        assert_eq!(get("/ledger/tile/0/000.p/3").await, 404);
        let head = database.head().await.unwrap().unwrap().head;
        let batch = Batch::new(&head, [log::request(1)], 0).unwrap();
        assert!(matches!(database.append(&batch).await.unwrap(), Outcome::Committed));
        assert_eq!(get("/ledger/tile/0/000.p/3").await, 200);
        assert_eq!(get("/ledger/tile/entries/000.p/3").await, 200);
        assert_eq!(get("/ledger/tile/0/000.p/4").await, 404);
    }
}
