//! The arrival order of each partner's files: a sequence for each request, from a counter in the table.

use super::StatusTable;
use crate::attribute::{Item, number, text};
use crate::conditional::{self, Conditional};
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use domain::Partner;

const SEQUENCE: &str = "sequence";

impl StatusTable {
    /// The next sequence of `partner`. It is greater than every sequence returned before this call began, whatever the
    /// clocks of the hosts show, because a single item decides. If clocks agree, it is the time in milliseconds since
    /// 1970, so that it keeps growing even if the table is restored to an earlier time.
    ///
    /// It takes one write, or two if the clock of this host is behind that of the last caller.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn next_sequence(&self, partner: &Partner, now_ms: u64) -> Result<u64, Failure> {
        let ahead = self
            .counter(partner)
            .update_expression("SET #sequence = :now")
            .condition_expression("attribute_not_exists(#sequence) OR #sequence < :now")
            .expression_attribute_values(":now", number(now_ms));
        if let Conditional::Applied(item) = conditional::update(ahead).await? {
            return sequence_of(&item);
        }
        let behind = self
            .counter(partner)
            .update_expression("ADD #sequence :one")
            .expression_attribute_values(":one", number(1));
        match conditional::update(behind).await? {
            Conditional::Applied(item) | Conditional::Conflict(item) => sequence_of(&item),
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

fn sequence_of(item: &Item) -> Result<u64, Failure> {
    let value = item.get(SEQUENCE).and_then(|value| value.as_n().ok()?.parse().ok());
    value.ok_or_else(|| Failure::new(FailureKind::InvalidInput, "the sequence of a partner is not a number"))
}
