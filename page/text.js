// The texts of the page: formats of numbers and times, labels of statuses, and a message with a next step for each
// failure.

// A request or a step that failed. `code` is the service's error code, or one of the page's own where there is none.
class Failure extends Error {
  constructor(code, { status = 0, body = null, detail = null } = {}) {
    super(code);
    this.code = code;
    this.status = status;
    this.body = body;
    this.detail = detail;
  }
}

const numberFormat = new Intl.NumberFormat("en");
// Local times name their zone, so that people in two places do not confuse them. No `dateStyle` includes the zone.
const ZONED_TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" };
const SHORT_DATE = { day: "numeric", month: "short", year: "numeric" };
const dateTimeFormat = new Intl.DateTimeFormat("en-GB", { ...SHORT_DATE, ...ZONED_TIME });
const timeFormat = new Intl.DateTimeFormat("en-GB", ZONED_TIME);
const utcTimeFormat = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "UTC" });

function formatCount(count, singular, plural = `${singular}s`) {
  return `${numberFormat.format(count)} ${count === 1 ? singular : plural}`;
}

const was = (count) => (count === 1 ? "was" : "were");

function formatSize(bytes) {
  if (bytes < 1000) return formatCount(bytes, "byte");
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

// Amounts stay text, because a JavaScript number cannot hold them exactly.
function formatAmount(text) {
  const [whole, ...rest] = text.split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".").replace(/^-/, "−");
}

function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function isDay(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

function addDays(day, days) {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}

const STATUSES = {
  awaiting_upload: { label: "Waiting for upload", tone: "wait" },
  upload_expired: { label: "Upload expired", tone: "note" },
  validating: { label: "Validating", tone: "wait" },
  validated: { label: "Valid", tone: "wait" },
  processing: { label: "Storing rows", tone: "wait" },
  processed: { label: "Rows stored", tone: "wait" },
  notifying: { label: "Sending notification", tone: "wait" },
  completed: { label: "Completed", tone: "ok" },
  validation_failed: { label: "Rejected", tone: "bad" },
  processing_failed: { label: "Processing failed", tone: "bad" },
  notification_failed: { label: "Notification failed", tone: "bad" },
};

// The statuses of a file that meets no error, in order.
const STEPS = ["validating", "validated", "processing", "processed", "notifying", "completed"];

function statusLabel(status) {
  return STATUSES[status]?.label ?? capitalize(status.replaceAll("_", " "));
}

function isFinal(status) {
  return status === "completed" || status === "upload_expired" || status.endsWith("_failed");
}

const SAFE_TO_REPEAT = "It is safe to upload a file twice: it is never processed twice.";
const SPLIT = "Split the file, repeat the header in each part, and upload the parts.";

// A title and a next step for each code that a person can act on. For other codes the service's own message is shown.
const FAILURES = {
  network: ["Connection lost", `Check your network connection and try again. ${SAFE_TO_REPEAT}`],
  bucket_network: ["Storage unreachable", "Large files are uploaded to a second address, which did not respond. Check your network connection. If the problem persists, ask your network administrator or the operator whether this address is allowed:"],
  bucket_expired: ["Upload URL expired", "An upload must start within 15 minutes. Upload the file again; a new URL is created automatically."],
  bucket_rejected: ["The storage rejected the file", "The file may have changed during the upload. Close it in other programs and upload it again. If the problem persists, give the operator this code:"],
  timed_out: ["Request timed out", `Try again in a moment. ${SAFE_TO_REPEAT}`],
  unreadable: ["The file can no longer be read", "It was changed, moved or deleted after you chose it. Choose it again and upload it."],
  canceled: ["Canceled", "If the whole file had already arrived, it is processed once. Upload it again to see its status."],
  key_missing: ["API key missing", "Enter the key that the operator of this service gave you."],
  api_key_invalid: ["Invalid API key", "Check that the key is complete, including the name and the dot at its start. If it still fails, ask the operator for a new one."],
  quota_exceeded: ["Daily quota exceeded", "Try again tomorrow (quotas reset at midnight UTC), or ask the operator for a larger quota. You can still follow files that you have uploaded."],
  rate_exceeded: ["Too many requests", "Wait a second and try again."],
  service_unavailable: ["Service unavailable", `Try again in a minute. ${SAFE_TO_REPEAT}`],
  too_large: ["File too large", `The limit is 1 GiB. ${SPLIT}`],
  file_too_large: ["File too large", SPLIT],
  request_too_large: ["File too large for a single request", "Reload this page and upload the file again. Large files are uploaded directly to the storage."],
  file_compressed: ["Not a CSV file", "This is a workbook or an archive. In a spreadsheet program such as Excel, save the sheet as “CSV UTF-8” and upload that file. If it is an archive (ZIP, gzip), unpack it and upload the CSV file inside."],
  file_not_found: ["File not found", "Check the link. It must be complete, including the token at its end."],
  attempts_exhausted: ["Too many attempts", "Ask the operator to investigate, and give the file ID."],
  attempt_unknown: ["Unknown attempt", "Open the file from its link and reprocess it from there."],
  operator_cannot_upload: ["Operators cannot upload or open files", "An operator's key only shows files by day. To upload a file or download its rows, use the partner's key."],
  expected_rows_malformed: ["Invalid number of rows", "Enter digits only, such as 12."],
  expected_totals_malformed: ["Invalid totals", "Enter a currency and an amount for each total, such as EUR 310.75, JPY 17300."],
  file_of_other_partner: ["No access to the rows of this file", "Only the partner that uploaded the file can download its rows. Use that partner's key."],
  correctable_too_large: ["File too large to mark its errors here", "Run txn validate --correctable on your copy of the file. The error report can be downloaded here."],
  nothing_to_correct: ["No rows to correct", "The errors concern the whole file or its header. See the list of errors."],
  day_malformed: ["Invalid date", "Enter a date such as 2026-11-20."],
  link_expired: ["Link expired", "Reload this page to get a new link."],
  unknown: ["Unexpected error", "Try again in a minute. If the problem persists, ask the operator to investigate, and give the time."],
};

// Failures that a repeat of the same request cannot resolve.
const NOT_RETRYABLE = [
  "too_large", "file_too_large", "request_too_large", "file_compressed", "unreadable", "file_not_found",
  "attempts_exhausted", "attempt_unknown", "quota_exceeded", "operator_cannot_upload", "expected_rows_malformed",
  "expected_totals_malformed", "day_malformed",
];

// The title and the text for a failure and, where there is one, a detail to quote exactly.
function explain(failure) {
  const known = FAILURES[failure.code];
  const message = failure.body?.message;
  if (known) return { title: known[0], text: known[1], detail: failure.detail };
  if (message) return { title: "The service rejected the request", text: message, detail: null };
  const [title, text] = FAILURES.unknown;
  return { title, text, detail: failure.status ? `HTTP ${failure.status}` : null };
}
