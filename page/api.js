// Requests to the API and to the bucket. The page is at the root of the API's stage, with or without a trailing slash.

const BASE = location.pathname.replace(/\/+$/, "");
const API_FILE_BYTES_MAX = Number(document.body.dataset.apiFileBytesMax);
const BUCKET_FILE_BYTES_MAX = Number(document.body.dataset.bucketFileBytesMax);
const RESPONSE_MILLISECONDS_MAX = 40_000;

// The key is kept until the tab is closed. Pages in other tabs and of other origins cannot read it.
const key = {
  get value() { return sessionStorage.getItem("api-key") ?? ""; },
  set value(value) { sessionStorage.setItem("api-key", value); },
  forget() { sessionStorage.removeItem("api-key"); },
  // The holder's name, which is the part before the first dot.
  get name() { return /^[a-z0-9][a-z0-9-]{0,62}(?=\..)/.exec(this.value)?.[0] ?? "unnamed"; },
  get isOperator() { return this.name === "operator"; },
};

function keyHeader() {
  if (!key.value) throw new Failure("key_missing");
  return { "x-api-key": key.value };
}

const isKeyFailure = (failure) => failure.code === "key_missing" || failure.code === "api_key_invalid";

function parseJson(text) {
  try { return JSON.parse(text); } catch { return null; }
}

function failureOf(status, body) {
  const code = body?.error ?? (status === 429 ? "rate_exceeded" : status >= 500 ? "service_unavailable" : "unknown");
  return new Failure(code, { status, body });
}

// Sends a request and returns the JSON of its response. A status other than 200 is thrown as a Failure.
async function requestJson(path, { method = "GET", headers = {}, body } = {}) {
  const signal = AbortSignal.timeout(RESPONSE_MILLISECONDS_MAX);
  let response;
  let text;
  try {
    response = await fetch(BASE + path, { method, headers, body, cache: "no-store", signal });
    text = await response.text();
  } catch (error) {
    throw new Failure(error.name === "TimeoutError" ? "timed_out" : "network");
  }
  const json = parseJson(text);
  if (response.status !== 200 || json === null) throw failureOf(response.status, json);
  return json;
}

