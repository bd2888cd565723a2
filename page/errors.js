// The errors of a refused file: what is wrong, where, and what to do.

const ERRORS_SHOWN_AT_ONCE = 100;

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// What concerns no record and no line, but the file.
const WHOLE_FILE_CODES = ["file_empty", "file_too_large", "no_data_rows", "too_many_rows", "row_count_mismatch", "total_mismatch"];

// What contradicts what the sender stated of the file.
const STATEMENT_CODES = ["row_count_mismatch", "total_mismatch"];

const isOfWholeFile = (error) => WHOLE_FILE_CODES.includes(error.code);

// Whether all errors are known, and each of them is one that `test` finds.
function areAll(answer, test) {
  return answer?.errors?.length > 0 && answer.error_count === answer.errors.length && answer.errors.every(test);
}

function placeWords(error) {
  if (error.record > 0) return numberWords.format(error.record);
  return isOfWholeFile(error) ? "the file" : "header";
}

function columnWords(error) {
  if (error.column) return error.column;
  return error.column_number ? `number ${error.column_number}` : "–";
}

const ERROR_COLUMNS = [
  { title: "Record", cell: placeWords },
  { title: "Line", cell: (error) => (isOfWholeFile(error) ? "–" : numberWords.format(error.line)), numeric: true },
  { title: "Column", cell: columnWords },
  { title: "What is wrong", cell: (error) => [sentence(error.reason), " ", make("a", { class: "code", href: `${BASE}/errors#${error.code}` }, error.code)] },
  { title: "What to do", cell: (error) => sentence(error.fix) },
];

// The table of the errors at hand, of which there are `total` in truth.
function errorsTable(errors, total) {
  const holder = make("div", { class: "errors" });
  let shown = 0;
  const showMore = () => {
    shown = Math.min(shown + ERRORS_SHOWN_AT_ONCE, errors.length);
    const caption = shown === total ? counted(total, "error") : `The first ${numberWords.format(shown)} of ${counted(total, "error")}`;
    const more = shown < errors.length && button(`Show ${numberWords.format(Math.min(ERRORS_SHOWN_AT_ONCE, errors.length - shown))} more`, () => {
      showMore();
      announce(caption);
      holder.querySelector("button")?.focus();
    });
    const rest = shown === errors.length && shown < total && make("p", { class: "hint" }, "The error report has the others.");
    holder.replaceChildren(table(caption, ERROR_COLUMNS, errors.slice(0, shown)), ...[more, rest].filter(Boolean));
  };
  showMore();
  return holder;
}
