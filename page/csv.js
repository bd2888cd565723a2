// The error report, which is a CSV file. Quotes are as RFC 4180 has them; nothing in it is text of the file.

// The records of a text, each a list of fields. A record that the text breaks off in is left out.
function csvRecords(text, most = Infinity) {
  const records = [];
  let record = [];
  let at = 0;
  while (at < text.length && records.length < most) {
    let field;
    if (text[at] === '"') {
      let end = text.indexOf('"', at + 1);
      while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
      if (end < 0) break;
      field = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    } else {
      const end = text.slice(at).search(/[,\n]/);
      if (end < 0) break;
      field = text.slice(at, at + end);
      at += end;
    }
    record.push(field.replace(/\r$/, ""));
    if (text[at] === "\r") at++;
    if (text[at] === "\n") {
      records.push(record);
      record = [];
    }
    at++;
  }
  return records;
}

// The errors of a report's beginning, in the form of an answer's `errors`.
function errorsOfReport(text, most) {
  const [header, ...records] = csvRecords(text, most + 1);
  return records.map((record) => {
    const found = Object.fromEntries(header.map((name, index) => [name, record[index] ?? ""]));
    return { ...found, record: Number(found.record), line: Number(found.line), column: found.column || null };
  });
}

const REPORT_COLUMNS = ["record", "line", "column", "column_number", "byte", "code", "reason", "fix"];

// The same report of errors that an answer listed.
function reportOfErrors(errors) {
  const field = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const line = (error) => REPORT_COLUMNS.map((name) => field(String(error[name] ?? ""))).join(",");
  return `${[REPORT_COLUMNS.join(","), ...errors.map(line)].join("\n")}\n`;
}
