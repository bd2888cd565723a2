//! The status of a file, from the status table and the bucket.

use super::dead_letter::Object;
use super::{Aws, aws_problem};
use crate::problem::{Exit, Problem};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ContentHasher;
use domain::{FileId, FileStatus};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The first and the longest delay between two reads of the table.
const POLL_DELAY_MIN: Duration = Duration::from_millis(250);
const POLL_DELAY_MAX: Duration = Duration::from_secs(3);

/// The current attempt and status of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CurrentStatus {
    pub(crate) attempt: u32,
    pub(crate) status: FileStatus,
}

/// The status table and the bucket of an environment.
pub(crate) struct FileStatuses<'a> {
    aws: &'a Aws,
    table: String,
}

type Row = HashMap<String, AttributeValue>;

impl<'a> FileStatuses<'a> {
    pub(crate) fn new(aws: &'a Aws, environment: &str) -> Self {
        Self { aws, table: format!("processing-status-{environment}") }
    }

    /// The file of an object: by its key, if only that file can have it, otherwise by its content, which identifies a file
    /// from every source. None if no partner put it there.
    pub(crate) async fn file_id(&self, object: &Object) -> Result<Option<FileId>, Problem> {
        if let Some(file_id) = self.file_named(object).await? {
            return Ok(Some(file_id));
        }
        let Some(partner) = object.partner() else {
            return Ok(None);
        };
        let get = self.aws.s3().get_object().bucket(&object.bucket).key(&object.key).version_id(&object.version_id);
        let mut body = get.send().await.map_err(|error| aws_problem("s3:GetObjectVersion", &error))?.body;
        let mut hasher = ContentHasher::default();
        while let Some(piece) = body.next().await {
            hasher.push(&piece.map_err(|error| read_error(&error))?);
        }
        Ok(Some(FileId::derive(&partner, &hasher.finish())))
    }

    /// The file that an object's key names, if it does. A partner can choose any key under `incoming/`, so there the key
    /// counts only if the API created the upload of that file; and if the file is completed, only for the same version.
    pub(crate) async fn file_named(&self, object: &Object) -> Result<Option<FileId>, Problem> {
        if let Some(file_id) = object.validated_file() {
            return Ok(Some(file_id));
        }
        let Some(file_id) = object.incoming_file() else {
            return Ok(None);
        };
        let row = self.row(&file_id).await?.unwrap_or_default();
        let has = |name: &str, expected: &str| {
            row.get(name).and_then(|value| value.as_s().ok()).is_some_and(|text| text == expected)
        };
        let is_completed_with_other_bytes =
            has("status", FileStatus::Completed.as_str()) && !has("version_id", &object.version_id);
        Ok((has("upload_key", &object.key) && !is_completed_with_other_bytes).then_some(file_id))
    }

    /// The current status of a file.
    pub(crate) async fn read(&self, file_id: &FileId) -> Result<Option<CurrentStatus>, Problem> {
        Ok(self.row(file_id).await?.as_ref().and_then(current_status))
    }

    async fn row(&self, file_id: &FileId) -> Result<Option<Row>, Problem> {
        let get = self
            .aws
            .dynamodb()
            .get_item()
            .table_name(&self.table)
            .key("file_id", AttributeValue::S(file_id.as_str().to_owned()))
            .consistent_read(true)
            .projection_expression("attempt, #status, upload_key, version_id")
            .expression_attribute_names("#status", "status");
        Ok(get.send().await.map_err(|error| aws_problem("dynamodb:GetItem", &error))?.item)
    }

    /// Waits until an attempt that is newer than `before` has ended. None after the timeout.
    pub(crate) async fn wait(
        &self,
        file_id: &FileId,
        before: Option<CurrentStatus>,
        timeout: Duration,
    ) -> Result<Option<CurrentStatus>, Problem> {
        let deadline = Instant::now() + timeout;
        let mut wait = POLL_DELAY_MIN;
        loop {
            let current = self.read(file_id).await?;
            if let Some(ended) = current.filter(|now| now.status.is_final() && is_newer(before, *now)) {
                return Ok(Some(ended));
            }
            if Instant::now() + wait > deadline {
                return Ok(None);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(POLL_DELAY_MAX);
        }
    }
}

fn current_status(row: &Row) -> Option<CurrentStatus> {
    let status = row.get("status")?.as_s().ok()?;
    let attempt = row.get("attempt")?.as_n().ok()?.parse().ok()?;
    let status = FileStatus::ALL.into_iter().find(|known| known.as_str() == status)?;
    Some(CurrentStatus { attempt, status })
}

/// Whether a final status is newer than `before`: of a later attempt, or of the same one if that had not ended.
fn is_newer(before: Option<CurrentStatus>, now: CurrentStatus) -> bool {
    before.is_none_or(|before| now.attempt > before.attempt || !before.status.is_final())
}

fn read_error(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Exit::Unavailable, "aws_unavailable", format!("the object could not be read completely: {error}"))
}
