//! Whether an object lies there, learned without the right to read it.

use super::ObjectStore;
use crate::failure::{Failure, FailureKind};

impl ObjectStore {
    /// When the object was written that lies under `key`, in milliseconds since 1970 and whole seconds; nothing if none lies
    /// there. It is looked up in the list of names: to ask for the object itself takes the right to read its content.
    ///
    /// # Errors
    /// The bucket refused the call or did not answer.
    pub async fn written_at_ms(&self, key: &str) -> Result<Option<u64>, Failure> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(key)
            // Of the names that begin with the key, the key itself is the first.
            .max_keys(1)
            .send()
            .await
            .map_err(|error| Failure::of_call("s3:ListObjectsV2", &error, FailureKind::StoreUnavailable))?;
        let object = answer.contents().iter().find(|object| object.key() == Some(key));
        let written_at = object.and_then(|object| object.last_modified()?.to_millis().ok());
        Ok(written_at.and_then(|milliseconds| u64::try_from(milliseconds).ok()))
    }
}
