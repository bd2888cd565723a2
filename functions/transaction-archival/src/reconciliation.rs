//! Tells of the payments for which something should have been done within the hour: those that were stored and are not
//! published, and those of high amounts that were published and whose risk is not assessed. So an event that was lost is
//! noticed, and so is a payment that its sender never sent again.

use crate::Ports;
use crate::due::ROWS_AT_A_TIME;
use adapters::payment_table::{DuePage, PaymentKey, Row};
use adapters::{Failure, Tracer, clock};
use domain::Timestamp;
use domain::files::unfinished::{reported_before_ms, shards};
use domain::limits::UNFINISHED_REPORTED_MAX;
use domain::payments::webhook::Outstanding;
use serde::Serialize;

/// What a look found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Reconciled {
    /// Payments for which something is still to be done.
    pub unfinished: usize,
    /// Of those, the ones whose event is not published.
    pub unpublished: usize,
    /// Of those, the ones whose risk is not assessed.
    pub unassessed: usize,
    /// Of those, rows that are not payments as we write them.
    pub unreadable: usize,
    /// Whether the time was up before all were looked at.
    pub more: bool,
}

/// Looks at every payment that is unfinished for more than an hour, until that is done or the time is up.
///
/// # Errors
/// The table refused a call or did not answer. What was found by then has been told.
pub async fn reconcile(ports: &Ports, tracer: &Tracer, now_ms: u64, stop_at_ms: u64) -> Result<Reconciled, Failure> {
    let mut found = Reconciled::default();
    let looked = tracer.step("look at unfinished payments", look(ports, now_ms, stop_at_ms, &mut found)).await;
    let Reconciled { unfinished, unpublished, unassessed, unreadable, more } = found;
    if unfinished > 0 || more {
        // What was not reached may have no end either, and nobody would hear of it.
        let unfinished = unfinished.max(1);
        tracing::error!(
            event = "payments_unfinished",
            unfinished,
            unpublished,
            unassessed,
            unreadable,
            more,
            "payments have had no end for an hour"
        );
    }
    looked?;
    tracing::info!(event = "reconciled", unfinished, more, "reconciled");
    Ok(found)
}

async fn look(ports: &Ports, now_ms: u64, stop_at_ms: u64, found: &mut Reconciled) -> Result<(), Failure> {
    for shard in shards(now_ms) {
        let mut after = None;
        loop {
            let DuePage { keys, next } = ports.payments.unfinished(&shard, reported_before_ms(now_ms), after).await?;
            for some in keys.chunks(ROWS_AT_A_TIME) {
                if clock::now_ms() >= stop_at_ms {
                    found.more = true;
                    return Ok(());
                }
                for (key, row) in ports.payments.rows(some).await? {
                    found.add(&key, &row);
                }
            }
            if next.is_none() {
                break;
            }
            after = next;
        }
    }
    Ok(())
}

impl Reconciled {
    /// Counts a row of the list, and names it in the log.
    fn add(&mut self, key: &PaymentKey, row: &Row) {
        let (count, awaits, since_ms) = match row {
            // The index has yet to follow.
            Row::Tombstone => return,
            Row::Unreadable(_) => (&mut self.unreadable, "a row that can be read", None),
            Row::Payment { payment, is_published, .. } => {
                let band = payment.amount_band;
                let outstanding = Outstanding::of(&payment.event_type, band, payment.status, *is_published);
                let Some(outstanding) = outstanding else { return };
                let count = match outstanding {
                    Outstanding::Publication => &mut self.unpublished,
                    Outstanding::Assessment => &mut self.unassessed,
                };
                (count, outstanding.as_str(), Some(payment.received_at_ms))
            }
        };
        *count += 1;
        self.unfinished += 1;
        if self.unfinished <= UNFINISHED_REPORTED_MAX {
            let (transaction_id, provider) = (&key.transaction_id, key.event_key.provider());
            let since = since_ms.map(|ms| Timestamp::from_unix_milliseconds(ms).to_milliseconds_text());
            tracing::error!(
                event = "payment_unfinished",
                transaction_id,
                provider,
                awaits,
                since,
                "a payment has no end"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters::FailureKind;
    use adapters::payment_table::Item;
    use domain::payments::archive::ArchivedPayment;

    fn row(band: &str, more: &str, is_published: bool) -> Row {
        let line = format!(
            r#"{{"format":1,"transaction_id":"T1","provider":"acme","type":"transaction.created","amount":"12.5","currency":"EUR","amount_band":"{band}","customer_id":"C1","status":"pending","received_at_ms":7,"digest":"{}"{more}}}"#,
            "0".repeat(64)
        );
        let payment = Box::new(ArchivedPayment::parse(&line).unwrap());
        Row::Payment { payment, is_published, item: Item::new() }
    }

    #[test]
    fn rows_are_counted_by_what_they_wait_for() {
        let key = PaymentKey::of_created("T1", "acme");
        let mut found = Reconciled::default();
        for row in [
            row("low", "", false),
            row("high", "", false),
            row("high", r#","published_at_ms":8"#, true),
            row("medium", r#","published_at_ms":8"#, true),
            Row::Tombstone,
            Row::Unreadable(Failure::new(FailureKind::InvalidInput, "an item")),
        ] {
            found.add(&key, &row);
        }
        let expected = Reconciled { unfinished: 4, unpublished: 2, unassessed: 1, unreadable: 1, more: false };
        assert_eq!(found, expected);
    }
}
