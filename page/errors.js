// The table of a rejected file's errors: where each one is, what it is, and how to fix it.

const ERRORS_SHOWN_AT_ONCE = 100;

// Errors of the file as a whole, which have no record and no line.
const WHOLE_FILE_CODES = [
  "file_empty", "file_too_large", "no_data_rows", "too_many_rows", "row_count_mismatch", "total_mismatch",
];

// Errors of a file that differs from its control totals.
const CONTROL_TOTAL_CODES = ["row_count_mismatch", "total_mismatch"];

const isWholeFileError = (error) => WHOLE_FILE_CODES.includes(error.code);

// Whether the response lists all errors of the file, and all of them meet a condition.
function areAllErrors(response, condition) {
  const errors = response?.errors ?? [];
  return errors.length > 0 && response.error_count === errors.length && errors.every(condition);
}

function recordLabel(error) {
  if (error.record > 0) return numberFormat.format(error.record);
  return isWholeFileError(error) ? "File" : "Header";
}

function lineLabel(error) {
  return isWholeFileError(error) ? "–" : numberFormat.format(error.line);
}

function columnLabel(error) {
  if (error.column) return error.column;
  return error.column_number ? `Number ${error.column_number}` : "–";
}

function reasonCell(error) {
  const link = make("a", { class: "code", href: `${BASE}/errors#${error.code}` }, error.code);
  return [capitalize(error.reason), " ", link];
}

const ERROR_COLUMNS = [
  { title: "Record", cell: recordLabel },
  { title: "Line", cell: lineLabel, numeric: true },
  { title: "Column", cell: columnLabel },
  { title: "Error", cell: reasonCell },
  { title: "How to fix", cell: (error) => capitalize(error.fix) },
];

// A table of the errors that are available, of `total` errors in the file.
function errorsTable(errors, total) {
  const container = make("div", { class: "errors" });
  let shown = 0;
  const showMore = () => {
    shown = Math.min(shown + ERRORS_SHOWN_AT_ONCE, errors.length);
    const caption = shown === total
      ? formatCount(total, "error")
      : `First ${numberFormat.format(shown)} of ${formatCount(total, "error")}`;
    const next = numberFormat.format(Math.min(ERRORS_SHOWN_AT_ONCE, errors.length - shown));
    const more = shown < errors.length && button(`Show ${next} more`, () => {
      showMore();
      announce(caption);
      container.querySelector("button")?.focus();
    });
    const isIncomplete = shown === errors.length && shown < total;
    const hint = isIncomplete && make("p", { class: "hint" }, "For the other errors, download the error report.");
    container.replaceChildren(table(caption, ERROR_COLUMNS, errors.slice(0, shown)), ...[more, hint].filter(Boolean));
  };
  showMore();
  return container;
}
