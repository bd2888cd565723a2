// The view that sends a file. Small files go to the API in one request, large ones straight to the storage.

let chosenFile = null;
let sending = null;

function choose(file) {
  chosenFile = file;
  fault("file", "file-fault", "");
  byId("send-outcome").replaceChildren();
  byId("chosen").textContent = file.name;
  byId("choose").textContent = "Choose another";
  byId("drop").classList.add("has-file");
  const isLarge = file.size > API_FILE_BYTES_MAX;
  byId("chosen-hint").textContent = `${sizeWords(file.size)}${isLarge ? ", goes straight to the storage" : ""}`;
  byId("check").disabled = isLarge;
  byId("check-hint").textContent = isLarge
    ? `Check only takes files of up to ${sizeWords(API_FILE_BYTES_MAX)}; the command line, txn validate, takes larger ones.`
    : "Check only tells what is wrong and keeps nothing.";
  announce(`Chosen: ${file.name}, ${sizeWords(file.size)}`);
}

// What the person states of the file, in the form of the API, or null with the fault told beside its field.
function readStatement() {
  const statement = {};
  fault("expected-rows", "rows-fault", "");
  fault("expected-totals", "totals-fault", "");
  const rows = byId("expected-rows").value.replace(/[\s,]/g, "");
  const totals = byId("expected-totals").value.trim();
  if (rows) {
    if (!/^\d{1,9}$/.test(rows)) return refuseField("expected-rows", "rows-fault", explain(new Failure("expected_rows_malformed")));
    statement.expected_rows = Number(rows);
  }
  if (totals) {
    const read = readTotals(totals);
    if (!read) return refuseField("expected-totals", "totals-fault", explain(new Failure("expected_totals_malformed")));
    statement.expected_totals = read;
  }
  return statement;
}

// `EUR 310.75, JPY 17300` as `{"EUR": "310.75", "JPY": "17300"}`. The amounts stay text.
function readTotals(text) {
  const totals = {};
  for (const part of text.split(/[,;\n]+/).map((piece) => piece.trim()).filter(Boolean)) {
    const [, currency, amount] = /^([A-Za-z]{3})\s*[ :=]\s*([-−]?\d+(?:\.\d+)?)$/.exec(part) ?? [];
    if (!currency || currency.toUpperCase() in totals) return null;
    totals[currency.toUpperCase()] = amount.replace("−", "-");
  }
  return Object.keys(totals).length > 0 ? totals : null;
}

function refuseField(fieldId, faultId, { title, text }) {
  byId("statement").open = true;
  fault(fieldId, faultId, `${title}. ${text}`);
  byId(fieldId).focus();
  return null;
}

// Begins to send what the form has.
function submitFile({ dryRun }) {
  if (sending) return;
  if (!takeTypedKey()) return;
  if (!chosenFile) {
    fault("file", "file-fault", "Choose a file first.");
    byId("file").focus();
    return;
  }
  const statement = readStatement();
  if (statement) startSending(chosenFile, { statement, dryRun });
}

async function startSending(file, { statement = {}, dryRun = false, reprocessAttempt = null }) {
  const controller = new AbortController();
  sending = controller;
  if (location.hash !== "#/") history.pushState(null, "", "#/");
  showView("send");
  byId("send-outcome").replaceChildren();
  show("send-form", false);
  show("sending", true);
  byId("sending-title").focus();
  const large = file.size > API_FILE_BYTES_MAX;
  const options = { statement, dryRun, reprocessAttempt, signal: controller.signal, onHash: progress("Taking the file's fingerprint"), onProgress: progress(dryRun ? "Sending it to be checked" : "Sending", dryRun ? "Checking every record" : large ? "Finishing" : "Checking every record") };
  let failed = null;
  try {
    // Before anything is read of a file that nobody will take.
    if (file.size > BUCKET_FILE_BYTES_MAX) throw new Failure("too_large");
    const answer = await (large ? sendLarge(file, options) : sendSmall(file, options));
    if (dryRun) showCheck(file, answer, statement);
    else openFile(file, answer, statement);
  } catch (failure) {
    failed = failure;
  } finally {
    sending = null;
    show("sending", false);
    show("send-form", true);
  }
  // Only now, because nothing can be focused in a form that is hidden.
  if (failed) showSendingFailure(failed, () => startSending(file, { statement, dryRun, reprocessAttempt }));
}

