// The view of a day: the files of each partner, and the expected files that are missing.

const today = () => new Date().toISOString().slice(0, 10);
// Partners follow what they just uploaded. Operators review the day that is over.
const defaultDay = () => (key.isOperator ? addDays(today(), -1) : today());
const partnerQuery = (partner) => (partner ? `?partner=${encodeURIComponent(partner)}` : "");
const dayAddress = (day, partner = null) => `#/days/${day}${partnerQuery(partner)}`;

class DayView {
  constructor(day, partner) {
    this.day = day;
    this.partner = partner;
    this.isStopped = false;
    byId("day").value = day;
    byId("day-title").textContent = partner ? `${partner}: files on ${day}` : `Files on ${day}`;
  }

  stop() {
    this.isStopped = true;
  }

  async run() {
    const container = byId("day-body");
    const showHint = (text) => container.replaceChildren(make("p", { class: "card hint" }, text));
    if (!key.value) {
      askForKey();
      showHint("A partner's key shows that partner's files. An operator's key shows the files of all partners.");
      return;
    }
    showHint("Loading\u00a0…");
    let day;
    try {
      day = await requestJson(`/days/${this.day}${partnerQuery(this.partner)}`, { headers: keyHeader() });
    } catch (failure) {
      if (this.isStopped) return;
      if (failure.code === "api_key_invalid") rejectKey(failure);
      container.replaceChildren(failureCard(failure, () => this.run()));
      return;
    }
    if (!this.isStopped) this.show(container, day);
  }

  show(container, day) {
    const { tone, title, texts } = dayOutcome(day);
    const allPartners = this.partner && key.isOperator
      && make("p", {}, make("a", { href: dayAddress(day.day) }, "All partners on this day"));
    const partners = day.partners.length > 0 ? partnersTable(day) : make("p", {}, "No partner has files on this day.");
    const parts = [
      allPartners,
      make("div", { class: "card" }, banner(tone, title, ...texts), partners),
      day.files && filesCard(day),
    ];
    container.replaceChildren(...parts.filter(Boolean));
    announce(title);
  }
}

// The day in words: a tone, a title and sentences.
function dayOutcome(day) {
  const sum = (name) => day.partners.reduce((total, partner) => total + (partner[name] ?? 0), 0);
  const [missing, received, rejected, failed] = ["missing", "received", "rejected", "failed"].map(sum);
  const receivedText = received > 0 ? `${formatCount(received, "file")} received` : "No files received";
  // Files that are missing today may still arrive.
  const isOver = day.day < today();
  const problems = [
    missing > 0 && `${formatCount(missing, "expected file")} ${isOver ? "missing" : "not received yet"}`,
    failed > 0 && `${formatCount(failed, "file")} failed`,
  ].filter(Boolean);
  const hasScheduleErrors = (day.schedule_errors ?? []).length > 0;
  const texts = [
    problems.length > 0 && `${receivedText}.`,
    rejected > 0 && `${formatCount(rejected, "file")} ${was(rejected)} rejected.`,
    hasScheduleErrors
      && "Some schedules in the parameter PartnerSchedules are invalid. Their missing files are not shown.",
  ];
  const isBad = (missing > 0 && isOver) || failed > 0;
  const isGood = missing === 0 && rejected === 0 && received > 0;
  return { tone: isBad ? "bad" : isGood ? "ok" : "note", title: problems.join(", ") || receivedText, texts };
}

// Zero is a dash, so that other counts stand out.
function countCell(count) {
  if (count > 0) return numberFormat.format(count);
  return make("span", { class: "muted" }, "–", make("span", { class: "visually-hidden" }, " none"));
}

function problemCell(count) {
  return count > 0 ? make("strong", { class: "bad flag" }, icon("bad"), numberFormat.format(count)) : countCell(count);
}

