// The view of one file: how it stands now, and all that happened to it. It moves by itself until the attempt has ended.

const REPORT_FIRST_BYTES = 256 * 1024;

// What this tab knows of files that it sent itself: `{ file, name, statement, answer }` by file id.
const sentFiles = new Map();

const fileIdOf = (statusPath) => /^\/files\/([0-9a-f]{32})\?/.exec(statusPath)?.[1] ?? "";

class FileView {
  constructor(statusPath) {
    this.statusPath = statusPath;
    this.sent = sentFiles.get(fileIdOf(statusPath)) ?? null;
    this.ended = new AbortController();
    this.parts = new Map();
    this.page = null;
    byId("file-title").textContent = this.sent?.name ?? "A file";
    byId("file-body").replaceChildren(...["statement", "outcome", "errors", "figures", "way", "facts"].map((name) => this.part(name)));
  }

  // A place in the view that is filled anew only when what it shows has changed, so that nobody's focus is lost.
  part(name) {
    const element = make("div", { "data-part": name });
    this.parts.set(name, { element, shown: null });
    return element;
  }

  fill(name, shown, render) {
    const part = this.parts.get(name);
    const text = JSON.stringify(shown);
    if (part.shown === text) return;
    part.shown = text;
    part.element.replaceChildren(...[render()].flat().filter(Boolean));
  }

  async run() {
    try {
      await follow(this.statusPath, (page) => this.show(page), this.ended.signal, { by: this.sent && (this.sent.answer.upload ? "put" : "request") });
    } catch (failure) {
      this.fill("outcome", failure.kind + Date.now(), () => failureCard(failure, failure.kind === "file_not_found" ? null : () => this.again()));
      // Nobody has to press anything when the network is back.
      if (failure.kind === "network") addEventListener("online", () => this.again(), { once: true, signal: this.ended.signal });
    }
  }

  again() {
    this.parts.get("outcome").element.replaceChildren();
    this.parts.get("outcome").shown = null;
    this.run();
  }

  stop() {
    this.ended.abort();
  }

  show(page) {
    const isNew = this.page?.status !== page.status;
    this.page = page;
    const { report_url: reportUrl, ...standing } = page;
    this.fill("statement", page.status, () => this.misstated());
    this.fill("outcome", standing, () => this.outcome());
    this.fill("figures", [page.row_count, page.totals, page.status], () => this.figures());
    if (page.status === "validation_failed" && page.error_count > 0) this.fill("errors", page.attempt, () => this.errors(reportUrl));
    this.fill("way", [page.history, page.status], () => wayOf(page));
    this.fill("facts", [page.attempt, page.updated_at], () => factsOf(page));
    if (isNew) announce(`${statusWords(page.status)}${page.status === "completed" ? `: ${counted(page.row_count, "row")}` : ""}`);
  }

  // A file that is here from before stays as it is, whatever its sender now states of it.
  misstated() {
    const answer = this.sent?.answer;
    if (!answer?.error || this.page.status === "validation_failed") return null;
    return make("div", { class: "card", role: "alert" },
      verdict("bad", "What you stated is not what this file has", "The file was taken before, and stays as it is below. Is it the one that you meant to send?"),
      errorsTable(answer.errors, answer.error_count));
  }

  outcome() {
    const { tone, title, texts } = outcomeOf(this.page, this.sent?.answer);
    const actions = this.actions();
    const isRefused = this.page.status === "validation_failed" && this.page.error_count > 0;
    return make("div", { class: "card" }, verdict(tone, title, ...texts), actions.length > 0 && make("div", { class: "actions" }, actions), isRefused && this.downloads());
  }

  // What may be done next with a file that this tab still has.
  actions() {
    const { status, superseded_by: laterFiles } = this.page;
    if (!this.sent?.file) return [];
    const resend = (reprocessAttempt) => startSending(this.sent.file, { statement: this.sent.statement, reprocessAttempt });
    if (status === "completed" && laterFiles.length > 0) return [button("Process it again, so that its rows win", () => resend(this.page.attempt))];
    const isOurFault = status.endsWith("_failed") && this.page.error_count === 0;
    return isOurFault || status === "upload_expired" ? [button("Send it again", () => resend(null), { secondary: false })] : [];
  }

  figures() {
    const { row_count: rows, totals, status } = this.page;
    if (rows === null || rows === undefined || status === "validation_failed") return null;
    const hasTotals = Object.keys(totals).length > 0;
    // What was read of a file that failed is no receipt to hold against one's own books.
    const hasFailed = status.endsWith("_failed");
    return make("section", { class: "card", "aria-labelledby": "figures-title" },
      make("h2", { id: "figures-title" }, hasFailed ? "What the file says" : "What is in it"),
      make("p", { class: "figure" }, make("strong", {}, numberWords.format(rows)), rows === 1 ? " row" : " rows"),
      hasTotals && totalsTable(totals),
      hasTotals && !hasFailed && make("p", { class: "hint" }, "Compare these with your own figures."));
  }

