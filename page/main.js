// The API key and the choice of the view. A view's address is after the #, which browsers do not send to the server.

let view = null;

function updateKey() {
  setVisible("key-holder", Boolean(key.value));
  byId("key-name").textContent = key.name;
  setVisible("operator-note", key.isOperator);
  // The view of a file works without a key.
  setVisible("key-form", !key.value && byId("view-file").hidden);
}

// Saves the key in the field, if there is one. Returns whether there is a key now.
function acceptTypedKey() {
  const typed = byId("key").value.trim();
  if (typed && !byId("key-form").hidden) {
    // An HTTP header cannot hold other characters.
    if (!/^[\x21-\x7e]{1,128}$/.test(typed)) {
      rejectKey(new Failure("api_key_invalid"));
      return false;
    }
    key.value = typed;
    byId("key").value = "";
    setFieldError("key", "key-error", "");
    updateKey();
  }
  if (!key.value) rejectKey(new Failure("key_missing"));
  return Boolean(key.value);
}

function askForKey() {
  setVisible("key-form", true);
}

function rejectKey(failure) {
  key.forget();
  updateKey();
  askForKey();
  const { title, text } = explain(failure);
  setFieldError("key", "key-error", `${title}. ${text}`);
  byId("key").focus();
}

function showView(name) {
  for (const id of ["upload", "file", "day"]) setVisible(`view-${id}`, id === name);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  updateKey();
}

// Shows the view at the present address.
function route({ focus = true } = {}) {
  const path = location.hash.slice(1);
  const [, day, query] = /^\/days(?:\/([^?]*))?(?:\?(.*))?$/.exec(path) ?? [];
  view?.stop();
  view = null;
  byId("key").value = "";
  setFieldError("key", "key-error", "");
  let titleId = "upload-title";
  if (fileIdOf(path)) {
    titleId = "file-title";
    showView("file");
    view = new FileView(path);
  } else if (/^\/days\b/.test(path)) {
    titleId = "day-title";
    showView("day");
    view = new DayView(isDay(day ?? "") ? day : defaultDay(), new URLSearchParams(query ?? "").get("partner"));
  } else {
    showView("upload");
  }
  document.title = `${byId(titleId).textContent} – Transaction files`;
  view?.run();
  if (focus) {
    byId(titleId).focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function listenToKey() {
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!acceptTypedKey()) return;
    const isUploadView = !byId("view-upload").hidden;
    const note = key.isOperator && isUploadView ? ` ${byId("operator-note").textContent}` : "";
    announce(`API key saved in this tab: ${key.name}.${note}`);
    if (isUploadView) byId("file").focus();
    else route();
  });
  byId("forget-key").addEventListener("click", () => {
    key.forget();
    ownUploads.clear();
    announce("API key forgotten.");
    route({ focus: false });
    if (!byId("key-form").hidden) byId("key").focus();
  });
}

for (const link of document.querySelectorAll("footer a")) link.href = `${BASE}/${link.getAttribute("href")}`;
addEventListener("hashchange", () => route());
listenToKey();
listenToUploadView();
listenToDayView();
route({ focus: false });
