// The view that uploads a file. Small files go to the API in one request, large ones directly to the bucket.

let chosenFile = null;
// The AbortController of the upload in progress.
let uploadInProgress = null;

const DRY_RUN_HINT = byId("dry-run-hint").textContent;

function choose(file) {
  chosenFile = file;
  setFieldError("file", "file-error", "");
  byId("upload-outcome").replaceChildren();
  byId("chosen").textContent = file.name;
  byId("choose").textContent = "Choose another file";
  byId("drop-zone").classList.add("has-file");
  const isLarge = file.size > API_FILE_BYTES_MAX;
  byId("chosen-hint").textContent = `${formatSize(file.size)}${isLarge ? ", uploaded directly to the storage" : ""}`;
  byId("dry-run").disabled = isLarge;
  byId("dry-run-hint").textContent = isLarge
    ? `Validate only accepts files of up to ${formatSize(API_FILE_BYTES_MAX)}. For larger files, run txn validate.`
    : DRY_RUN_HINT;
  announce(`File chosen: ${file.name}, ${formatSize(file.size)}`);
}

// The control totals in the form of the API, or null after an error was shown beside its field.
function readControlTotals() {
  const controlTotals = {};
  setFieldError("expected-rows", "rows-error", "");
  setFieldError("expected-totals", "totals-error", "");
  const rows = byId("expected-rows").value.replace(/[\s,]/g, "");
  const totals = byId("expected-totals").value.trim();
  if (rows) {
    if (!/^\d{1,9}$/.test(rows)) return rejectControlTotals(new Failure("expected_rows_malformed"));
    controlTotals.expected_rows = Number(rows);
  }
  if (totals) {
    const parsed = parseTotals(totals);
    if (!parsed) return rejectControlTotals(new Failure("expected_totals_malformed"));
    controlTotals.expected_totals = parsed;
  }
  return controlTotals;
}

// `EUR 310.75, JPY 17300` as `{"EUR": "310.75", "JPY": "17300"}`. The amounts stay text.
function parseTotals(text) {
  const totals = {};
  for (const part of text.split(/[,;\n]+/).map((piece) => piece.trim()).filter(Boolean)) {
    const [, currency, amount] = /^([A-Za-z]{3})\s*[ :=]\s*([-−]?\d+(?:\.\d+)?)$/.exec(part) ?? [];
    if (!currency || currency.toUpperCase() in totals) return null;
    totals[currency.toUpperCase()] = amount.replace("−", "-");
  }
  return Object.keys(totals).length > 0 ? totals : null;
}

const CONTROL_TOTAL_FIELDS = {
  expected_rows_malformed: ["expected-rows", "rows-error"],
  expected_totals_malformed: ["expected-totals", "totals-error"],
};

function rejectControlTotals(failure) {
  const [fieldId, errorId] = CONTROL_TOTAL_FIELDS[failure.code];
  const { title, text } = explain(failure);
  byId("control-totals").open = true;
  setFieldError(fieldId, errorId, `${title}. ${text}`);
  byId(fieldId).focus();
  return null;
}

function submitForm({ dryRun }) {
  if (uploadInProgress) return;
  if (!acceptTypedKey()) return;
  if (!chosenFile) {
    setFieldError("file", "file-error", "Choose a file first.");
    byId("file").focus();
    return;
  }
  const controlTotals = readControlTotals();
  if (controlTotals) startUpload(chosenFile, { controlTotals, dryRun });
}

async function startUpload(file, { controlTotals = {}, dryRun = false, reprocessAttempt = null }) {
  const controller = new AbortController();
  uploadInProgress = controller;
  if (location.hash !== "#/") history.pushState(null, "", "#/");
  showView("upload");
  byId("upload-outcome").replaceChildren();
  setVisible("upload-form", false);
  setVisible("progress", true);
  byId("progress-title").focus();
  let failed = null;
  try {
    const response = await uploadFile(file, { controlTotals, dryRun, reprocessAttempt, signal: controller.signal });
    if (dryRun) showDryRun(file, response, controlTotals);
    else openFile(file, response, controlTotals);
  } catch (failure) {
    failed = failure;
  } finally {
    uploadInProgress = null;
    setVisible("progress", false);
    setVisible("upload-form", true);
  }
  // After the form is visible again: a hidden field cannot be focused.
  if (failed) showUploadFailure(failed, () => startUpload(file, { controlTotals, dryRun, reprocessAttempt }));
}

