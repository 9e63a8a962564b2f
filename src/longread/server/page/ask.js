// The form for one question or several, with what the reading would take.

import { post } from "./api.js";
import { button, el, fill } from "./dom.js";
import { count, duration, money, short } from "./format.js";
import { icon } from "./icons.js";
import { start } from "./start.js";

const PAUSE = 400;

/**
 * @param {{files: () => string[], changes?: EventTarget, follow?: string, label: string, hint: string,
 *   signal: AbortSignal}} options `changes` tells when other files are chosen
 */
export function askForm({ files, changes, follow = null, label, hint, signal }) {
  const fields = el("div", { class: "questions" });
  const estimate = el("div", { class: "estimate", "aria-live": "polite" });
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const send = el("button", { class: "primary" }, follow ? "Ask" : "Read and answer");
  const body = () => ({ questions: asked(fields), files: files(), follow });
  const refresh = estimator(estimate, body, signal);

  const add = () => {
    fields.append(questionField(fields, label, hint, changed));
    changed();
    fields.lastElementChild.querySelector("textarea").focus();
  };
  const changed = () => {
    number(fields, label);
    refresh();
  };
  const form = el(
    "form",
    { class: "ask" },
    fields,
    button("Add a question", { class: "link", onclick: add }, icon("add"), "Add a question"),
    estimate,
    error,
    el("div", { class: "row" }, send, el("span", { class: "muted keys" }, shortcut())),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy) return;
    error.hidden = true;
    form.ariaBusy = "true"; // not disabled: the button would lose the focus
    try {
      check(body());
      await start({ ...body(), fresh: false });
    } catch (failure) {
      error.textContent = failure.message;
      error.hidden = false;
    } finally {
      form.ariaBusy = null;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  changes?.addEventListener("change", refresh, { signal });
  fields.append(questionField(fields, label, hint, changed));
  changed();
  return form;
}

function shortcut() {
  return [
    el("kbd", {}, /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl"),
    " ",
    el("kbd", {}, "Enter"),
    " sends",
  ];
}

function questionField(fields, label, hint, changed) {
  const area = el("textarea", { rows: 2, placeholder: hint, oninput: changed });
  const row = el("div", { class: "question" }, el("label", {}, label, area));
  const drop = button("Remove this question", { class: "quiet", hidden: true }, icon("close"));
  drop.addEventListener("click", () => {
    row.remove();
    changed();
    fields.lastElementChild.querySelector("textarea").focus();
  });
  row.append(drop);
  return row;
}

function number(fields, label) {
  [...fields.children].forEach((row, index, rows) => {
    row.querySelector("label").firstChild.textContent = rows.length > 1 ? `Question ${index + 1}` : label;
    row.querySelector("button").hidden = rows.length < 2;
  });
}

function asked(fields) {
  const texts = [...fields.querySelectorAll("textarea")].map((area) => area.value.trim());
  return texts.filter(Boolean);
}

function check({ questions, files, follow }) {
  if (!files.length && !follow)
    throw new Error("Nothing to read: add documents, or choose some of those in the list.");
  if (!questions.length) throw new Error("Nothing is asked: write a question.");
}

/** Shows what the reading would take, a moment after the last change. */
function estimator(place, body, signal) {
  let timer = 0;
  let latest = 0;
  const refresh = async () => {
    const turn = ++latest;
    const wanted = body();
    if (!wanted.questions.length || (!wanted.files.length && !wanted.follow)) return fill(place);
    place.classList.add("stale");
    try {
      const found = await post("/api/estimate", wanted, signal);
      if (turn === latest) fill(place, figures(found));
    } catch (failure) {
      if (turn === latest && !signal.aborted) fill(place, el("p", { class: "error" }, failure.message));
    }
    if (turn === latest) place.classList.remove("stale");
  };
  return () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, PAUSE);
  };
}

function figures(found) {
  const figure = (value, name) => el("div", {}, el("dd", {}, value), el("dt", {}, name));
  return [
    el(
      "dl",
      { class: "figures" },
      figure(short(found.tokens), "tokens"),
      figure(count(found.chunks), found.chunks === 1 ? "chunk" : "chunks"),
      figure(count(found.calls), found.calls === 1 ? "call" : "calls"),
      figure(found.seconds === null ? "unknown" : duration(found.seconds), "time"),
      figure(found.cost === null ? "unknown" : money(found.cost), "cost"),
    ),
    el("p", { class: "muted" }, `Strategy ${found.strategy}: ${found.reason}`),
    found.consent ? el("p", { class: "warning" }, `You will be asked first: ${found.consent}.`) : null,
  ];
}