function expectedCell({ expected, missing }) {
  if (expected === null || expected === undefined) return make("span", { class: "muted" }, "No schedule");
  if (expected === 0) return make("span", { class: "muted" }, "None expected");
  const total = numberFormat.format(expected);
  if (missing > 0) {
    return make("strong", { class: "bad flag" }, icon("bad"), `${numberFormat.format(missing)} of ${total} missing`);
  }
  return make("span", { class: "ok flag" }, icon("ok"), `All ${total} received`);
}

function totalsCell(totals) {
  const sums = Object.entries(totals);
  if (sums.length === 0) return countCell(0);
  return sums.map(([currency, sum]) => make("div", { class: "total" }, `${currency} ${formatAmount(sum)}`));
}

function partnersTable({ day, partners }) {
  const countColumn = (title, count, cell = countCell) => {
    return { title, cell: (partner) => cell(count(partner)), numeric: true };
  };
  const columns = [
    { title: "Partner", cell: ({ partner }) => make("a", { href: dayAddress(day, partner) }, partner) },
    { title: "Expected", cell: expectedCell },
    countColumn("Received", (partner) => partner.received),
    countColumn("Completed", (partner) => partner.completed),
    countColumn("Rejected", (partner) => partner.rejected, problemCell),
    countColumn("Failed", (partner) => partner.failed, problemCell),
    countColumn("In progress", (partner) => partner.in_progress + partner.awaiting_upload),
    countColumn("Expired", (partner) => partner.upload_expired),
    countColumn("Rows", (partner) => partner.rows),
    countColumn("Superseded rows", (partner) => partner.rows_superseded),
    countColumn("Totals", (partner) => partner.totals, totalsCell),
  ];
  return table(`Files on ${day} by partner`, columns, partners);
}

function receivedCell(file) {
  const received = time(file.received_at, utcTimeFormat);
  return file.status_path ? make("a", { href: `#${file.status_path}` }, received) : received;
}

function statusCell(file) {
  const tone = STATUSES[file.status]?.tone ?? "wait";
  return make("span", { class: `${tone} flag` }, icon(tone), fileLabel(file));
}

function filesCard({ day, files, files_truncated: isTruncated }) {
  const countColumn = (title, name) => ({ title, cell: (file) => countCell(file[name] ?? 0), numeric: true });
  const columns = [
    { title: "Received (UTC)", cell: receivedCell },
    { title: "Status", cell: statusCell },
    countColumn("Rows", "row_count"),
    countColumn("Superseded", "rows_superseded"),
    countColumn("Replaced", "rows_replaced"),
    countColumn("Errors", "error_count"),
    { title: "File ID", cell: (file) => make("code", {}, file.file_id) },
  ];
  const limit = `Only the first ${formatCount(files.length, "file")} of the day are listed.`;
  return make("section", { class: "card", "aria-labelledby": "files-title" },
    make("h2", { id: "files-title" }, "Files in order of arrival"),
    files.length > 0
      ? table(`Files on ${day} in order of arrival`, columns, files, { captionHidden: true })
      : make("p", {}, "No files."),
    isTruncated && make("p", { class: "hint" }, limit));
}

function showDay(day) {
  setFieldError("day", "day-error", "");
  if (!isDay(day)) {
    const { title, text } = explain(new Failure("day_malformed"));
    setFieldError("day", "day-error", `${title}. ${text}`);
    byId("day").focus();
    return;
  }
  if (!acceptTypedKey()) return;
  const address = dayAddress(day, view?.partner ?? null);
  if (location.hash === address) route();
  else location.hash = address;
}

function listenToDayView() {
  const relativeDay = (days) => (isDay(byId("day").value) ? addDays(byId("day").value, days) : "");
  byId("day-form").addEventListener("submit", (event) => { event.preventDefault(); showDay(byId("day").value); });
  byId("previous-day").addEventListener("click", () => showDay(relativeDay(-1)));
  byId("today").addEventListener("click", () => showDay(today()));
  byId("next-day").addEventListener("click", () => showDay(relativeDay(1)));
}
