// The outcome of a file in words: a tone, a title and sentences.

// Whether the file has errors. `validation_failed` without any is a failure of the service.
function isRejected(file) {
  return file.status === "validation_failed" && file.error_count > 0;
}

// The label of a file's status, which separates a rejection from a failure of the service.
function fileLabel(file) {
  const isFailure = file.status === "validation_failed" && !isRejected(file);
  return statusLabel(isFailure ? "processing_failed" : file.status);
}

// The rows of earlier files that this one replaced, and the IDs of those files.
function replacedText(file) {
  const { rows_replaced: rows, replaced_files: files = [] } = file;
  if (!rows) return null;
  const listed = files.reduce((sum, earlier) => sum + earlier.rows, 0);
  const ids = files.map((earlier) => earlier.file_id).join(", ");
  const rowsText = formatCount(rows, "row");
  // The list of files has a limit, so it may not account for all rows.
  if (listed < rows) return `${rowsText} of earlier files ${was(rows)} replaced, including rows of: ${ids}.`;
  return `${rowsText} of ${formatCount(files.length, "earlier file")} ${was(rows)} replaced: ${ids}.`;
}

// A new upload of a file does not change its status before it arrives.
function newUploadText(file) {
  if (!isUploadExpected(file) || !isFinal(file.status) || file.status === "upload_expired") return null;
  return "A new upload of this file was created and has not arrived yet. This is the outcome of the last attempt.";
}

function supersededText(laterFiles) {
  if (laterFiles.length === 0) return null;
  const [contain, their] = laterFiles.length === 1 ? ["contains", "Its"] : ["contain", "Their"];
  return `${formatCount(laterFiles.length, "later file")} ${contain} rows with the same transaction IDs. ${their} rows are in effect instead of the rows of this file.`;
}

function completedOutcome(file, response) {
  const { row_count: rows, rows_unchanged: unchanged, rows_replaced_since: replaced } = file;
  const haveBeen = replaced === 1 ? "has since been" : "have since been";
  const isRepeat = response?.duplicate === true || Boolean(response?.error);
  const texts = [
    isRepeat
      ? "This file was uploaded before. It was not processed again."
      : `${formatCount(rows, "row")} ${was(rows)} validated and stored. The notification was sent.`,
    unchanged > 0 && `${numberFormat.format(unchanged)} of the rows ${was(unchanged)} already stored.`,
    replacedText(file),
    replaced > 0 && `${formatCount(replaced, "row")} of this file ${haveBeen} replaced by later files.`,
    newUploadText(file),
    supersededText(file.superseded_by),
  ];
  return { tone: "ok", title: isRepeat ? "Already completed" : "Completed", texts };
}

function rejectedOutcome(file, response) {
  const isMismatch = areAllErrors(response, (error) => CONTROL_TOTAL_CODES.includes(error.code));
  const advice = isMismatch
    ? "It does not match your control totals. Upload the right file, or this file with the right control totals."
    : "Correct the file and upload all of it again, as a new file.";
  const texts = [`No row of this file was stored. ${advice}`, newUploadText(file)];
  return { tone: "bad", title: `Rejected: ${formatCount(file.error_count, "error")}`, texts };
}

const FAILURE_OUTCOME = {
  tone: "bad",
  title: statusLabel("processing_failed"),
  texts: ["This is an error of the service, not of your file. Upload the file again in a moment; it is never processed twice. If it fails again, give the operator the file ID below."],
};

const FINAL_OUTCOMES = {
  validation_failed: FAILURE_OUTCOME,
  processing_failed: FAILURE_OUTCOME,
  notification_failed: {
    tone: "bad",
    title: statusLabel("notification_failed"),
    texts: ["The rows are stored, but the notification was not sent. Upload the file again to repeat only the missing step."],
  },
  upload_expired: {
    tone: "note",
    title: statusLabel("upload_expired"),
    texts: ["The file did not arrive before its upload URL expired. Upload the file again."],
  },
};

function outcomeOf(file, response) {
  const { status } = file;
  if (status === "completed") return completedOutcome(file, response);
  if (isRejected(file)) return rejectedOutcome(file, response);
  if (status in FINAL_OUTCOMES) return FINAL_OUTCOMES[status];
  const text = status === "awaiting_upload"
    ? "Validation starts when the file arrives."
    : "You can close this page. Processing continues without it.";
  const label = status === "validated" ? "Valid, processing" : statusLabel(status);
  return { tone: "wait", title: `${label}\u00a0…`, texts: [text] };
}
