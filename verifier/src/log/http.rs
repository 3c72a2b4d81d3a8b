//! The ledger over HTTP: checkpoint, tiles and entry bundles. In: GET requests; out: what C2SP tlog-tiles says, section
//! "Parameters" on, with problem documents (RFC 9457) for what is not there. Nobody needs to be authenticated to read it.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    middleware::Compress,
    web::{self, Data, ServiceConfig},
};
use prooftrail_ledger::tiles::Tile;
use tokio::sync::watch;

use super::{database::LogDatabase, sequencer::Status, tiles::TileError};
use crate::service::problem::Problem;

/// What the routes read from.
#[derive(Clone)]
pub struct Published {
    /// The log.
    pub log: LogDatabase,
    /// The sequencer's status, with the checkpoint that is served.
    pub status: watch::Receiver<Status>,
}

/// Adds `/ledger/checkpoint` and `/ledger/tile/…`.
pub fn routes(published: Published) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let scope = web::scope("/ledger")
            .wrap(Compress::default())
            .app_data(Data::new(published))
            .route("/checkpoint", web::get().to(checkpoint))
            .route("/{tile:tile/.*}", web::get().to(tile));
        config.service(scope);
    }
}

impl Published {
    /// The size of the tree that `tile` is looked for in: the one that this process has signed, or, for what lies beyond,
    /// the committed one. A client may have its checkpoint from a replica that is ahead of this one.
    async fn size_for(&self, tile: Tile) -> u64 {
        let status = self.status.borrow().clone();
        let signed = status.head.head.size();
        if status.frozen.is_some() || tile.check_within(signed).is_ok() {
            return signed;
        }
        match self.log.committed_head().await {
            Ok(Some(head)) => signed.max(head.size()),
            // The tile is refused as one that this process does not know of.
            Ok(None) | Err(_) => signed,
        }
    }

    /// The last checkpoint that was signed.
    pub(crate) fn checkpoint(&self) -> HttpResponse {
        let note = self.status.borrow().head.note.to_string();
        HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(note)
    }

    /// The tile at `path`, as C2SP tlog-tiles names it, `tile/` included.
    pub(crate) async fn tile(&self, path: &str) -> Result<HttpResponse, Problem> {
        let tile = Tile::parse(path).map_err(|reason| Problem::bad_request("ledger.tile.path", reason.to_string()))?;
        let size = self.size_for(tile).await;
        match self.log.tile(tile, size).await {
            // Partial ones as well: their width is part of their path, and C2SP tlog-tiles calls the whole endpoint
            // immutable. Its hashes are committed, so they are final; what is refused is not cached.
            Ok(bytes) => Ok(HttpResponse::Ok()
                .content_type("application/octet-stream")
                .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
                .body(bytes)),
            Err(TileError::OffEdge(reason)) => {
                Err(Problem::new(StatusCode::NOT_FOUND, "ledger.tile.off_edge", reason.to_string()))
            }
            Err(TileError::Store(error)) => {
                tracing::error!(%error, %tile, "a tile could not be read");
                Err(Problem::unavailable("ledger.unavailable", "the log's database is not available"))
            }
        }
    }
}

async fn checkpoint(published: Data<Published>) -> HttpResponse {
    published.checkpoint()
}

async fn tile(published: Data<Published>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    published.tile(&path).await
}
