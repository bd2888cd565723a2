// The view of one file: its outcome, errors, contents and history. It updates itself until the status is final.

const REPORT_FIRST_BYTES = 256 * 1024;

// The files that this tab uploaded: `{ file, name, controlTotals, response }` by file ID.
const ownUploads = new Map();

const fileIdOf = (statusPath) => /^\/files\/([0-9a-f]{32})\?/.exec(statusPath)?.[1] ?? "";

class FileView {
  constructor(statusPath) {
    this.statusPath = statusPath;
    this.ownUpload = ownUploads.get(fileIdOf(statusPath)) ?? null;
    this.stopped = new AbortController();
    this.parts = new Map();
    this.file = null;
    byId("file-title").textContent = this.ownUpload?.name ?? "File";
    const names = ["control-totals", "outcome", "errors", "contents", "history", "details"];
    byId("file-body").replaceChildren(...names.map((name) => this.createPart(name)));
  }

  createPart(name) {
    const element = make("div", { "data-part": name });
    this.parts.set(name, { element, shown: null });
    return element;
  }

  // Renders a part again only when its data has changed, so that focus inside it is kept.
  update(name, data, render) {
    const part = this.parts.get(name);
    const serialized = JSON.stringify(data);
    if (part.shown === serialized) return;
    part.shown = serialized;
    part.element.replaceChildren(...[render()].flat().filter(Boolean));
  }

  async run() {
    const uploadedBy = this.ownUpload && (this.ownUpload.response.upload ? "bucket" : "api");
    try {
      await pollStatus(this.statusPath, (file) => this.show(file), this.stopped.signal, { uploadedBy });
    } catch (failure) {
      this.update("outcome", failure.code + Date.now(), () => failureCard(failure, () => this.retry()));
      // Continue without a click when the connection is back.
      const options = { once: true, signal: this.stopped.signal };
      if (failure.code === "network") addEventListener("online", () => this.retry(), options);
    }
  }

  retry() {
    this.parts.get("outcome").element.replaceChildren();
    this.parts.get("outcome").shown = null;
    this.run();
  }

  stop() {
    this.stopped.abort();
  }

  show(file) {
    const isNewStatus = this.file?.status !== file.status;
    this.file = file;
    // Each response has a new report URL, which is no change to show.
    const { report_url: reportUrl, ...data } = file;
    this.update("control-totals", file.status, () => this.controlTotals());
    this.update("outcome", data, () => this.outcome());
    this.update("contents", [file.row_count, file.totals, file.status], () => contentsSection(file));
    if (isRejected(file)) this.update("errors", file.attempt, () => this.errors(reportUrl));
    this.update("history", [file.history, file.status], () => historySection(file));
    this.update("details", [file.attempt, file.updated_at], () => detailsList(file));
    if (!isNewStatus) return;
    const rows = file.status === "completed" ? `: ${formatCount(file.row_count, "row")}` : "";
    announce(`${fileLabel(file)}${rows}`);
  }

  // Wrong control totals reject the upload. A file that was accepted before keeps its status.
  controlTotals() {
    const response = this.ownUpload?.response;
    if (!response?.error || this.file.status === "validation_failed") return null;
    const text = "The file was accepted before and is unchanged. Its outcome is shown below. Check that this is the file you meant to upload.";
    return make("div", { class: "card", role: "alert" },
      banner("bad", "The file does not match your control totals", text),
      errorsTable(response.errors, response.error_count));
  }

  outcome() {
    const { tone, title, texts } = outcomeOf(this.file, this.ownUpload?.response);
    const actions = this.actions();
    return make("div", { class: "card" },
      banner(tone, title, ...texts),
      actions.length > 0 && make("div", { class: "actions" }, actions),
      isRejected(this.file) && downloads(this.file, this.statusPath, this.ownUpload));
  }

  // What can be done with a file that this tab still has.
  actions() {
    const { status, superseded_by: laterFiles, attempt } = this.file;
    if (!this.ownUpload?.file) return [];
    const { file, controlTotals } = this.ownUpload;
    const upload = (reprocessAttempt) => startUpload(file, { controlTotals, reprocessAttempt });
    if (status === "completed" && laterFiles.length > 0) {
      return [button("Reprocess so that its rows take effect", () => upload(attempt))];
    }
    const isServiceError = status.endsWith("_failed") && !isRejected(this.file);
    if (!isServiceError && status !== "upload_expired") return [];
    return [button("Upload again", () => upload(null), { secondary: false })];
  }

  errors(reportUrl) {
    const response = this.ownUpload?.response;
    const total = this.file.error_count;
    const container = make("div", {}, make("p", { class: "hint" }, "Loading errors\u00a0…"));
    const isInResponse = response?.errors && response.error_count === total;
    if (isInResponse) container.replaceChildren(errorsTable(response.errors, total));
    else this.loadErrors(container, reportUrl, total);
    return make("section", { class: "card", "aria-labelledby": "errors-title" },
      make("h2", { id: "errors-title" }, "Errors"), container);
  }

  async loadErrors(container, reportUrl, total) {
    try {
      const text = await (await fetchPresigned(reportUrl, REPORT_FIRST_BYTES)).text();
      container.replaceChildren(errorsTable(parseReport(text, ERRORS_SHOWN_AT_ONCE), total));
    } catch (failure) {
      container.replaceChildren(failureCard(failure, () => this.loadErrors(container, this.file.report_url, total)));
    }
  }
}

function contentsSection(file) {
  const { row_count: rows, totals, status } = file;
  if (rows === null || rows === undefined || status === "validation_failed") return null;
  const hasTotals = Object.keys(totals).length > 0;
  // The totals of a failed file are not proof of what was stored.
  const hasFailed = status.endsWith("_failed");
  return make("section", { class: "card", "aria-labelledby": "contents-title" },
    make("h2", { id: "contents-title" }, hasFailed ? "Contents as read from the file" : "Contents"),
    make("p", { class: "row-count" },
      make("strong", {}, numberFormat.format(rows)), rows === 1 ? " row" : " rows"),
    hasTotals && totalsTable(totals),
    hasTotals && !hasFailed && make("p", { class: "hint" }, "Compare these totals with your own records."));
}

function detailsList(file) {
  const details = [
    ["Received", file.received_at && time(file.received_at)],
    ["Last updated", time(file.updated_at)],
    ["Attempt", String(file.attempt)],
    ["File ID", make("code", {}, file.file_id)],
  ];
  const item = ([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
  return make("dl", { class: "details" }, details.filter(([, value]) => value).map(item));
}
