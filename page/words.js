// What the page says: numbers, times, statuses and every failure as a sentence with a next step.

// Why something did not work. `kind` is the service's code, or one of ours where the service was not reached.
class Failure extends Error {
  constructor(kind, { status = 0, body = null } = {}) {
    super(kind);
    this.kind = kind;
    this.status = status;
    this.body = body;
  }
}

const numberWords = new Intl.NumberFormat("en");
// Local times name their zone, or people of two places would take one for the other's. (No style of `dateStyle` does.)
const ZONED_TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" };
const dateTimeWords = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", ...ZONED_TIME });
const utcTimeWords = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "UTC" });
const timeWords = new Intl.DateTimeFormat("en-GB", ZONED_TIME);

function counted(count, one, many = `${one}s`) {
  return `${numberWords.format(count)} ${count === 1 ? one : many}`;
}

function sizeWords(bytes) {
  if (bytes < 1000) return counted(bytes, "byte");
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

// An amount is text and stays so: no number of a browser could hold all of it.
function amountWords(text) {
  const [whole, ...rest] = text.split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".").replace(/^-/, "−");
}

function isDay(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

function dayAfter(day, days) {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}

const STATUSES = {
  awaiting_upload: { words: "Waiting for the file", tone: "wait" },
  upload_expired: { words: "The file did not come", tone: "note" },
  validating: { words: "Checking every record", tone: "wait" },
  validated: { words: "Valid", tone: "wait" },
  processing: { words: "Writing the rows", tone: "wait" },
  processed: { words: "Rows written", tone: "wait" },
  notifying: { words: "Announcing the outcome", tone: "wait" },
  completed: { words: "Completed", tone: "ok" },
  validation_failed: { words: "Refused", tone: "bad" },
  processing_failed: { words: "Could not be processed", tone: "bad" },
  notification_failed: { words: "Stored, but not announced", tone: "bad" },
};

// The way of a file that meets no trouble.
const WAY = ["validating", "validated", "processing", "processed", "notifying", "completed"];

function statusWords(status) {
  return STATUSES[status]?.words ?? status.replaceAll("_", " ");
}

function isFinal(status) {
  return status === "completed" || status === "upload_expired" || status.endsWith("_failed");
}

// Sentences for what a person can act on. What is not here has the service's own message, which says what to do too.
const FAILURES = {
  network: ["The connection was lost", "Look at your network and try again. Sending a file twice is harmless: the same file is never processed twice."],
  bucket_network: ["The storage could not be reached", "Large files go to a second address, and your browser got no answer from it. Look at your network and try again; if it goes on, ask whoever runs your network, or the operator, whether this address is allowed:"],
  bucket_expired: ["The upload began too late", "The permission to upload lasts for 15 minutes. Send the file again; a new one is asked for by itself."],
  bucket_refused: ["The storage did not take the file", "Was the file changed while it was sent? Close it in other programs and send it again. If it goes on, tell the operator this code:"],
  timed_out: ["No answer came in time", "Try again in a moment. Sending a file twice is harmless: the same file is never processed twice."],
  unreadable: ["The file cannot be read any more", "It was changed, moved or deleted after you chose it. Choose it once more and send it."],
  cancelled: ["Cancelled", "If the last byte had already arrived, the file is processed once; send it again to see how it stands."],
  key_missing: ["Your API key is missing", "Enter the key that you got from the operator of this service."],
  api_key_invalid: ["This API key is not valid here", "Check that you entered all of it, with the name and the dot at its beginning. If it still fails, ask the operator for a new one."],
  quota_exceeded: ["Today's quota of this key is used up", "Try again tomorrow (the day ends at midnight UTC), or ask the operator for a larger quota. Following a file that you sent goes on working."],
  rate_exceeded: ["Too many requests at once", "Wait a second and try again."],
  service_unavailable: ["The service cannot answer now", "Try again in a minute. Sending a file twice is harmless: the same file is never processed twice."],
  too_large: ["This file is too large", "The limit is 1 GiB. Split it, give each part the header, and send the parts."],
  file_too_large: ["This file is too large", "Split it, give each part the header, and send the parts."],
  request_too_large: ["This file is too large for a single request", "Reload this page and send it again: large files take another road."],
  file_compressed: ["This is not a CSV file, but a workbook or an archive", "From a spreadsheet such as Excel, save the sheet as “CSV UTF-8” and send that. If it is an archive (ZIP, gzip), unpack it and send the CSV file that is inside."],
  file_not_found: ["There is no such file", "Check the link. It must have come whole, with the token at its end."],
  attempts_exhausted: ["This file was tried too often", "Ask the operator to look into it, and tell the file id."],
  attempt_unknown: ["The file has no such attempt", "Open the file again from its link, and have it processed again from there."],
  operator_cannot_upload: ["An operator's key sends no files and does not open them", "It shows what came on a day. To send a file or to get its rows, forget this key and use that of the partner."],
  expected_rows_malformed: ["The expected number of rows is not a whole number", "Write digits alone, such as 12."],
  expected_totals_malformed: ["The expected totals could not be read", "Write each as a currency and an amount, such as EUR 310.75, JPY 17300."],
  file_of_another: ["This key cannot open the file's content", "Only the partner who sent a file gets its rows. Use that partner's key."],
  correctable_too_large: ["This file is too large to be marked here", "The command line makes it from the file that you have: txn validate --correctable. The error report can be had here."],
  nothing_to_correct: ["There are no single rows to correct", "What is wrong concerns the file as a whole, or its header. The errors tell what to mend."],
  day_malformed: ["This is no day", "Choose a date such as 2026-11-20."],
  link_expired: ["The link has expired", "Reload this page for a new one."],
  unknown: ["Something went wrong", "Try again in a minute. If it goes on, tell the operator when it happened."],
};

// What the same request can only meet again: something else has to change first.
const LASTING_FAILURES = ["too_large", "file_too_large", "request_too_large", "file_compressed", "unreadable", "file_not_found", "attempts_exhausted", "attempt_unknown", "quota_exceeded", "operator_cannot_upload", "expected_rows_malformed", "expected_totals_malformed", "day_malformed"];

// A title, a sentence and, where there is one, a detail that must be told exactly.
function explain(failure) {
  const known = FAILURES[failure.kind];
  const message = failure.body?.message;
  if (known) return { title: known[0], text: known[1], detail: failure.body?.detail_for_people ?? null };
  if (message) return { title: "The service did not take this", text: message, detail: null };
  return { title: FAILURES.unknown[0], text: FAILURES.unknown[1], detail: failure.status ? `HTTP ${failure.status}` : null };
}