function uploadFile(file, options) {
  // Before the file is read: the digest of a file of this size takes a while.
  if (file.size > BUCKET_FILE_BYTES_MAX) throw new Failure("too_large");
  if (file.size > API_FILE_BYTES_MAX) {
    const onHash = progressReporter("Calculating checksum");
    return uploadThroughBucket(file, { ...options, onHash, onProgress: progressReporter("Uploading", "Finishing") });
  }
  return uploadThroughApi(file, { ...options, onProgress: progressReporter("Uploading", "Validating") });
}

// A function that shows the progress of a step, and announces each quarter of it.
function progressReporter(label, finalLabel = label) {
  let announced = -1;
  return (done, total) => {
    const percent = total > 0 ? Math.floor((100 * done) / total) : 100;
    const text = percent === 100 ? `${finalLabel}\u00a0…` : `${label}: ${percent}% of ${formatSize(total)}`;
    byId("progress-text").textContent = text;
    if (percent === 100 && finalLabel !== label) byId("progress-bar").removeAttribute("value");
    else byId("progress-bar").value = percent;
    const quarter = Math.floor(percent / 25);
    if (quarter !== announced) announce(text);
    announced = quarter;
  };
}

function openFile(file, response, controlTotals) {
  ownUploads.set(response.file_id, { file, name: file.name, controlTotals, response });
  const address = `#${response.status_path}`;
  // The person may already be at this address; setting it again fires no hashchange event.
  if (location.hash === address) route();
  else location.hash = address;
}

function showUploadFailure(failure, retry) {
  if (isKeyFailure(failure)) {
    rejectKey(failure);
    return;
  }
  const card = failureCard(failure, retry);
  byId("upload-outcome").replaceChildren(card);
  // The person may be in another view, where the card is not visible.
  announce(explain(failure).title);
  if (failure.code in CONTROL_TOTAL_FIELDS) rejectControlTotals(failure);
  else card.querySelector("h2").focus();
}

function showDryRun(file, response, controlTotals) {
  const card = make("div", { class: "card" }, response.error
    ? invalidDryRun(file, response)
    : validDryRun(response, () => startUpload(file, { controlTotals })));
  byId("upload-outcome").replaceChildren(card);
  const title = card.querySelector("h2");
  announce(title.textContent);
  title.focus();
}

const DRY_RUN_TEXT = "The file was only validated. Nothing was stored.";

function validDryRun({ row_count: rows, totals }, upload) {
  return [
    banner("ok", `Valid: ${formatCount(rows, "row")}`, DRY_RUN_TEXT),
    totalsTable(totals),
    make("div", { class: "actions" }, button("Upload now", upload, { secondary: false })),
  ];
}

function invalidDryRun(file, { errors = [], error_count: total }) {
  const reportName = `${file.name.replace(/\.csv$/i, "")}-errors.csv`;
  const saveReport = () => saveAs(new Blob([formatReport(errors)], { type: "text/csv" }), reportName);
  const limit = `The report contains the first ${numberFormat.format(errors.length)} errors.`;
  return [
    banner("bad", `Invalid: ${formatCount(total, "error")}`, DRY_RUN_TEXT),
    errorsTable(errors, total),
    make("div", { class: "actions" }, button("Error report", saveReport, { iconName: "download" })),
    errors.length < total && make("p", { class: "hint" }, limit),
  ];
}

function listenToDrops() {
  const dropZone = byId("drop-zone");
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => { event.preventDefault(); dropZone.classList.add("drag-over"); });
  }
  document.addEventListener("dragleave", (event) => {
    // Without a related target, the pointer has left the page.
    if (!event.relatedTarget) dropZone.classList.remove("drag-over");
  });
  // On the whole document: otherwise the browser opens a file that is dropped beside the drop zone.
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    dropZone.classList.remove("drag-over");
    const files = event.dataTransfer?.files ?? [];
    if (uploadInProgress || byId("view-upload").hidden || files.length === 0) return;
    choose(files[0]);
    if (files.length > 1) setFieldError("file", "file-error", "Upload one file at a time. The first file was chosen.");
  });
}

function listenToUploadView() {
  byId("file").addEventListener("change", () => { if (byId("file").files.length > 0) choose(byId("file").files[0]); });
  byId("upload-form").addEventListener("submit", (event) => { event.preventDefault(); submitForm({ dryRun: false }); });
  byId("dry-run").addEventListener("click", () => submitForm({ dryRun: true }));
  byId("cancel").addEventListener("click", () => uploadInProgress?.abort());
  addEventListener("beforeunload", (event) => { if (uploadInProgress) event.preventDefault(); });
  listenToDrops();
}
