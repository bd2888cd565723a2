// The history of a file: its past steps, and the ones that are pending.

const STEPS_WITH_DURATION = ["awaiting_upload", "validating", "processing", "notifying"];

// The numbers in a history message, in order. A message is prose for operators, and stored ones have older wording. Its
// numbers and their order do not change, so the page reads nothing else from it.
function numbersIn(message) {
  return message.split(/[\s,]+/).filter((word) => /^\d+$/.test(word)).map(Number);
}

// Whether the entry says that the file has errors. `validation_failed` without a number of errors is a failure of the
// service.
function isRejection(entry) {
  return entry.status === "validation_failed" && numbersIn(entry.message).length > 0;
}

function isServiceFailure(entry) {
  return entry.status.endsWith("_failed") && !isRejection(entry);
}

// A step that a failure of the service interrupted is neither completed nor pending.
function stepIcon(entry, next) {
  if (STATUSES[entry.status]?.tone === "bad") return "bad";
  if (!next) return isFinal(entry.status) ? "ok" : "wait";
  const isInterrupted = isServiceFailure(next) && STEPS_WITH_DURATION.includes(entry.status);
  return isInterrupted ? "next" : "ok";
}

function stepLabel(entry) {
  const isFailedValidation = entry.status === "validation_failed" && isServiceFailure(entry);
  return statusLabel(isFailedValidation ? "processing_failed" : entry.status);
}

function storedText([inEffect, superseded = 0, replaced = 0]) {
  const parts = [
    `${formatCount(inEffect, "row")} in effect`,
    superseded > 0 && `${numberFormat.format(superseded)} superseded by a later file`,
    replaced > 0 && `${formatCount(replaced, "row")} of other files replaced`,
  ];
  return parts.filter(Boolean).join(", ");
}

const STEP_TEXTS = {
  awaiting_upload: ([bytes]) => `Upload created, ${formatSize(bytes)}`,
  validated: ([records]) => formatCount(records, "valid record"),
  processing: ([rows]) => formatCount(rows, "row"),
  processed: storedText,
  validation_failed: ([errors]) => formatCount(errors, "error"),
};

// What is said about a step beside its label, if anything.
function stepText(entry) {
  if (isServiceFailure(entry)) return "No data is lost. The operator has been notified.";
  if (entry.status === "validating") return "File received";
  if (entry.status === "completed") return "Notification sent";
  const numbers = numbersIn(entry.message);
  return numbers.length > 0 ? STEP_TEXTS[entry.status]?.(numbers) : null;
}

function pastStep(entry, index, { history, status }) {
  const iconName = stepIcon(entry, history[index + 1]);
  const text = stepText(entry);
  const isCurrent = index === history.length - 1 && !isFinal(status);
  const isNewAttempt = index > 0 && history[index - 1].attempt !== entry.attempt;
  const unfinished = iconName === "next" && make("span", { class: "visually-hidden" }, " (not completed)");
  return make("li", { class: iconName, "aria-current": isCurrent ? "step" : null },
    make("span", { class: "badge" }, icon(iconName)),
    make("div", {},
      isNewAttempt && make("p", { class: "attempt" }, `Attempt ${entry.attempt}`),
      make("p", {}, make("strong", {}, stepLabel(entry)), unfinished, " ", time(entry.at, timeFormat)),
      text && make("p", { class: "hint" }, text)));
}

function pendingStep(status) {
  const pending = make("span", { class: "visually-hidden" }, " (pending)");
  return make("li", { class: "next" },
    make("span", { class: "badge" }, icon("next")),
    make("div", {}, make("p", {}, statusLabel(status), pending)));
}

function historySection(file) {
  const past = file.history.map((entry, index) => pastStep(entry, index, file));
  const pending = isFinal(file.status) ? [] : STEPS.slice(STEPS.indexOf(file.status) + 1).map(pendingStep);
  return make("section", { class: "card", "aria-labelledby": "history-title" },
    make("h2", { id: "history-title" }, "History"),
    make("ol", { class: "timeline" }, past, pending));
}
