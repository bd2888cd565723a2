// Building parts of the document. Text from files, people and the service is inserted as text, never as markup.

const byId = (id) => document.getElementById(id);

// An element with attributes (`class`, `aria-…`, `data-…`, `role`, …) and children: text, elements or nothing.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (attribute === "class") element.className = value;
    else element.setAttribute(attribute, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

// An outcome: an icon, a title and sentences. The tone ("ok", "bad", "wait" or "note") selects the icon and the color.
function banner(tone, title, ...sentences) {
  const badge = make("span", { class: "badge" }, icon(tone));
  const toParagraph = (sentence) => (typeof sentence === "string" ? make("p", {}, sentence) : sentence);
  const paragraphs = sentences.filter(Boolean).map(toParagraph);
  const text = make("div", {}, make("h2", { tabindex: "-1" }, title), paragraphs);
  return make("div", { class: `banner ${tone}` }, badge, text);
}

function button(label, onClick, { secondary = true, iconName = null } = {}) {
  const attributes = { type: "button", class: secondary ? "secondary" : null };
  const element = make("button", attributes, iconName && icon(iconName), label);
  element.addEventListener("click", onClick);
  return element;
}

// A failure and its next step, as a card that screen readers announce at once.
function failureCard(failure, retry = null) {
  const { title, text, detail } = explain(failure);
  const sentence = detail ? make("p", {}, text, " ", make("code", {}, detail)) : text;
  const isRetryable = retry && !NOT_RETRYABLE.includes(failure.code);
  return make("div", { class: "card", role: "alert" },
    banner(failure.code === "canceled" ? "note" : "bad", title, sentence),
    isRetryable && make("div", { class: "actions" }, button("Try again", retry)));
}

// A table with a caption. Each column is `{ title, cell, numeric }`. On a narrow screen each row becomes a block whose
// cells show their column's title. That layout removes the table semantics, so the roles are set explicitly.
function table(caption, columns, rows, { captionHidden = false } = {}) {
  const alignment = (column) => (column.numeric ? "number" : null);
  const toHeader = (column) => {
    return make("th", { role: "columnheader", scope: "col", class: alignment(column) }, column.title);
  };
  const toCell = (row, column, index) => {
    const [name, role, scope] = index === 0 ? ["th", "rowheader", "row"] : ["td", "cell", null];
    const attributes = { role, scope, "data-title": column.title, class: alignment(column) };
    return make(name, attributes, make("div", {}, column.cell(row)));
  };
  const toRow = (row) => make("tr", { role: "row" }, columns.map((column, index) => toCell(row, column, index)));
  return make("table", { role: "table" },
    make("caption", { class: captionHidden ? "visually-hidden" : null }, caption),
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, columns.map(toHeader))),
    make("tbody", { role: "rowgroup" }, rows.map(toRow)));
}

function totalsTable(totals) {
  const columns = [
    { title: "Currency", cell: ([currency]) => currency },
    { title: "Total", cell: ([, total]) => formatAmount(total), numeric: true },
  ];
  return table("Totals by currency", columns, Object.entries(totals));
}

function time(text, format = dateTimeFormat) {
  return make("time", { datetime: text, title: text }, format.format(new Date(text)));
}

// Makes screen readers announce a change that sighted people see.
function announce(text) {
  if (byId("live").textContent !== text) byId("live").textContent = text;
}

function setVisible(id, isVisible) {
  byId(id).hidden = !isVisible;
}

// Shows an error beside its field. An empty text clears it.
function setFieldError(fieldId, errorId, text) {
  byId(errorId).textContent = text;
  setVisible(errorId, text !== "");
  if (text) byId(fieldId).setAttribute("aria-invalid", "true");
  else byId(fieldId).removeAttribute("aria-invalid");
}

// Downloads a file with this content and name.
function saveAs(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
