//! Pages of lists: what they look like, and those of lists that are in memory.

use schemars::JsonSchema;
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
    /// A page of a list that is in memory. `key` tells its items apart.
    pub(super) fn of<T>(
        &self,
        list: List,
        items: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Result<Page<T>, Refusal> {
        let limit = limit(self.limit, ITEMS_DEFAULT, ITEMS_MAX)?;
        let after: Option<String> = list.place(self.cursor.as_deref())?;
        let mut rest = items
            .into_iter()
            .skip_while(|item| after.as_ref().is_some_and(|after| key(item) != *after));
        if after.is_some() {
            // The last one of the page before.
            rest.next();
        }
        let mut items: Vec<T> = rest.by_ref().take(limit).collect();
        let more = rest.next().is_some();
        let next_cursor = items.last().filter(|_| more).map(|last| list.cursor(&key(last)));
        items.shrink_to_fit();
        Ok(Page { items, next_cursor })
    }
}
