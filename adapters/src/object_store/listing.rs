//! Checks whether an object exists without the permission to read it.

use super::ObjectStore;
use crate::failure::{Failure, FailureKind};

impl ObjectStore {
    /// When the object with this key was written, in milliseconds since 1970 and whole seconds; none if it does not
    /// exist. It is looked up by listing keys: a request for the object itself needs the permission to read its
    /// content.
    ///
    /// # Errors
    /// The bucket rejected the call or did not respond.
    pub async fn written_at_ms(&self, key: &str) -> Result<Option<u64>, Failure> {
        let response = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(key)
            // Of the keys that begin with the key, the key itself is the first.
            .max_keys(1)
            .send()
            .await
            .map_err(|error| Failure::of_call("s3:ListObjectsV2", &error, FailureKind::StoreUnavailable))?;
        let object = response.contents().iter().find(|object| object.key() == Some(key));
        let written_at = object.and_then(|object| object.last_modified()?.to_millis().ok());
        Ok(written_at.and_then(|milliseconds| u64::try_from(milliseconds).ok()))
    }
}
