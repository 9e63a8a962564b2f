// The card with the documents: adding, choosing, deleting.

import { attempt, confirm } from "./dialogs.js";
import { button, el, fill, setText } from "./dom.js";
import { bytes, several, short } from "./format.js";
import { icon } from "./icons.js";
import { library } from "./library.js";
import { picked } from "./upload.js";

/** From how many documents on a filter is of use. */
const MANY = 9;
const PROBLEMS = 20;
/** Rows that the page holds at most. */
const SHOWN = 300;

/** @param {AbortSignal} signal ends the card's listening */
export function documentsCard(signal) {
  const filter = el("input", {
    type: "search",
    placeholder: "Filter by name",
    "aria-label": "Filter documents by name",
  });
  const list = el("ul", { class: "documents", "aria-label": "Documents" });
  const [invitation, problems, sending] = [el("div"), el("div"), el("div")];
  const choice = new Choice();
  const rest = el("div", { class: "muted" });
  let told = 0;
  const draw = () => {
    const shown = library.files.filter((file) =>
      file.filename.toLowerCase().includes(filter.value.toLowerCase()),
    );
    filter.hidden = library.files.length < MANY;
    fill(invitation, library.files.length ? null : empty());
    choice.update(shown);
    drawList(list, shown);
    setText(
      rest,
      shown.length > SHOWN ? `and ${several(shown.length - SHOWN, "other")}: filter to find them` : "",
    );
    if (told !== library.problems.length) fill(problems, problemList()); // else it would be told again
    told = library.problems.length;
    drawSending(sending);
  };
  filter.addEventListener("input", draw);
  library.addEventListener("change", oncePerFrame(draw), { signal });
  library.addEventListener("progress", () => drawSending(sending), { signal });
  draw();
  return el(
    "section",
    { class: "card documents-card", "aria-labelledby": "documents-title" },
    el("div", { class: "row" }, el("h2", { id: "documents-title", tabindex: -1 }, "Documents"), adders()),
    sending,
    problems,
    invitation,
    choice.element,
    filter,
    list,
    rest,
  );
}

/** Thousands of files may arrive within seconds. */
function oncePerFrame(draw) {
  let frame = 0;
  return () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  };
}

function adders() {
  return el(
    "div",
    { class: "row adders" },
    picker("Add files", "file", { multiple: true }),
    picker("Add a folder", "folder", { webkitdirectory: true }),
  );
}

function picker(label, name, properties) {
  const input = el("input", {
    type: "file",
    hidden: true,
    "aria-label": label,
    ...properties,
    onchange: () => {
      library.add(picked(input));
      input.value = ""; // the same file can be picked again
    },
  });
  return [button(label, { class: "small", onclick: () => input.click() }, icon(name), label), input];
}

function empty() {
  if (!library.loaded) return el("p", { class: "muted" }, "Looking for your documents…");
  return el(
    "div",
    { class: "drop" },
    icon("upload"),
    el("p", {}, el("strong", {}, "Drop files or folders here")),
    el("p", { class: "muted" }, "Text, code, PDF, Word, HTML, e-books, spreadsheets, archives and more."),
  );
}

/** The row that chooses all and deletes what is chosen. It stays while its words change, and so does the focus. */
class Choice {
  #shown = [];
  #all = el("input", { type: "checkbox", onchange: () => library.choose(this.#shown, this.#all.checked) });
  #text = el("span");
  #delete = button("Delete chosen", {
    class: "link quiet-danger",
    onclick: () => deleteFiles(library.chosenFiles),
  });
  element = el(
    "div",
    { class: "row choice" },
    el("label", { class: "check" }, this.#all, this.#text),
    this.#delete,
  );

  update(shown) {
    this.#shown = shown.map((file) => file.id);
    const marked = this.#shown.filter((id) => library.chosen.has(id)).length;
    const chosen = library.chosenFiles;
    const size = chosen.reduce((sum, file) => sum + file.bytes, 0);
    this.#all.checked = marked > 0 && marked === shown.length;
    this.#all.indeterminate = marked > 0 && marked < shown.length;
    setText(
      this.#text,
      `${chosen.length} of ${several(library.files.length, "file")} chosen · ${bytes(size)}`,
    );
    this.#delete.hidden = chosen.length === 0;
    this.element.hidden = library.files.length === 0;
  }
}

/** Rows are kept where they are, so that the keyboard's focus is not lost at each change. */
function drawList(list, files) {
  const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
  const wanted = files.slice(0, SHOWN).map((file) => rows.get(file.id) ?? fileRow(file));
  const staying = new Set(wanted);
  for (const row of rows.values()) if (!staying.has(row)) row.remove();
  wanted.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    row.querySelector("input").checked = library.chosen.has(row.dataset.id);
  });
  list.hidden = files.length === 0;
}

function fileRow(file) {
  const box = el("input", { type: "checkbox", onchange: () => library.choose([file.id], box.checked) });
  const { documents, characters, warnings, skipped } = file.longread;
  const told = [
    bytes(file.bytes),
    `${short(characters)} characters`,
    documents > 1 ? several(documents, "document") : null,
  ];
  return el(
    "li",
    { "data-id": file.id },
    el(
      "label",
      { class: "check" },
      box,
      el(
        "span",
        {},
        el("span", { class: "name" }, file.filename),
        el("span", { class: "muted" }, told.filter(Boolean).join(" · ")),
      ),
    ),
    button(`Delete ${file.filename}`, { class: "quiet", onclick: () => deleteFiles([file]) }, icon("bin")),
    remarks([...warnings, ...skipped.map(({ source, reason }) => `${source} was skipped: ${reason}`)]),
  );
}

function remarks(texts) {
  if (!texts.length) return null;
  const items = texts.map((text) => el("li", {}, text));
  return el(
    "details",
    { class: "remarks" },
    el("summary", {}, several(texts.length, "warning")),
    el("ul", {}, items),
  );
}

async function deleteFiles(files) {
  const what = files.length === 1 ? files[0].filename : several(files.length, "file");
  const agreed = await confirm({
    title: `Delete ${what}?`,
    text: "The server forgets the text. Answers stay, but their passages can no longer be opened.",
    yes: "Delete",
    danger: true,
  });
  if (!agreed) return;
  await attempt(() => library.delete(files.map((file) => file.id)));
  document.getElementById("documents-title")?.focus(); // the button that had it is gone
}

function problemList() {
  const { problems } = library;
  if (!problems.length) return null;
  const items = problems
    .slice(0, PROBLEMS)
    .map(({ path, message }) => el("li", {}, el("strong", {}, `${path}:`), ` ${message}`));
  const rest = problems.length - PROBLEMS;
  return el(
    "div",
    { class: "error problems", role: "alert" },
    el("p", {}, `${several(problems.length, "file")} could not be added:`),
    el("ul", {}, items, rest > 0 ? el("li", {}, `and ${several(rest, "other")}`) : null),
    button("Dismiss", { class: "link", onclick: () => library.forgetProblems() }),
  );
}

function drawSending(place) {
  const now = library.sending;
  if (!now) return fill(place);
  if (!place.firstChild) {
    fill(
      place,
      el(
        "p",
        { class: "row", role: "status" },
        el("span"),
        button("Cancel", { class: "link", onclick: () => library.cancel() }),
      ),
      el("progress", { "aria-label": "Upload", max: 1 }),
    );
  }
  setText(place.querySelector("span"), `Adding ${several(now.files, "file")} · ${now.finished} done`);
  const bar = place.querySelector("progress");
  bar.max = now.total || 1;
  bar.value = now.sent;
}
