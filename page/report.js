// The error report, a CSV file with quotes as in RFC 4180. It contains no content of the uploaded file.

// The records of a CSV text, each a list of fields. An incomplete record at the end is left out.
function parseCsv(text, recordsMax = Infinity) {
  const records = [];
  let record = [];
  let position = 0;
  while (position < text.length && records.length < recordsMax) {
    let field;
    if (text[position] === '"') {
      let end = text.indexOf('"', position + 1);
      while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
      if (end < 0) break;
      field = text.slice(position + 1, end).replaceAll('""', '"');
      position = end + 1;
    } else {
      const end = text.slice(position).search(/[,\n]/);
      if (end < 0) break;
      field = text.slice(position, position + end);
      position += end;
    }
    record.push(field.replace(/\r$/, ""));
    if (text[position] === "\r") position++;
    if (text[position] === "\n") {
      records.push(record);
      record = [];
    }
    position++;
  }
  return records;
}

// The first errors of a report, in the form of a response's `errors`.
function parseReport(text, errorsMax) {
  const [header, ...records] = parseCsv(text, errorsMax + 1);
  return records.map((record) => {
    const error = Object.fromEntries(header.map((name, index) => [name, record[index] ?? ""]));
    return { ...error, record: Number(error.record), line: Number(error.line), column: error.column || null };
  });
}

const REPORT_COLUMNS = ["record", "line", "column", "column_number", "byte", "code", "reason", "fix"];

// A report of the errors in a response.
function formatReport(errors) {
  const field = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const line = (error) => REPORT_COLUMNS.map((name) => field(String(error[name] ?? ""))).join(",");
  return `${[REPORT_COLUMNS.join(","), ...errors.map(line)].join("\n")}\n`;
}
