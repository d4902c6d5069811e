//! Where audiences were exported to: kept from before the first export there until the last one,
//! which is made when an audience is no longer declared, or is exported elsewhere. Without it
//! whoever uploads the files would go on with people who have left.

use channels::Outcome;
use channels::audience::{Folder, Members, Place};
use domain::ids::ChannelName;
use domain::time::Instant;
use engine::codec;
use store::{Limit, Range, Read};

use super::{Audience, AudienceActor, ExportError, RETRY_MS, key};
use crate::rows;

/// Begins the keys of places.
const PREFIX: &[u8] = b"F";
/// Most places that are looked after: each audience has one, and one more for each folder that it
/// had and that could not be emptied yet. What is beyond is not left.
const PLACES_READ: usize = 1_024;

fn place_key(place: &Place) -> Vec<u8> {
    // No name has this byte.
    [PREFIX, place.audience.as_bytes(), &[0], place.folder.as_bytes()].concat()
}

impl AudienceActor {
    /// Keeps a place durably, before anything is written there.
    pub(super) async fn remember(&self, place: &Place) -> Result<(), ExportError> {
        let (key, value) = (place_key(place), codec::encode(place));
        if self.store.get(rows::table(engine::Table::Meta), &key)?.as_ref() == Some(&value) {
            return Ok(());
        }
        self.put(vec![(key, Some(value))]).await
    }

    /// Empties the places where nothing is exported any more; when that is tried again.
    pub(super) async fn leave(&mut self, audiences: &[Audience]) -> Result<Instant, ExportError> {
        let places = audiences.iter().filter_map(|audience| audience.provider.place());
        let real = |place: Place| (place.within(&self.exports), place.audience);
        let kept: Vec<_> = places.map(real).collect();
        let table = rows::table(engine::Table::Meta);
        let range = Range::prefix(PREFIX.to_vec());
        let found = self.store.scan(table, &range, Limit::rows(PLACES_READ))?;
        let mut next = Instant::MAX;
        for (place_key, row) in found.rows {
            let place: Place = codec::decode("place of an audience", &row)?;
            let folder = place.within(&self.exports);
            if kept.iter().any(|(other, name)| *other == folder && *name == place.audience) {
                self.leaving.remove(&place_key);
                continue;
            }
            let name = ChannelName::from(place.audience.as_str());
            let leaving = self.leaving.entry(place_key.clone());
            let provider = leaving.or_insert_with(|| Folder::leaving(place, folder)).clone();
            let outcome = self.hand_over(&provider, name.as_str(), Members::default()).await;
            if !matches!(outcome, Outcome::Accepted { .. }) {
                next = next.min(self.now().plus_ms(RETRY_MS));
                continue;
            }
            self.leaving.remove(&place_key);
            let mut gone = vec![(place_key, None)];
            if audiences.iter().all(|audience| audience.name != name) {
                gone.push((key(&name), None));
            }
            self.put(gone).await?;
        }
        Ok(next)
    }

    /// Makes rows durable, or removes them.
    pub(super) async fn put(
        &self,
        rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    ) -> Result<(), ExportError> {
        let table = engine::Table::Meta;
        let write = |(key, value)| engine::Write { table, key, value };
        let writes = rows.into_iter().map(write).collect();
        self.keeper.put(writes).await.map_err(|_| ExportError::Ending)
    }
}