// Sends a body and reports the progress of the upload, which fetch cannot. Returns the response, whatever its status.
function sendWithProgress(method, url, { headers = {}, body, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => { if (event.lengthComputable) onProgress(event.loaded, event.total); };
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(new Failure("network"));
    request.onabort = () => reject(new Failure("canceled"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
    if (signal.aborted) request.abort();
  });
}

// Names the attempt that was shown, so that a repeated request starts no second one.
const reprocessQuery = (attempt) => (attempt === null ? "" : `?reprocess_attempt=${attempt}`);

// Uploads a file in one request to the API. Returns the response, which may say that the file is rejected.
async function uploadThroughApi(file, { controlTotals, dryRun, reprocessAttempt, onProgress, signal }) {
  const form = new FormData();
  for (const [name, value] of Object.entries(controlTotals)) {
    form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  form.append("file", file, "file.csv");
  const query = dryRun ? "?dry_run=true" : reprocessQuery(reprocessAttempt);
  const request = { headers: keyHeader(), body: form, onProgress, signal };
  const { status, text } = await sendWithProgress("POST", `${BASE}/upload${query}`, request);
  const body = parseJson(text);
  if (body !== null && (status === 200 || (status === 400 && body.error === "invalid_csv"))) return body;
  throw failureOf(status, body);
}

// Creates an upload by the file's digest and puts the file at its presigned URL. Returns the response to the creation.
async function uploadThroughBucket(file, { controlTotals, reprocessAttempt, onHash, onProgress, signal }) {
  keyHeader();
  const sha256 = await sha256OfFile(file, { onProgress: onHash, signal });
  const headers = { ...keyHeader(), "content-type": "application/json" };
  const body = JSON.stringify({ size: file.size, sha256, ...controlTotals });
  const creation = requestJson(`/uploads${reprocessQuery(reprocessAttempt)}`, { method: "POST", headers, body });
  // A file that was uploaded before can differ from the control totals of this request.
  const response = await creation.catch((failure) => {
    if (failure.code === "invalid_csv") return failure.body;
    throw failure;
  });
  if (response.upload) await putInBucket(file, response.upload, { onProgress, signal });
  return response;
}

async function putInBucket(file, upload, { onProgress, signal }) {
  // The browser sets content-length itself and does not let a script set it.
  const isAllowed = ([name]) => name.toLowerCase() !== "content-length";
  const headers = Object.fromEntries(Object.entries(upload.headers).filter(isAllowed));
  // A blob without a type, so that the browser adds no content-type that is not signed.
  const body = file.slice(0, file.size, "");
  let response;
  try {
    response = await sendWithProgress(upload.method, upload.url, { headers, body, onProgress, signal });
  } catch (failure) {
    if (failure.code !== "network") throw failure;
    // A browser reports a lost connection and a response that CORS blocks in the same way.
    if (navigator.onLine === false) throw failure;
    throw new Failure("bucket_network", { detail: new URL(upload.url).host });
  }
  const { status, text } = response;
  if (status === 200) return;
  if (status === 429 || status >= 500) throw new Failure("service_unavailable", { status });
  if (/expired/i.test(text)) throw new Failure("bucket_expired", { status });
  const detail = /<Code>([A-Za-z]{1,60})<\/Code>/.exec(text)?.[1] ?? `HTTP ${status}`;
  throw new Failure("bucket_rejected", { status, detail });
}

// The content at a presigned URL, or only its first bytes.
async function fetchPresigned(url, firstBytes = null) {
  const headers = firstBytes ? { range: `bytes=0-${firstBytes - 1}` } : {};
  let response;
  try {
    response = await fetch(url, { headers, credentials: "omit", referrerPolicy: "no-referrer" });
  } catch {
    throw new Failure("bucket_network", { detail: new URL(url).host });
  }
  if (response.status === 403) throw new Failure("link_expired");
  if (!response.ok) throw new Failure("service_unavailable", { status: response.status });
  return response.blob();
}

const POLL_FIRST_MILLISECONDS = 300;
const POLL_LONGEST_MILLISECONDS = 5_000;
const POLL_FAILURES_MAX = 4;
// After about 15 minutes without a change, the status is requested once a minute.
const POLLS_BEFORE_IDLE = 180;
const POLL_IDLE_MILLISECONDS = 60_000;

// Whether a presigned upload of this file may still change its status. `uploadedBy` is how this tab uploaded the file:
// after "bucket" the upload is expected, after "api" it is not. Otherwise it is expected until its URL expires.
function isUploadExpected(file, uploadedBy = null) {
  if (!file.upload || uploadedBy === "api") return false;
  return uploadedBy === "bucket" || Date.parse(file.upload.expires_at) > Date.now();
}

// Requests a file's status until it is final, at growing intervals, and only while the tab is visible.
async function pollStatus(statusPath, onStatus, signal, { uploadedBy = null } = {}) {
  let wait = POLL_FIRST_MILLISECONDS;
  let failures = 0;
  let unchanged = 0;
  let last = "";
  while (!signal.aborted) {
    try {
      const file = await requestJson(statusPath);
      if (signal.aborted) return;
      failures = 0;
      const state = `${file.attempt} ${file.status} ${Boolean(file.upload)}`;
      // After a change the next one is usually near.
      unchanged = state === last ? unchanged + 1 : 0;
      const longest = unchanged < POLLS_BEFORE_IDLE ? POLL_LONGEST_MILLISECONDS : POLL_IDLE_MILLISECONDS;
      wait = unchanged > 0 ? Math.min(wait * 1.5, longest) : POLL_FIRST_MILLISECONDS;
      last = state;
      onStatus(file);
      if (isFinal(file.status) && !isUploadExpected(file, uploadedBy)) return;
    } catch (failure) {
      if (signal.aborted) return;
      failures += 1;
      if (failure.code === "file_not_found" || failures >= POLL_FAILURES_MAX) throw failure;
      wait = Math.min(wait * 2, POLL_LONGEST_MILLISECONDS);
    }
    await pause(wait, signal);
    await untilVisible(signal);
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

function untilVisible(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
    signal.addEventListener("abort", resolve, { once: true });
  });
}
