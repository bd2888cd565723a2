use super::*;

const NOW: u64 = 1_000_000_000;

fn known(attempt: u32, status: FileStatus) -> KnownFile {
    KnownFile { attempt, status, updated_at_ms: NOW, is_rejected: false }
}

fn rejected(attempt: u32) -> KnownFile {
    KnownFile { is_rejected: true, ..known(attempt, FileStatus::ValidationFailed) }
}

fn new(attempt: u32) -> Decision {
    Decision::Work { attempt, sequence: Sequence::New }
}

fn keeping(attempt: u32) -> Decision {
    Decision::Work { attempt, sequence: Sequence::Kept }
}

fn reprocess(seen_attempt: u32) -> Intent {
    Intent::Reprocess { seen_attempt }
}

#[test]
fn a_failure_ranks_above_the_status_it_ends() {
    for status in FileStatus::ALL {
        match status.failure() {
            Some(failure) => assert!(failure.is_failed() && failure.rank() > status.rank(), "{status:?}"),
            None => assert!(status.is_final(), "{status:?}"),
        }
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
}

#[test]
fn an_unused_upload_is_shown_as_expired() {
    use FileStatus::{AwaitingUpload, UploadExpired};
    assert_eq!(AwaitingUpload.shown_at(NOW, Some(NOW + 1)), AwaitingUpload);
    assert_eq!(AwaitingUpload.shown_at(NOW, Some(NOW)), UploadExpired);
    assert_eq!(AwaitingUpload.shown_at(NOW, None), UploadExpired);
    for status in FileStatus::ALL.into_iter().filter(|status| *status != AwaitingUpload) {
        assert_eq!(status.shown_at(NOW, Some(NOW)), status);
    }
}

#[test]
fn uploads() {
    use Decision::{Exhausted, Existing};
    let decide = |known: KnownFile| decide_upload(Some(known), Intent::Process, NOW);
    assert_eq!(decide_upload(None, Intent::Process, NOW), new(1));
    for status in FileStatus::ALL {
        let expected = match status {
            status if status.is_failed() => keeping(4),
            FileStatus::AwaitingUpload => new(3),
            FileStatus::Validating => keeping(3),
            _ => Existing,
        };
        assert_eq!(decide(known(3, status)), expected, "{status:?}");
    }
    assert_eq!(decide(rejected(3)), new(4), "what was rejected was never in effect");
    assert_eq!(decide(known(ATTEMPTS_MAX, FileStatus::ProcessingFailed)), Exhausted);
    let much_later = NOW + ATTEMPT_MILLISECONDS_MAX + 1;
    let later = |status| decide_upload(Some(known(3, status)), Intent::Process, much_later);
    assert_eq!(later(FileStatus::Processing), keeping(4));
    assert_eq!(later(FileStatus::Completed), Existing);
    assert_eq!(later(FileStatus::AwaitingUpload), new(3));
}

#[test]
fn a_repeated_reprocess_request_does_nothing() {
    use Decision::{AttemptUnknown, Exhausted, Existing};
    let completed = |attempt| Some(known(attempt, FileStatus::Completed));
    assert_eq!(decide_upload(completed(3), reprocess(3), NOW), new(4));
    assert_eq!(decide_upload(completed(4), reprocess(3), NOW), Existing, "the repeat of a request");
    assert_eq!(decide_upload(completed(3), reprocess(4), NOW), AttemptUnknown);
    assert_eq!(decide_upload(completed(3), reprocess(0), NOW), AttemptUnknown);
    assert_eq!(decide_upload(None, reprocess(1), NOW), AttemptUnknown);
    assert_eq!(decide_upload(completed(ATTEMPTS_MAX), reprocess(ATTEMPTS_MAX), NOW), Exhausted);
    let failed = Some(known(4, FileStatus::ProcessingFailed));
    assert_eq!(decide_upload(failed, reprocess(4), NOW), new(5));
    assert_eq!(decide_upload(failed, reprocess(3), NOW), keeping(5), "the attempt that it asked for failed");
    let processing = Some(known(4, FileStatus::Processing));
    assert_eq!(decide_upload(processing, reprocess(4), NOW), Existing);
}

#[test]
fn a_repeated_notification_has_the_same_id() {
    use FileStatus::{Completed, NotificationFailed, Notifying, ProcessingFailed};
    for (history, attempt, expected) in [
        (&[][..], 1, 1),
        (&[(1, Notifying)], 1, 1),
        (&[(1, ProcessingFailed)], 2, 2),
        (&[(1, Notifying), (1, NotificationFailed)], 2, 1),
        (&[(1, Notifying), (2, Notifying), (2, NotificationFailed)], 3, 1),
        (&[(1, Notifying), (1, Completed)], 2, 2),
        (&[(1, Notifying), (1, Completed), (2, Notifying), (2, NotificationFailed)], 3, 2),
        (&[(1, Notifying), (1, NotificationFailed), (2, ProcessingFailed)], 3, 1),
        (&[(1, Notifying), (1, Completed), (2, Notifying), (3, ProcessingFailed)], 4, 2),
    ] {
        assert_eq!(notification_attempt(history, attempt), expected, "{history:?}");
    }
}

#[test]
fn creates_no_upload_while_the_file_is_validated() {
    use Decision::{Exhausted, Existing};
    let create = |known: KnownFile| decide_creation(Some(known), Intent::Process, NOW);
    assert_eq!(decide_creation(None, Intent::Process, NOW), new(1));
    for status in FileStatus::ALL {
        let expected = match status {
            FileStatus::AwaitingUpload => new(3),
            status if status.is_failed() => keeping(4),
            _ => Existing,
        };
        assert_eq!(create(known(3, status)), expected, "{status:?}");
    }
    assert_eq!(create(rejected(3)), new(4));
    assert_eq!(decide_creation(Some(known(3, FileStatus::Completed)), reprocess(3), NOW), new(4));
    let much_later = NOW + ATTEMPT_MILLISECONDS_MAX + 1;
    let lost = decide_creation(Some(known(3, FileStatus::Validating)), Intent::Process, much_later);
    assert_eq!(lost, keeping(4));
    assert_eq!(create(known(ATTEMPTS_MAX, FileStatus::ValidationFailed)), Exhausted);
}

fn event(known: KnownFile, source: ObjectSource, redrive: bool) -> Decision {
    decide_event(Some(known), source, redrive, NOW)
}

#[test]
fn events_of_objects_of_the_api() {
    use Decision::Existing;
    let api = ObjectSource::Api;
    assert_eq!(decide_event(None, api, false, NOW), Existing, "the table does not have it");
    for status in FileStatus::ALL {
        let is_over = status.is_final() || status == FileStatus::AwaitingUpload;
        let expected = if is_over { Existing } else { keeping(2) };
        assert_eq!(event(known(2, status), api, false), expected, "{status:?}");
    }
    assert_eq!(event(known(2, FileStatus::ProcessingFailed), api, true), keeping(3));
    assert_eq!(event(known(2, FileStatus::Completed), api, true), Existing);
    assert_eq!(event(known(2, FileStatus::Processing), api, true), keeping(2));
}

#[test]
fn events_of_files_put_in_the_bucket() {
    use Decision::Existing;
    let bucket = |is_known_version| ObjectSource::Bucket { is_known_version };
    assert_eq!(decide_event(None, bucket(false), false, NOW), new(1));
    for status in FileStatus::ALL {
        let repeated = match status {
            status if status.is_final() || status == FileStatus::AwaitingUpload => Existing,
            _ => keeping(2),
        };
        let put_again = match status {
            status if status.is_failed() => keeping(3),
            FileStatus::AwaitingUpload => new(2),
            _ => repeated,
        };
        assert_eq!(event(known(2, status), bucket(true), false), repeated, "{status:?}");
        assert_eq!(event(known(2, status), bucket(false), false), put_again, "{status:?}");
    }
    assert_eq!(event(rejected(2), bucket(false), false), new(3));
    assert_eq!(event(known(2, FileStatus::ProcessingFailed), bucket(true), true), keeping(3));
}

#[test]
fn events_of_presigned_uploads() {
    use Decision::Existing;
    let put = |open| ObjectSource::Presigned { open, is_known_version: false };
    let repeat = |open| ObjectSource::Presigned { open, is_known_version: true };
    let plain = Some(Intent::Process);
    assert_eq!(decide_event(None, put(None), false, NOW), Existing, "nobody created the upload");
    assert_eq!(event(known(1, FileStatus::AwaitingUpload), put(plain), false), new(1));
    assert_eq!(event(known(1, FileStatus::AwaitingUpload), put(None), false), new(1), "it took very long");
    assert_eq!(event(known(2, FileStatus::Completed), put(plain), false), Existing);
    assert_eq!(event(known(2, FileStatus::Completed), put(Some(reprocess(2))), false), new(3));
    assert_eq!(event(known(3, FileStatus::Completed), put(Some(reprocess(2))), false), Existing);
    assert_eq!(
        event(known(2, FileStatus::Completed), repeat(Some(reprocess(2))), false),
        Existing,
        "the earlier bytes"
    );
    assert_eq!(event(rejected(2), put(plain), false), new(3));
    assert_eq!(event(rejected(2), repeat(plain), false), Existing);
    assert_eq!(event(known(2, FileStatus::ProcessingFailed), put(plain), false), keeping(3));
    assert_eq!(event(known(2, FileStatus::ProcessingFailed), put(None), false), keeping(3));
    assert_eq!(event(known(2, FileStatus::ProcessingFailed), repeat(None), true), keeping(3));
    assert_eq!(event(known(2, FileStatus::Processing), put(plain), false), keeping(2));
    assert_eq!(event(known(2, FileStatus::Processing), repeat(None), false), keeping(2));
}
