// What can be done with a run in the state it is in.

import { download, post, remove } from "./api.js";
import { asText } from "./answer.js";
import { attempt, confirmDeletion, toast } from "./dialogs.js";
import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { start } from "./start.js";

/**
 * @param {import("./reading.js").Reading} reading
 * @param {string | null} ticket of a run that goes on
 * @returns {HTMLElement[]}
 */
export function actions(reading, ticket) {
  const { runId } = reading;
  if (ticket && !reading.over) return [stopButton(ticket)];
  if (!reading.over || !runId) return [];
  const path = `/api/runs/${encodeURIComponent(runId)}`;
  const save = (format, ending) => () =>
    attempt(() => download(`${path}/export?format=${format}`, `longread-${runId}.${ending}`));
  const found = [];
  if (reading.resumable) {
    found.push(
      button(
        "Resume",
        { class: "primary", onclick: () => attempt(() => start({ resume: runId })) },
        icon("play"),
        "Resume",
      ),
    );
  }
  if (reading.answers.length)
    found.push(button("Copy answer", { onclick: () => copy(asText(reading.answers)) }));
  if (reading.status === "done")
    found.push(button("Ask again afresh", { onclick: () => attempt(() => again(reading)) }));
  if (reading.status === "done") {
    found.push(
      button("Export Markdown", { onclick: save("markdown", "md") }),
      button("Export JSON", { onclick: save("json", "json") }),
    );
  }
  found.push(el("a", { class: "button", href: `#/audit/${runId}` }, "How it was read"));
  found.push(button("Delete", { class: "quiet-danger", onclick: () => attempt(() => forget(path)) }));
  return found;
}

function stopButton(ticket) {
  const label = el("span", {}, "Stop");
  const stop = async () => {
    await post(`/api/live/${encodeURIComponent(ticket)}/stop`, {});
    label.textContent = "Stopping…";
  };
  return el("button", { type: "button", onclick: () => attempt(stop) }, icon("stop"), label);
}

function again({ questions, files, follows }) {
  return start({ questions, files, follow: follows, fresh: true });
}

async function forget(path) {
  if (!(await confirmDeletion())) return;
  await remove(path);
  location.hash = "#/history";
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyOldWay(text); // a page that came over plain HTTP from another machine has no clipboard
  }
  toast("Copied, with its sources.");
}

function copyOldWay(text) {
  const area = el("textarea", { class: "hidden", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