  errors(reportUrl) {
    const answer = this.sent?.answer?.errors ? this.sent.answer : null;
    const place = make("div", {}, make("p", { class: "hint" }, "Reading the errors …"));
    const total = this.page.error_count;
    if (answer && answer.error_count === total) place.replaceChildren(errorsTable(answer.errors, total));
    else this.readErrors(place, reportUrl, total);
    return make("section", { class: "card", "aria-labelledby": "errors-title" },
      make("h2", { id: "errors-title" }, "What is wrong"), place);
  }

  async readErrors(place, reportUrl, total) {
    try {
      const text = await (await fetchSigned(reportUrl, REPORT_FIRST_BYTES)).text();
      place.replaceChildren(errorsTable(errorsOfReport(text, ERRORS_SHOWN_AT_ONCE), total));
    } catch (failure) {
      place.replaceChildren(failureCard(failure, () => this.readErrors(place, this.page.report_url, total)));
    }
  }

  downloads() {
    const trouble = make("div", {});
    const name = (this.sent?.name ?? this.page.file_id).replace(/\.csv$/i, "");
    const offer = (words, suffix, find) => {
      const made = button(words, async () => {
        trouble.replaceChildren();
        made.disabled = true;
        try {
          const { url, truncated } = await find();
          save(await fetchSigned(url), `${name}-${suffix}.csv`);
          if (truncated) trouble.replaceChildren(make("p", { role: "alert" }, "Part of the file is missing in what was saved, because a quote is never closed, or the file has too many rows or bytes to be read to its end. Correct the file where it comes from instead."));
          else announce(`${words}: saved`);
        } catch (failure) {
          if (failure.kind === "key_missing" || failure.kind === "api_key_invalid") refuseKey(failure);
          trouble.replaceChildren(failureCard(failure));
        } finally {
          made.disabled = false;
        }
      }, { sign: "down" });
      return made;
    };
    const correctable = (rows) => async () => {
      try {
        return await ask(`/files/${this.page.file_id}/correctable?rows=${rows}`, { headers: keyHeader() });
      } catch (failure) {
        if (failure.kind === "file_too_large") failure.kind = "correctable_too_large";
        if (failure.kind === "file_not_found") failure.kind = "file_of_another";
        throw failure;
      }
    };
    // Where no row is wrong by itself, there is none to be marked; and the rows are the partner's alone.
    const hasRows = !key.isOperator && !areAll(this.sent?.answer, (error) => error.record === 0);
    return make("div", { class: "take" },
      make("div", { class: "actions" },
        hasRows && offer("All rows, faults marked", "to-correct", correctable("all")),
        hasRows && offer("Rejected rows alone", "rejected", correctable("rejected")),
        // Asked for anew, because a link lasts for minutes and a page for days.
        offer("Error report", "errors", async () => ({ url: (await ask(this.statusPath)).report_url }))),
      hasRows && make("p", { class: "hint" }, "CSV files that are safe to open in a spreadsheet. Mend the one with all rows, save it as CSV and send it here: its three added columns are passed over. The rejected rows alone are for looking at: sent by themselves, the other rows would be missing."),
      trouble);
  }
}

// The rows of earlier files that this one replaced, with the ids of those files.
function replacedWords(page) {
  const { rows_replaced: rows, replaced_files: files = [] } = page;
  if (!rows) return null;
  const listed = files.reduce((sum, file) => sum + file.rows, 0);
  const ids = files.map((file) => file.file_id).join(", ");
  const were = rows === 1 ? "was" : "were";
  // Only the first files are listed.
  if (listed < rows) return `${counted(rows, "row")} of earlier files ${were} replaced, among them rows of: ${ids}.`;
  return `${counted(rows, "row")} of ${counted(files.length, "earlier file")} ${were} replaced: ${ids}.`;
}

// The outcome of an upload whose bytes have not come yet, beside what is known of the file.
function uploadWords(page) {
  if (!page.upload || !isFinal(page.status) || page.status === "upload_expired") return null;
  return isUploadUnderWay(page) && "An upload of this file was created again, and its bytes have not come yet. What you see here is the outcome of the last attempt.";
}

