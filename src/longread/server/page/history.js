// What was asked before.

import { get, remove } from "./api.js";
import { attempt, confirmDeletion } from "./dialogs.js";
import { button, el, fill } from "./dom.js";
import { count, date, duration, several } from "./format.js";
import { icon } from "./icons.js";

const RECENT = 4;
const STATES = {
  running: "reading now",
  done: "answered",
  failed: "failed",
  stopped: "stopped at a cap",
  interrupted: "stopped",
  killed: "broken off",
};

/** @type {import("./app.js").View} */
export async function historyView(main, { signal, shown }) {
  const list = el("div");
  const title = el("h1", { tabindex: -1 }, "History");
  fill(main, el("div", { class: "narrow" }, title, list));
  fill(list, el("p", { class: "muted" }, "Looking for runs…"));
  shown();
  const { runs } = await get("/api/runs?limit=500", signal);
  draw(list, runs);
}

/** The last few runs, for the first view. */
export async function recent(place, signal) {
  const { runs } = await get(`/api/runs?limit=${RECENT}`, signal);
  if (!runs.length) return fill(place);
  fill(
    place,
    el("h2", { class: "label" }, "Asked before"),
    el(
      "ul",
      { class: "runs" },
      runs.map((run) => el("li", {}, link(run))),
    ),
  );
}

function draw(list, runs) {
  if (!runs.length) {
    return fill(
      list,
      el("p", { class: "card muted" }, "Nothing was asked yet. ", el("a", { href: "#/" }, "Ask a question")),
    );
  }
  const row = (run) =>
    el(
      "li",
      {},
      link(run),
      button("Delete this run", { class: "quiet", onclick: () => forget(run) }, icon("bin")),
    );
  const forget = async (run) => {
    if (!(await confirmDeletion())) return;
    await attempt(async () => {
      await remove(`/api/runs/${encodeURIComponent(run.run_id)}`);
      draw(
        list,
        runs.filter((other) => other !== run),
      );
      document.querySelector("h1").focus(); // the button that had it is gone
    });
  };
  return fill(list, el("ul", { class: "runs" }, runs.map(row)));
}

function link(run) {
  const told = [
    run.status === "done" && run.answered === false
      ? "not in the documents"
      : (STATES[run.status] ?? run.status),
    date(run.created),
    run.total === null ? null : `${count(run.read)} of ${several(run.total, "chunk")}`,
    run.status === "running" ? null : duration(run.seconds),
  ];
  const sources =
    run.sources.slice(0, 3).join(", ") +
    (run.documents > 3 ? ` and ${several(run.documents - 3, "other")}` : "");
  return el(
    "a",
    { href: `#/run/${run.run_id}`, class: "run", "data-status": run.status },
    el("span", { class: "question" }, run.questions.join(" · ")),
    el("span", { class: "muted" }, told.filter(Boolean).join(" · ")),
    el("span", { class: "muted sources" }, run.follows ? "Follow-up. " : "", sources),
  );
}
