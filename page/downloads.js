// The downloads of a rejected file: its rows with the errors marked, its rejected rows, and the error report.

const CORRECT_HINT = "These CSV files are safe to open in a spreadsheet. Correct the one with all rows, save it as CSV and upload it; its three added columns are ignored. The rejected rows are for reference: if you upload them alone, the other rows would be missing.";
const TRUNCATED_TEXT = "The downloaded file is incomplete: a quote is never closed, or the file has too many rows or bytes to be read to its end. Correct the original file instead.";

// A URL of the file to correct. A failure gets the code that says what to do about it here.
async function correctableFile(fileId, rows) {
  try {
    return await requestJson(`/files/${fileId}/correctable?rows=${rows}`, { headers: keyHeader() });
  } catch (failure) {
    if (failure.code === "file_too_large") failure.code = "correctable_too_large";
    if (failure.code === "file_not_found") failure.code = "file_of_other_partner";
    throw failure;
  }
}

// A button that requests a URL, downloads what it points to, and shows in `notice` what went wrong.
function downloadButton(label, fileName, notice, requestUrl) {
  const element = button(label, async () => {
    notice.replaceChildren();
    element.disabled = true;
    try {
      const { url, truncated } = await requestUrl();
      saveAs(await fetchPresigned(url), fileName);
      if (truncated) notice.replaceChildren(make("p", { role: "alert" }, TRUNCATED_TEXT));
      else announce(`${label}: downloaded`);
    } catch (failure) {
      if (isKeyFailure(failure)) rejectKey(failure);
      notice.replaceChildren(failureCard(failure));
    } finally {
      element.disabled = false;
    }
  }, { iconName: "download" });
  return element;
}

function downloads(file, statusPath, ownUpload) {
  const notice = make("div", {});
  const name = (ownUpload?.name ?? file.file_id).replace(/\.csv$/i, "");
  const correctable = (rows) => () => correctableFile(file.file_id, rows);
  // A presigned URL expires within minutes, so each click requests a new one.
  const report = async () => ({ url: (await requestJson(statusPath)).report_url });
  // Without an error in a record there is no row to mark, and an operator's key cannot open rows.
  const hasRows = !key.isOperator && !areAllErrors(ownUpload?.response, (error) => error.record === 0);
  return make("div", { class: "downloads" },
    make("div", { class: "actions" },
      hasRows && downloadButton("All rows, errors marked", `${name}-to-correct.csv`, notice, correctable("all")),
      hasRows && downloadButton("Rejected rows only", `${name}-rejected.csv`, notice, correctable("rejected")),
      downloadButton("Error report", `${name}-errors.csv`, notice, report)),
    hasRows && make("p", { class: "hint" }, CORRECT_HINT),
    notice);
}
