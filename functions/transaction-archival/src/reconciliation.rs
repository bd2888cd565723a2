//! The hourly check: reports the payments that are unfinished after 1 hour. Those are stored payments that are not
//! published, and published payments of the high band that are not assessed. So a lost event is noticed, and a payment
//! that its provider never sent again.

use crate::Ports;
use crate::due::ROWS_AT_A_TIME;
use adapters::payment_table::{DuePage, PaymentKey, Row};
use adapters::{Failure, Tracer, clock};
use domain::Timestamp;
use domain::files::unfinished::{reported_before_ms, shards};
use domain::limits::UNFINISHED_REPORTED_MAX;
use domain::payments::webhook::Outstanding;
use serde::Serialize;

/// The result of the check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Reconciled {
    /// Unfinished payments.
    pub unfinished: usize,
    /// Of those, the ones whose event is not published.
    pub unpublished: usize,
    /// Of those, the ones whose risk is not assessed.
    pub unassessed: usize,
    /// Of those, the malformed rows.
    pub unreadable: usize,
    /// Whether time ran out before all were checked.
    pub more: bool,
}

/// Checks every payment that is unfinished for more than 1 hour, until that is done or time runs out.
///
/// # Errors
/// The table rejected a call or did not respond. Everything found by then has been reported.
pub async fn reconcile(ports: &Ports, tracer: &Tracer, now_ms: u64, stop_at_ms: u64) -> Result<Reconciled, Failure> {
    let mut found = Reconciled::default();
    let checked = tracer.step("check unfinished payments", check(ports, now_ms, stop_at_ms, &mut found)).await;
    let Reconciled { unfinished, unpublished, unassessed, unreadable, more } = found;
    if unfinished > 0 || more {
        // Payments that were not reached may be unfinished as well, so the alarm counts at least one.
        let unfinished = unfinished.max(1);
        tracing::error!(
            event = "payments_unfinished",
            unfinished,
            unpublished,
            unassessed,
            unreadable,
            more,
            "payments are unfinished after 1 hour"
        );
    }
    checked?;
    tracing::info!(event = "reconciled", unfinished, more, "reconciled");
    Ok(found)
}

async fn check(ports: &Ports, now_ms: u64, stop_at_ms: u64, found: &mut Reconciled) -> Result<(), Failure> {
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
    /// Counts a row of the list and logs it.
    fn add(&mut self, key: &PaymentKey, row: &Row) {
        let (count, awaits, since_ms) = match row {
            // The index is not up to date.
            Row::Tombstone => return,
            Row::Unreadable(_) => (&mut self.unreadable, "a readable row", None),
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
                "a payment is unfinished after 1 hour"
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
    fn counts_rows_by_their_outstanding_step() {
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
