//! How a file stands, by the status table and by the bucket.

use super::dead_letter::Object;
use super::{Aws, aws_problem};
use crate::problem::{Exit, Problem};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::identity::ContentHasher;
use domain::{FileId, FileStatus};
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

impl<'a> Outcomes<'a> {
    pub(crate) fn new(aws: &'a Aws, environment: &str) -> Self {
        Self { aws, table: format!("processing-status-{environment}") }
    }

    /// The file that an object is: by its key, or by its bytes, which name a file on every road. None if nobody is known
    /// to have put it there.
    pub(crate) fn file_id(&self, object: &Object) -> Result<Option<FileId>, Problem> {
        if let Some(file_id) = object.file_id() {
            return Ok(Some(file_id));
        }
        let Some(partner) = object.partner() else {
            return Ok(None);
        };
        let digest = self.aws.runtime.block_on(async {
            let get = self.aws.s3().get_object().bucket(&object.bucket).key(&object.key).version_id(&object.version_id);
            let mut body = get.send().await.map_err(|error| aws_problem("s3:GetObjectVersion", &error))?.body;
            let mut hasher = ContentHasher::default();
            while let Some(piece) = body.next().await {
                hasher.push(&piece.map_err(|error| broken(&error))?);
            }
            Ok::<_, Problem>(hasher.finish())
        })?;
        Ok(Some(FileId::derive(&partner, &digest)))
    }

    /// How a file stands now.
    pub(crate) fn read(&self, file_id: &FileId) -> Result<Option<Standing>, Problem> {
        let get = self
            .aws
            .dynamodb()
            .get_item()
            .table_name(&self.table)
            .key("file_id", AttributeValue::S(file_id.as_str().to_owned()))
            .consistent_read(true)
            .projection_expression("attempt, #status")
            .expression_attribute_names("#status", "status");
        let answer = self.aws.runtime.block_on(get.send()).map_err(|error| aws_problem("dynamodb:GetItem", &error))?;
        Ok(answer.item.and_then(|item| {
            let status = item.get("status")?.as_s().ok()?;
            let attempt = item.get("attempt")?.as_n().ok()?.parse().ok()?;
            let status = FileStatus::ALL.into_iter().find(|known| known.as_str() == status)?;
            Some(Standing { attempt, status })
        }))
    }

    /// Waits until an attempt that began after `before` has ended. None if none has in time.
    pub(crate) fn wait(
        &self,
        file_id: &FileId,
        before: Option<Standing>,
        timeout: Duration,
    ) -> Result<Option<Standing>, Problem> {
        let deadline = Instant::now() + timeout;
        let mut wait = FIRST_LOOK_AFTER;
        loop {
            let standing = self.read(file_id)?;
            if let Some(ended) = standing.filter(|now| now.status.is_final() && is_news(before, *now)) {
                return Ok(Some(ended));
            }
            if Instant::now() + wait > deadline {
                return Ok(None);
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(LOOK_AGAIN_AFTER_MAX);
        }
    }
}

/// Whether the end of an attempt came after what was known: an attempt that had ended is followed by a new one, and one that
/// had not goes on.
fn is_news(before: Option<Standing>, now: Standing) -> bool {
    before.is_none_or(|before| now.attempt > before.attempt || !before.status.is_final())
}

fn broken(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Exit::Unavailable, "aws_unavailable", format!("the object could not be read to its end: {error}"))
}