// A function that shows how far something is, and tells each quarter of it to those who do not see it.
function progress(words, wordsAtEnd = words) {
  let told = -1;
  return (done, total) => {
    const percent = total > 0 ? Math.floor((100 * done) / total) : 100;
    const text = percent === 100 ? `${wordsAtEnd} …` : `${words}: ${percent} % of ${sizeWords(total)}`;
    byId("sending-text").textContent = text;
    if (percent === 100 && wordsAtEnd !== words) byId("sending-bar").removeAttribute("value");
    else byId("sending-bar").value = percent;
    if (Math.floor(percent / 25) !== told) announce(text);
    told = Math.floor(percent / 25);
  };
}

function openFile(file, answer, statement) {
  sentFiles.set(answer.file_id, { file, name: file.name, statement, answer });
  const address = `#${answer.status_path}`;
  // Somebody may have gone back to the file while it was sent again; the same address is no change, which the browser would tell.
  if (location.hash === address) route();
  else location.hash = address;
}

function showSendingFailure(failure, retry) {
  if (failure.kind === "key_missing" || failure.kind === "api_key_invalid") {
    refuseKey(failure);
    return;
  }
  const card = failureCard(failure, retry);
  byId("send-outcome").replaceChildren(card);
  // Somebody may look at another view by now.
  announce(explain(failure).title);
  if (failure.kind === "expected_rows_malformed") refuseField("expected-rows", "rows-fault", explain(failure));
  else if (failure.kind === "expected_totals_malformed") refuseField("expected-totals", "totals-fault", explain(failure));
  else card.querySelector("h2").focus();
}

// What a check found, which nobody keeps.
function showCheck(file, answer, statement) {
  const kept = "This was a check only: nothing was kept of the file.";
  const card = make("div", { class: "card" });
  if (answer.error) {
    const errors = answer.errors ?? [];
    const report = () => save(new Blob([reportOfErrors(errors)], { type: "text/csv" }), `${file.name.replace(/\.csv$/i, "")}-errors.csv`);
    const hint = errors.length < answer.error_count && make("p", { class: "hint" }, `The report has the first ${numberWords.format(errors.length)}.`);
    card.append(verdict("bad", `It would be refused: ${counted(answer.error_count, "error")}`, kept), errorsTable(errors, answer.error_count),
      make("div", { class: "actions" }, button("Error report", report, { sign: "down" })), ...[hint].filter(Boolean));
  } else {
    card.append(verdict("ok", `It would be accepted: ${counted(answer.row_count, "row")}`, kept), totalsTable(answer.totals),
      make("div", { class: "actions" }, button("Send it now", () => startSending(file, { statement }), { secondary: false })));
  }
  byId("send-outcome").replaceChildren(card);
  announce(card.querySelector("h2").textContent);
  card.querySelector("h2").focus();
}

function listenToSendView() {
  const drop = byId("drop");
  byId("file").addEventListener("change", () => { if (byId("file").files.length > 0) choose(byId("file").files[0]); });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  // Anywhere, or a file that falls beside the frame would replace the page.
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const files = event.dataTransfer?.files ?? [];
    if (sending || byId("view-send").hidden || files.length === 0) return;
    choose(files[0]);
    if (files.length > 1) fault("file", "file-fault", "One file at a time: the first of them was taken.");
  });
  byId("send-form").addEventListener("submit", (event) => { event.preventDefault(); submitFile({ dryRun: false }); });
  byId("check").addEventListener("click", () => submitFile({ dryRun: true }));
  byId("cancel").addEventListener("click", () => sending?.abort());
  addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
}
