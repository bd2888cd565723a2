// Making parts of the document. Whatever comes from a file, a person or the service becomes text, never markup.

const byId = (id) => document.getElementById(id);

// An element with attributes (`class`, `aria-…`, `data-…`, `role`, …) and children: texts, elements or nothing.
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") element.className = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

const ICON_OF_TONE = { ok: "ok", bad: "bad", wait: "wait", note: "note" };

// The outcome in one glance: a sign, a word and a sentence. Colour only repeats them.
function verdict(tone, title, ...sentences) {
  const sign = make("span", { class: "sign" }, icon(ICON_OF_TONE[tone]));
  const texts = sentences.filter(Boolean).map((sentence) => (typeof sentence === "string" ? make("p", {}, sentence) : sentence));
  return make("div", { class: `verdict ${tone}` }, sign, make("div", {}, make("h2", { tabindex: "-1" }, title), texts));
}

function button(words, act, { secondary = true, sign = null } = {}) {
  const made = make("button", { type: "button", class: secondary ? "secondary" : null }, sign && icon(sign), words);
  made.addEventListener("click", act);
  return made;
}

// A failure as a card that screen readers tell at once, with what to do about it.
function failureCard(failure, retry = null) {
  const { title, text, detail } = explain(failure);
  const sentence = detail ? make("p", {}, text, " ", make("code", {}, detail)) : text;
  const again = retry && !LASTING_FAILURES.includes(failure.kind) ? make("div", { class: "actions" }, button("Try again", retry)) : null;
  return make("div", { class: "card", role: "alert" }, verdict(failure.kind === "cancelled" ? "note" : "bad", title, sentence), again);
}

// A table with a caption. Each column is `{ title, cell, numeric }`; on a narrow screen each row becomes a block whose
// cells have their column's title before them, which is why the roles stand here again: such a layout would lose them.
function table(caption, columns, rows, { captionHidden = false, headed = true } = {}) {
  const head = columns.map((column) => make("th", { role: "columnheader", scope: "col", class: column.numeric ? "number" : null }, column.title));
  const body = rows.map((row) => make("tr", { role: "row" }, columns.map((column, index) => {
    const isHead = headed && index === 0;
    const properties = { role: isHead ? "rowheader" : "cell", scope: isHead ? "row" : null, "data-title": column.title, class: column.numeric ? "number" : null };
    return make(isHead ? "th" : "td", properties, make("div", {}, column.cell(row)));
  })));
  return make("table", { role: "table" },
    make("caption", { class: captionHidden ? "heard" : null }, caption),
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, head)),
    make("tbody", { role: "rowgroup" }, body));
}

function totalsTable(totals) {
  const columns = [
    { title: "Currency", cell: ([currency]) => currency },
    { title: "Sum", cell: ([, sum]) => amountWords(sum), numeric: true },
  ];
  return table("Totals by currency", columns, Object.entries(totals));
}

function time(text, words = dateTimeWords) {
  return make("time", { datetime: text, title: text }, words.format(new Date(text)));
}

// For those who do not see what changed.
function announce(sentence) {
  if (byId("live").textContent !== sentence) byId("live").textContent = sentence;
}

function show(id, is) {
  byId(id).hidden = !is;
}

// Tells beside a field what is wrong with it; an empty sentence takes it back.
function fault(fieldId, faultId, sentence) {
  byId(faultId).textContent = sentence;
  show(faultId, sentence !== "");
  if (sentence) byId(fieldId).setAttribute("aria-invalid", "true");
  else byId(fieldId).removeAttribute("aria-invalid");
}

// Gives a file of this content to the person, under a name.
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
