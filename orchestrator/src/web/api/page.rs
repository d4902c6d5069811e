//! Pages of lists: what they look like, and those of lists that are in memory.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::cursor::List;
use super::sends::limit;
use crate::admin::Refusal;

/// Most items of a page of a list that is in memory.
pub(super) const ITEMS_MAX: usize = 1_000;
/// Items of such a page, if nobody says how many.
const ITEMS_DEFAULT: usize = 100;

/// One page of a list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Where the next page begins; null if there is nothing more.
    pub(crate) next_cursor: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Most items of the page.
    #[schemars(range(min = 1, max = ITEMS_MAX))]
    pub(super) limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl PageQuery {
    /// A page of a list that is in memory, in the order of `key`, which tells its items apart. It
    /// goes on behind the key of the last one, also if that one is gone.
    pub(super) fn of<T, K: Ord + Serialize + DeserializeOwned>(
        &self,
        list: List,
        mut items: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<Page<T>, Refusal> {
        let limit = limit(self.limit, ITEMS_DEFAULT, ITEMS_MAX)?;
        if let Some(after) = list.place::<K>(self.cursor.as_deref())? {
            items.retain(|item| key(item) > after);
        }
        items.sort_by_cached_key(&key);
        let more = items.len() > limit;
        items.truncate(limit);
        items.shrink_to_fit();
        let next_cursor = items.last().filter(|_| more).map(|last| list.cursor(&key(last)));
        Ok(Page { items, next_cursor })
    }
}
