// The key, and which view is shown. The address of a view stands after the #, which no browser sends to a server.

let view = null;

function showKey() {
  show("who", Boolean(key.value));
  byId("who-name").textContent = key.name;
  show("operator-note", key.isOperator);
  const needsKey = !key.value && byId("view-file").hidden;
  if (byId("key-form").hidden === needsKey) show("key-form", needsKey);
}

// Takes what stands in the field for the key; tells whether there is a key now.
function takeTypedKey() {
  const typed = byId("key").value.trim();
  if (typed && !byId("key-form").hidden) {
    // Other characters than these cannot go into a header.
    if (!/^[\x21-\x7e]{1,128}$/.test(typed)) {
      refuseKey(new Failure("api_key_invalid"));
      return false;
    }
    key.value = typed;
    byId("key").value = "";
    fault("key", "key-fault", "");
    show("key-form", false);
    showKey();
  }
  if (!key.value) refuseKey(new Failure("key_missing"));
  return Boolean(key.value);
}

function askForKey() {
  show("key-form", true);
}

function refuseKey(failure) {
  key.forget();
  showKey();
  askForKey();
  const { title, text } = explain(failure);
  fault("key", "key-fault", `${title}. ${text}`);
  byId("key").focus();
}

function showView(name) {
  for (const id of ["send", "file", "day"]) show(`view-${id}`, id === name);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  showKey();
}

// Shows what the address names.
function route({ focus = true } = {}) {
  const path = location.hash.slice(1);
  const [, day, query] = /^\/days(?:\/([^?]*))?(?:\?(.*))?$/.exec(path) ?? [];
  view?.stop();
  view = null;
  byId("key").value = "";
  fault("key", "key-fault", "");
  let title = "send-title";
  if (fileIdOf(path)) {
    title = "file-title";
    showView("file");
    view = new FileView(path);
  } else if (/^\/days\b/.test(path)) {
    title = "day-title";
    showView("day");
    view = new DayView(isDay(day ?? "") ? day : usualDay(), new URLSearchParams(query ?? "").get("partner"));
  } else {
    showView("send");
  }
  document.title = `${byId(title).textContent} – Transaction files`;
  view?.run();
  if (focus) {
    byId(title).focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!takeTypedKey()) return;
  const note = key.isOperator && !byId("view-send").hidden ? ` ${byId("operator-note").textContent}` : "";
  announce(`The key of ${key.name} is kept in this tab.${note}`);
  if (!byId("view-send").hidden) byId("file").focus();
  else route();
});
byId("forget").addEventListener("click", () => {
  key.forget();
  sentFiles.clear();
  announce("The key is forgotten.");
  route({ focus: false });
  if (!byId("key-form").hidden) byId("key").focus();
});
for (const link of document.querySelectorAll("footer a")) link.href = `${BASE}/${link.getAttribute("href")}`;
addEventListener("hashchange", () => route());
listenToSendView();
listenToDayView();
route({ focus: false });
