// The document behind a quote: a panel with the passage marked, and more of the text on demand.

import { get } from "./api.js";
import { attempt } from "./dialogs.js";
import { button, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { textClass } from "./kind.js";

const AROUND = 4000;

/**
 * Opens the panel at `[start, end)` of a document of a run.
 * @param {string} runId
 * @param {{document: string, start: number, end: number, source?: string, place?: string}} at
 */
export async function openPassage(runId, at) {
  const body = el("div", {
    class: "document",
    tabindex: 0,
    role: "region",
    "aria-label": "Text of the document",
  });
  const title = el("h2", { id: "passage-title" }, at.place ?? at.source ?? "Document");
  const dialog = el("dialog", { class: "panel", "aria-labelledby": "passage-title" });
  fill(
    dialog,
    el(
      "header",
      {},
      title,
      button("Close", { class: "quiet", onclick: () => dialog.close() }, icon("close")),
    ),
    body,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  body.focus();
  fill(body, el("p", { class: "muted" }, "Opening the document…"));
  try {
    const found = await passage(runId, at.document, at.start, at.end);
    title.textContent = found.place;
    show(body, found, runId, at);
  } catch (error) {
    fill(body, el("p", { class: "error" }, error.message));
  }
}

function passage(runId, document, start, end) {
  const query = new URLSearchParams({ document, start, end, around: AROUND });
  return get(`/api/runs/${encodeURIComponent(runId)}/passage?${query}`);
}

function show(body, found, runId, at) {
  const mark = el("mark", { id: "marked" }, found.passage);
  const text = el("p", { class: textClass(found.source) }, found.before, mark, found.after);
  let from = found.start;
  let to = at.end + length(found.after);

  const earlier = moreButton("Show what comes before", found.begins, async () => {
    const more = await passage(runId, at.document, from, from + 1);
    const below = body.scrollHeight - body.scrollTop;
    text.prepend(more.before);
    from = more.start;
    body.scrollTop = body.scrollHeight - below; // what was being read stays where it is
    return more.begins;
  });
  const later = moreButton("Show what comes after", found.ends, async () => {
    const more = await passage(runId, at.document, to - 1, to);
    text.append(more.after);
    to += length(more.after);
    return more.ends;
  });
  fill(body, earlier, text, later);
  mark.scrollIntoView({ block: "center" });
}

/** A button that loads more of the text, one piece at a time, until `load` says that there is no more. */
function moreButton(label, none, load) {
  let loading = false;
  const more = button(label, { class: "more", hidden: none });
  more.addEventListener("click", () =>
    attempt(async () => {
      if (loading) return;
      loading = true;
      try {
        more.hidden = await load();
      } finally {
        loading = false;
      }
      if (more.hidden) more.parentElement.focus();
    }),
  );
  return more;
}

/** Characters as the server counts them: code points. */
function length(text) {
  let n = 0;
  for (const _ of text) n++;
  return n;
}
