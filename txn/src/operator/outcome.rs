//! How a file stands, by the status table and by the bucket.

use super::dead_letter::Object;
use super::{Aws, aws_problem};
use crate::problem::{Exit, Problem};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ContentHasher;
use domain::{FileId, FileStatus};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long it is until the table is asked again: the first time, and at most.
const FIRST_LOOK_AFTER: Duration = Duration::from_millis(250);
const LOOK_AGAIN_AFTER_MAX: Duration = Duration::from_secs(3);

/// Where a file stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    pub(crate) attempt: u32,
    pub(crate) status: FileStatus,
}

/// The status table and the bucket of an environment.
pub(crate) struct Outcomes<'a> {
    aws: &'a Aws,
    table: String,
}

type Row = HashMap<String, AttributeValue>;

impl<'a> Outcomes<'a> {
    pub(crate) fn new(aws: &'a Aws, environment: &str) -> Self {
        Self { aws, table: format!("processing-status-{environment}") }
    }

    /// The file that an object is: by its key, where only that file can lie there, and otherwise by its bytes, which name a file
    /// on every road. None if nobody is known to have put it there.
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
            hasher.push(&piece.map_err(|error| broken(&error))?);
        }
        Ok(Some(FileId::derive(&partner, &hasher.finish())))
    }

    /// The file that an object's key names, if it does. Whoever may write under `incoming/` may call a file like another one, so
    /// that a name counts there only where the API let that very file be put; and once that is completed, only for the bytes
    /// that were.
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
        let is_done_with_other_bytes =
            has("status", FileStatus::Completed.as_str()) && !has("version_id", &object.version_id);
        Ok((has("upload_key", &object.key) && !is_done_with_other_bytes).then_some(file_id))
    }

    /// How a file stands now.
    pub(crate) async fn read(&self, file_id: &FileId) -> Result<Option<Standing>, Problem> {
        Ok(self.row(file_id).await?.as_ref().and_then(standing))
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

    /// Waits until an attempt that began after `before` has ended. None if none has in time.
    pub(crate) async fn wait(
        &self,
        file_id: &FileId,
        before: Option<Standing>,
        timeout: Duration,
    ) -> Result<Option<Standing>, Problem> {
        let deadline = Instant::now() + timeout;
        let mut wait = FIRST_LOOK_AFTER;
        loop {
            let standing = self.read(file_id).await?;
            if let Some(ended) = standing.filter(|now| now.status.is_final() && is_news(before, *now)) {
                return Ok(Some(ended));
            }
            if Instant::now() + wait > deadline {
                return Ok(None);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LOOK_AGAIN_AFTER_MAX);
        }
    }
}

fn standing(row: &Row) -> Option<Standing> {
    let status = row.get("status")?.as_s().ok()?;
    let attempt = row.get("attempt")?.as_n().ok()?.parse().ok()?;
    let status = FileStatus::ALL.into_iter().find(|known| known.as_str() == status)?;
    Some(Standing { attempt, status })
}

/// Whether the end of an attempt came after what was known: an attempt that had ended is followed by a new one, and one that
/// had not goes on.
fn is_news(before: Option<Standing>, now: Standing) -> bool {
    before.is_none_or(|before| now.attempt > before.attempt || !before.status.is_final())
}

fn broken(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Exit::Unavailable, "aws_unavailable", format!("the object could not be read to its end: {error}"))
}