// The outcome in words: a tone, a title and sentences.
function outcomeOf(page, answer) {
  const { status, superseded_by: laterFiles } = page;
  if (status === "completed") {
    const repeated = answer?.duplicate === true || Boolean(answer?.error);
    const changed = [
      page.rows_unchanged > 0 && `${counted(page.rows_unchanged, "row")} of them ${page.rows_unchanged === 1 ? "was" : "were"} already there.`,
      replacedWords(page),
      page.rows_replaced_since > 0 && `${counted(page.rows_replaced_since, "row")} of this file ${page.rows_replaced_since === 1 ? "has" : "have"} been replaced by later files since.`,
      uploadWords(page),
      laterFiles.length > 0 && `${counted(laterFiles.length, "later file")} brought rows with the same transaction ids. Those rows are in effect, and the ones of this file are not.`,
    ];
    const stored = `${counted(page.row_count, "row")} ${page.row_count === 1 ? "is" : "are"} checked, stored and announced.`;
    return { tone: "ok", title: repeated ? "Completed before" : "Completed", texts: [repeated ? "This very file was sent before, and nothing was done a second time." : stored, ...changed] };
  }
  if (status === "validation_failed" && page.error_count > 0) {
    const isMisstated = areAll(answer, (error) => STATEMENT_CODES.includes(error.code));
    const advice = isMisstated
      ? "The file has other figures than you stated. Send the right file, or this one with the right figures."
      : "Correct it and send the whole file again; it is then a new file.";
    return { tone: "bad", title: `Refused: ${counted(page.error_count, "error")}`, texts: [`Nothing of this file was stored as transactions. ${advice}`, uploadWords(page)] };
  }
  if (status === "validation_failed" || status === "processing_failed") {
    return { tone: "bad", title: statusWords(status === "validation_failed" ? "processing_failed" : status), texts: ["The fault is ours, not your file's. Send it again in a moment: it is never processed twice. If it fails again, tell the operator the file id below."] };
  }
  if (status === "notification_failed") {
    return { tone: "bad", title: statusWords(status), texts: ["The rows are stored, but the message about it did not go out. Send the file again: only what is missing is done."] };
  }
  if (status === "upload_expired") {
    return { tone: "note", title: statusWords(status), texts: ["An upload was created, and its bytes had not come when its URL expired. Send the file again."] };
  }
  const waits = status === "awaiting_upload" ? "As soon as the storage has it, it is checked." : "You may close this page: everything goes on without it.";
  return { tone: "wait", title: status === "validated" ? "Valid, being processed\u00a0…" : `${statusWords(status)}\u00a0…`, texts: [waits] };
}

const GAVE_UP = "the workflow gave up: ";
const STEPS_THAT_LAST = ["awaiting_upload", "validating", "processing", "notifying"];

// What a step ended in: a step that was under way when the workflow gave up is neither done nor to come.
function signOf(entry, following) {
  if (STATUSES[entry.status]?.tone === "bad") return "bad";
  if (!following) return isFinal(entry.status) ? "ok" : "wait";
  const isBroken = following.message.startsWith(GAVE_UP) && STEPS_THAT_LAST.includes(entry.status);
  return isBroken ? "next" : "ok";
}

// A file that nobody refused has failed, whichever step it was in.
function stepWords(entry) {
  const hasFailed = entry.status === "validation_failed" && entry.message.startsWith(GAVE_UP);
  return statusWords(hasFailed ? "processing_failed" : entry.status);
}

// The history's messages are written for operators: buckets and codes mean nothing to a partner.
function messageWords(message) {
  if (message.startsWith("found in the bucket as ")) return "The file has arrived";
  if (message.startsWith(GAVE_UP)) return "Nothing of it is lost; the operator has been told.";
  const [, bytes] = /^(?:announced to the API|upload created), bytes: (\d+)$/.exec(message) ?? [];
  if (bytes) return `Upload created, ${sizeWords(Number(bytes))}`;
  return sentence(message.replace(/, (?:(?:overtaken|superseded) by a later file|rows of other files replaced): 0(?=,|$)/g, ""));
}

// Everything that happened, and what is still to come.
function wayOf(page) {
  const entries = page.history.map((entry, index) => {
    const isLast = index === page.history.length - 1;
    const sign = signOf(entry, page.history[index + 1]);
    const [title, words] = [stepWords(entry), messageWords(entry.message)];
    const isNewAttempt = index > 0 && page.history[index - 1].attempt !== entry.attempt;
    return make("li", { class: `${sign}${isLast ? " now" : ""}`, "aria-current": isLast && !isFinal(page.status) ? "step" : null },
      make("span", { class: "sign" }, icon(sign)),
      make("div", {},
        isNewAttempt && make("p", { class: "attempt" }, `Attempt ${entry.attempt}`),
        make("p", {}, make("strong", {}, title), sign === "next" && make("span", { class: "heard" }, " (not ended)"), " ", time(entry.at, timeWords)),
        words !== title && make("p", { class: "hint" }, words)));
  });
  const toCome = isFinal(page.status) ? [] : WAY.slice(WAY.indexOf(page.status) + 1);
  const next = toCome.map((status) => make("li", { class: "next" },
    make("span", { class: "sign" }, icon("next")),
    make("div", {}, make("p", {}, statusWords(status), make("span", { class: "heard" }, " (to come)")))));
  return make("section", { class: "card", "aria-labelledby": "way-title" },
    make("h2", { id: "way-title" }, "What happened"), make("ol", { class: "way" }, entries, next));
}

function factsOf(page) {
  const facts = [
    ["Received", page.received_at && time(page.received_at)],
    ["Last change", time(page.updated_at)],
    ["Attempt", String(page.attempt)],
    ["File id", make("code", {}, page.file_id)],
  ];
  return make("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}
