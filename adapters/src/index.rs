//! Reads an index of a table page by page.

use crate::attribute::Item;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

/// Most entries in a page. A page is processed before the next one is read, so that memory does not grow with the index.
const PAGE_ENTRIES_MAX: i32 = 1_000;

/// Where the next page of an index begins.
#[derive(Clone, Debug)]
pub struct Cursor(Item);

/// A page of an index.
pub(crate) struct Page {
    /// The entries, in the order of the index.
    pub(crate) entries: Vec<Item>,
    /// The cursor of the next page, if this is not the last.
    pub(crate) next: Option<Cursor>,
}

/// Reads the page at `cursor`, or the first one.
///
/// # Errors
/// The table rejected the call or did not respond.
pub(crate) async fn page(query: QueryFluentBuilder, cursor: Option<Cursor>) -> Result<Page, Failure> {
    let response = query
        .set_exclusive_start_key(cursor.map(|Cursor(key)| key))
        .limit(PAGE_ENTRIES_MAX)
        .send()
        .await
        .map_err(|error| Failure::of_call("dynamodb:Query", &error, FailureKind::StoreUnavailable))?;
    Ok(Page {
        entries: response.items.unwrap_or_default(),
        next: response.last_evaluated_key.filter(|key| !key.is_empty()).map(Cursor),
    })
}
