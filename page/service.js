// Speaking to the service. The page lies at the root of the API's stage, with or without a slash at the end.

const BASE = location.pathname.replace(/\/+$/, "");
const API_FILE_BYTES_MAX = Number(document.body.dataset.apiFileBytesMax);
const BUCKET_FILE_BYTES_MAX = Number(document.body.dataset.bucketFileBytesMax);
const ANSWER_MILLISECONDS_MAX = 40_000;

// The key lives as long as this tab, where no other page can read it.
const key = {
  get value() { return sessionStorage.getItem("api-key") ?? ""; },
  set value(value) { sessionStorage.setItem("api-key", value); },
  forget() { sessionStorage.removeItem("api-key"); },
  // What the service calls its holder: the name before the first dot.
  get name() { return /^[a-z0-9][a-z0-9-]{0,62}(?=\..)/.exec(this.value)?.[0] ?? "your own"; },
  get isOperator() { return this.name === "operator"; },
};

function keyHeader() {
  if (!key.value) throw new Failure("key_missing");
  return { "x-api-key": key.value };
}

function readJson(text) {
  try { return JSON.parse(text); } catch { return null; }
}

function failureOf(status, body) {
  const code = body?.error ?? (status === 429 ? "rate_exceeded" : status >= 500 ? "service_unavailable" : "unknown");
  return new Failure(code, { status, body });
}

// A request for JSON. Throws what is not 200 as a Failure.
async function ask(path, { method = "GET", headers = {}, body } = {}) {
  let answer;
  let text;
  try {
    answer = await fetch(BASE + path, { method, headers, body, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MILLISECONDS_MAX) });
    text = await answer.text();
  } catch (error) {
    throw new Failure(error.name === "TimeoutError" ? "timed_out" : "network");
  }
  const found = readJson(text);
  if (answer.status !== 200 || found === null) throw failureOf(answer.status, found);
  return found;
}

