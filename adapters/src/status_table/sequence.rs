//! The arrival order of each partner's files: a number for each request, drawn from a counter that the table keeps.

use super::StatusTable;
use crate::attribute::{Item, number, text};
use crate::conditional::{self, Conditional};
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use domain::Partner;

const SEQUENCE: &str = "sequence";

impl StatusTable {
    /// Draws the next place in the arrival order of `partner`. It is greater than every place that was drawn before this
    /// call began, whatever the clocks of the hosts say, because one item decides. It is also the time in milliseconds
    /// since 1970 where clocks agree, so that it goes on growing if the table is ever restored to an earlier time.
    ///
    /// It takes one write, and a second one where this host's clock is behind that of the host that drew last.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn next_sequence(&self, partner: &Partner, now_ms: u64) -> Result<u64, Failure> {
        let ahead = self
            .counter(partner)
            .update_expression("SET #sequence = :now")
            .condition_expression("attribute_not_exists(#sequence) OR #sequence < :now")
            .expression_attribute_values(":now", number(now_ms));
        if let Conditional::Applied(item) = conditional::update(ahead).await? {
            return drawn(&item);
        }
        let behind = self
            .counter(partner)
            .update_expression("ADD #sequence :one")
            .expression_attribute_values(":one", number(1));
        match conditional::update(behind).await? {
            Conditional::Applied(item) | Conditional::Conflict(item) => drawn(&item),
        }
    }

    fn counter(&self, partner: &Partner) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            // No file has this id, and the item is in no index.
            .key("file_id", text(&format!("sequence#{}", partner.as_str())))
            .expression_attribute_names("#sequence", SEQUENCE)
            .return_values(ReturnValue::UpdatedNew)
    }
}

fn drawn(item: &Item) -> Result<u64, Failure> {
    let value = item.get(SEQUENCE).and_then(|value| value.as_n().ok()?.parse().ok());
    value
        .ok_or_else(|| Failure::new(FailureKind::InvalidInput, "the counter of a partner's arrival order is no number"))
}
