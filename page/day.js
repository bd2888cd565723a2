// The view of a day: what came from whom, and what did not come.

const today = () => new Date().toISOString().slice(0, 10);
const yesterday = () => dayAfter(today(), -1);
// Partners ask what became of what they sent just now, operators what came on the day that is over.
const usualDay = () => (key.isOperator ? yesterday() : today());
const dayAddress = (day, partner = null) => `#/days/${day}${partner ? `?partner=${encodeURIComponent(partner)}` : ""}`;

class DayView {
  constructor(day, partner) {
    this.day = day;
    this.partner = partner;
    byId("day").value = day;
    byId("day-title").textContent = partner ? `${partner} on ${day}` : `The day ${day}`;
  }

  stop() {
    this.stopped = true;
  }

  async run() {
    const place = byId("day-body");
    if (!key.value) {
      askForKey();
      place.replaceChildren(make("p", { class: "card hint" }, "With a partner's key you see that partner's files, with an operator's key those of all."));
      return;
    }
    place.replaceChildren(make("p", { class: "card hint" }, "Looking …"));
    let found;
    try {
      found = await ask(`/days/${this.day}${this.partner ? `?partner=${encodeURIComponent(this.partner)}` : ""}`, { headers: keyHeader() });
    } catch (failure) {
      if (this.stopped) return;
      if (failure.kind === "api_key_invalid") refuseKey(failure);
      place.replaceChildren(failureCard(failure, () => this.run()));
      return;
    }
    if (this.stopped) return;
    this.show(place, found);
  }

  show(place, found) {
    const sum = (name) => found.partners.reduce((all, partner) => all + (partner[name] ?? 0), 0);
    const [missing, received, refused, failed] = ["missing", "received", "refused", "failed"].map(sum);
    const came = received > 0 ? `${counted(received, "file")} came` : "No file came";
    // A day that is not over may still bring them.
    const isOver = found.day < today();
    const absence = isOver ? "did not come" : `${missing === 1 ? "has" : "have"} not come yet`;
    const troubles = [missing > 0 && `${counted(missing, "expected file")} ${absence}`, failed > 0 && `${counted(failed, "file")} could not be processed`].filter(Boolean);
    const title = troubles.length > 0 ? troubles.join(", and ") : came;
    const isWell = missing === 0 && refused === 0 && received > 0;
    const tone = (missing > 0 && isOver) || failed > 0 ? "bad" : isWell ? "ok" : "note";
    const refusal = refused > 0 && `${counted(refused, "file")} ${refused === 1 ? "was" : "were"} refused.`;
    const unread = (found.schedule_faults ?? []).length > 0 && "A part of the parameter PartnerSchedules cannot be read, so that a missing file may go unseen here.";
    const texts = [troubles.length > 0 && `${came}.`, refusal, unread];
    const rest = make("p", {}, "No partner has files on this day.");
    const everybody = this.partner && key.isOperator && make("p", {}, make("a", { href: dayAddress(found.day) }, "All partners of this day"));
    place.replaceChildren(...[everybody].filter(Boolean),
      make("div", { class: "card" }, verdict(tone, title, ...texts), found.partners.length > 0 ? partnersTable(found) : rest),
      ...[found.files && filesCard(found)].filter(Boolean));
    announce(title);
  }
}

// Nothing is a dash, so that what is there stands out.
const some = (count) => (count > 0 ? numberWords.format(count) : make("span", { class: "none" }, "–", make("span", { class: "heard" }, " none")));

function expectedWords(partner) {
  if (partner.expected === null || partner.expected === undefined) return make("span", { class: "none" }, "no schedule");
  if (partner.expected === 0) return make("span", { class: "none" }, "none on this day");
  if (partner.missing > 0) return make("strong", { class: "bad flag" }, icon("bad"), `${numberWords.format(partner.missing)} of ${numberWords.format(partner.expected)} missing`);
  return make("span", { class: "ok flag" }, icon("ok"), `all ${numberWords.format(partner.expected)} came`);
}