// Sends a body and tells how much of it has gone; fetch cannot. Resolves with whatever was answered.
function send(method, url, { headers = {}, body, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => { if (event.lengthComputable) onProgress(event.loaded, event.total); };
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(new Failure("network"));
    request.onabort = () => reject(new Failure("cancelled"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
    if (signal.aborted) request.abort();
  });
}

// Names the attempt that was seen, so that a repeat of the request does nothing twice.
const reprocessQuery = (attempt) => (attempt === null ? "" : `?reprocess_attempt=${attempt}`);

// Sends a file in one request. Resolves with the service's answer, which may be a refusal of the file.
async function sendSmall(file, { statement, dryRun, reprocessAttempt, onProgress, signal }) {
  const form = new FormData();
  for (const [name, value] of Object.entries(statement)) form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  form.append("file", file, "file.csv");
  const query = dryRun ? "?dry_run=true" : reprocessQuery(reprocessAttempt);
  const { status, text } = await send("POST", `${BASE}/upload${query}`, { headers: keyHeader(), body: form, onProgress, signal });
  const body = readJson(text);
  if (body !== null && (status === 200 || (status === 400 && body.error === "invalid_csv"))) return body;
  throw failureOf(status, body);
}

// Creates an upload by the file's digest, and puts it where the service says. Resolves with the answer to the creation.
async function sendLarge(file, { statement, reprocessAttempt, onHash, onProgress, signal }) {
  keyHeader();
  const sha256 = await sha256OfFile(file, { onProgress: onHash, signal });
  const headers = { ...keyHeader(), "content-type": "application/json" };
  const request = JSON.stringify({ size: file.size, sha256, ...statement });
  const creation = ask(`/uploads${reprocessQuery(reprocessAttempt)}`, { method: "POST", headers, body: request });
  // A file that is here already may not be what its sender now states of it.
  const granted = await creation.catch((failure) => { if (failure.kind === "invalid_csv") return failure.body; throw failure; });
  if (granted.upload) await put(file, granted.upload, { onProgress, signal });
  return granted;
}

async function put(file, upload, { onProgress, signal }) {
  // The browser sets the length by itself and allows nobody else to.
  const headers = Object.fromEntries(Object.entries(upload.headers).filter(([name]) => name.toLowerCase() !== "content-length"));
  // Without a type of its own, so that the request has the signed headers and no other.
  const body = file.slice(0, file.size, "");
  let answer;
  try {
    answer = await send(upload.method, upload.url, { headers, body, onProgress, signal });
  } catch (failure) {
    if (failure.kind !== "network") throw failure;
    // A browser does not tell a lost network from an answer that it must not show us.
    if (navigator.onLine === false) throw failure;
    throw new Failure("bucket_network", { body: { detail_for_people: new URL(upload.url).host } });
  }
  if (answer.status === 200) return;
  const code = /<Code>([A-Za-z]{1,60})<\/Code>/.exec(answer.text)?.[1] ?? `HTTP ${answer.status}`;
  if (answer.status === 429 || answer.status >= 500) throw new Failure("service_unavailable", { status: answer.status });
  const expired = /expired/i.test(answer.text);
  throw new Failure(expired ? "bucket_expired" : "bucket_refused", { status: answer.status, body: { detail_for_people: expired ? null : code } });
}

// The first bytes of a file at a signed URL, or all of it.
async function fetchSigned(url, firstBytes = null) {
  const headers = firstBytes ? { range: `bytes=0-${firstBytes - 1}` } : {};
  let answer;
  try {
    answer = await fetch(url, { headers, credentials: "omit", referrerPolicy: "no-referrer" });
  } catch {
    throw new Failure("bucket_network", { body: { detail_for_people: new URL(url).host } });
  }
  if (answer.status === 403) throw new Failure("link_expired");
  // A file of no more than one byte has no such range.
  if (!answer.ok) throw new Failure("service_unavailable", { status: answer.status });
  return answer.blob();
}

const POLL_FIRST_MILLISECONDS = 300;
const POLL_LONGEST_MILLISECONDS = 5_000;
const POLL_FAILURES_MAX = 4;
// What has not moved for some quarter of an hour is asked for no more than once a minute.
const POLLS_BEFORE_REST = 180;
const POLL_RESTING_MILLISECONDS = 60_000;

// A presigned upload changes a file's status only when its bytes have come. After they were put (`by` is "put"), the upload is
// waited for to its end; after a request with the file itself ("request"), not at all; otherwise while its URL works.
function isUploadUnderWay(page, by = null) {
  if (!page.upload || by === "request") return false;
  return by === "put" || Date.parse(page.upload.expires_at) > Date.now();
}

// Asks for the status of a file until its attempt has ended, less and less often, and not at all while nobody looks.
async function follow(statusPath, onPage, signal, { by = null } = {}) {
  let wait = POLL_FIRST_MILLISECONDS;
  let failures = 0;
  let unmoved = 0;
  let last = "";
  while (!signal.aborted) {
    try {
      const page = await ask(statusPath);
      if (signal.aborted) return;
      failures = 0;
      const state = `${page.attempt} ${page.status} ${Boolean(page.upload)}`;
      // Where something moves, the next step is near.
      unmoved = state === last ? unmoved + 1 : 0;
      const longest = unmoved < POLLS_BEFORE_REST ? POLL_LONGEST_MILLISECONDS : POLL_RESTING_MILLISECONDS;
      wait = unmoved > 0 ? Math.min(wait * 1.5, longest) : POLL_FIRST_MILLISECONDS;
      last = state;
      onPage(page);
      if (isFinal(page.status) && !isUploadUnderWay(page, by)) return;
    } catch (failure) {
      if (signal.aborted) return;
      failures += 1;
      if (failure.kind === "file_not_found" || failures >= POLL_FAILURES_MAX) throw failure;
      wait = Math.min(wait * 2, POLL_LONGEST_MILLISECONDS);
    }
    await pause(wait, signal);
    await seen(signal);
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

// Until somebody looks at the page.
function seen(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
    signal.addEventListener("abort", resolve, { once: true });
  });
}