function partnersTable(found) {
  const totals = (partner) => {
    const sums = Object.entries(partner.totals);
    return sums.length > 0 ? sums.map(([currency, sum]) => make("div", { class: "sum" }, `${currency} ${amountWords(sum)}`)) : some(0);
  };
  const trouble = (count) => (count > 0 ? make("strong", { class: "bad flag" }, icon("bad"), numberWords.format(count)) : some(0));
  const columns = [
    { title: "Partner", cell: (partner) => make("a", { href: dayAddress(found.day, partner.partner) }, partner.partner) },
    { title: "Expected", cell: expectedWords },
    { title: "Received", cell: (partner) => some(partner.received), numeric: true },
    { title: "Completed", cell: (partner) => some(partner.completed), numeric: true },
    { title: "Refused", cell: (partner) => trouble(partner.refused), numeric: true },
    { title: "Failed", cell: (partner) => trouble(partner.failed), numeric: true },
    { title: "Under way", cell: (partner) => some(partner.in_progress + partner.awaiting_upload), numeric: true },
    { title: "Not sent in time", cell: (partner) => some(partner.upload_expired), numeric: true },
    { title: "Rows", cell: (partner) => some(partner.rows), numeric: true },
    { title: "Superseded rows", cell: (partner) => some(partner.rows_superseded), numeric: true },
    { title: "Totals", cell: totals, numeric: true },
  ];
  return table(`Files of ${found.day} by partner`, columns, found.partners);
}

function filesCard(found) {
  const status = (file) => {
    const tone = STATUSES[file.status]?.tone ?? "wait";
    return make("span", { class: `${tone} flag` }, icon(ICON_OF_TONE[tone]), statusWords(file.status));
  };
  const columns = [
    { title: "Came at (UTC)", cell: (file) => (file.status_path ? make("a", { href: `#${file.status_path}` }, time(file.received_at, utcTimeWords)) : time(file.received_at, utcTimeWords)) },
    { title: "Status", cell: status },
    { title: "Rows", cell: (file) => some(file.row_count ?? 0), numeric: true },
    { title: "Superseded", cell: (file) => some(file.rows_superseded ?? 0), numeric: true },
    { title: "Replaced", cell: (file) => some(file.rows_replaced ?? 0), numeric: true },
    { title: "Errors", cell: (file) => some(file.error_count ?? 0), numeric: true },
    { title: "File id", cell: (file) => make("code", {}, file.file_id) },
  ];
  const cut = found.files_truncated && make("p", { class: "hint" }, `Only the first ${counted(found.files.length, "file")} of the day are listed.`);
  const list = found.files.length > 0 ? table(`Files of ${found.day}, by arrival`, columns, found.files, { captionHidden: true }) : make("p", {}, "None.");
  return make("section", { class: "card", "aria-labelledby": "files-title" }, make("h2", { id: "files-title" }, "The files, by arrival"), list, cut);
}

function listenToDayView() {
  const go = (day) => {
    fault("day", "day-fault", "");
    if (!isDay(day)) {
      const { title, text } = explain(new Failure("day_malformed"));
      fault("day", "day-fault", `${title}. ${text}`);
      byId("day").focus();
      return;
    }
    if (!takeTypedKey()) return;
    const address = dayAddress(day, view?.partner ?? null);
    if (location.hash === address) route();
    else location.hash = address;
  };
  byId("day-form").addEventListener("submit", (event) => { event.preventDefault(); go(byId("day").value); });
  byId("day-before").addEventListener("click", () => go(isDay(byId("day").value) ? dayAfter(byId("day").value, -1) : ""));
  byId("day-today").addEventListener("click", () => go(today()));
  byId("day-after").addEventListener("click", () => go(isDay(byId("day").value) ? dayAfter(byId("day").value, 1) : ""));
}
