// How the notes of a run came about, step by step.

import { get } from "./api.js";
import { button, el, fill, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { NoteList, noteCard } from "./notes.js";
import { openPassage } from "./passage.js";
import { Reading } from "./reading.js";
import { Strip } from "./strip.js";

const PAUSE = 900;
/** However many steps there are, playing them takes no longer than this. */
const LONGEST = 90_000;

/** @type {import("./app.js").View} */
export async function auditView(main, { id, signal, shown }) {
  const detail = await get(`/api/runs/${encodeURIComponent(id)}`, signal);
  const view = new AuditView(main, detail, signal);
  view.show(0);
  shown();
}

class AuditView {
  #detail;
  #at = 0;
  #timer = null;
  #strip = new Strip();
  #slider;
  #where = el("p", { class: "progress", role: "status" });
  #change = el("section", { class: "card", "aria-label": "This step" });
  #held;
  #play = button("Play", { class: "primary" }, icon("play"));

  constructor(main, detail, signal) {
    this.#detail = detail;
    this.#held = new NoteList((at) => openPassage(detail.run_id, at), "Notes held then");
    const last = detail.steps.length - 1;
    this.#slider = el("input", {
      type: "range",
      min: 0,
      max: Math.max(0, last),
      step: 1,
      "aria-label": "Step",
    });
    this.#slider.addEventListener("input", () => this.#go(this.#slider.valueAsNumber));
    this.#play.addEventListener("click", () => this.#toggle());
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    signal.addEventListener("abort", () => this.#pause());
    const back = el("a", { href: `#/run/${detail.run_id}` }, "Back to the answer");
    const player = [
      el(
        "div",
        { class: "player" },
        button("Previous step", { onclick: () => this.#go(this.#at - 1) }, icon("previous")),
        this.#play,
        button("Next step", { onclick: () => this.#go(this.#at + 1) }, icon("next")),
        this.#slider,
      ),
      this.#where,
      el("div", { class: "columns" }, this.#change, this.#held.element),
    ];
    const empty = el(
      "p",
      { class: "card muted" },
      "Nothing was read in this run, so there are no steps to show.",
    );
    fill(
      main,
      el(
        "div",
        { class: "audit" },
        el(
          "header",
          {},
          el("p", {}, back),
          el("h1", { tabindex: -1 }, "How it was read"),
          el("p", { class: "asked" }, detail.questions.join(" · ")),
        ),
        this.#strip.element,
        detail.steps.length ? player : empty,
      ),
    );
  }

  /** Shows the run as it stood after step `at`. */
  show(at) {
    const { steps } = this.#detail;
    if (!steps.length) return;
    this.#at = Math.min(Math.max(at, 0), steps.length - 1);
    const step = steps[this.#at];
    const reading = new Reading();
    reading.restore({ ...this.#detail, steps: steps.slice(0, this.#at + 1), status: "running" });
    this.#slider.value = this.#at;
    this.#strip.update(reading.states, step.chunk);
    const where = `Step ${count(this.#at + 1)} of ${count(steps.length)}: ${this.#place(step)}`;
    setText(this.#where, where);
    this.#slider.setAttribute("aria-valuetext", where);
    this.#showChange(step, reading.notes);
    const held = reading.notes.filter((note) => !note.gone);
    this.#held.update(held, this.#detail.questions.length > 1, "No notes yet.");
  }

  #place({ chunk, question }) {
    const { chunks, documents_list: documents, questions } = this.#detail;
    const source = documents.find(({ id }) => id === chunks[chunk]?.document)?.source;
    const parts = [
      chunk < 0 ? "between chunks" : `chunk ${count(chunk + 1)} of ${count(chunks.length)}`,
      source,
    ];
    if (questions.length > 1) parts.push(`question ${question + 1}`);
    return parts.filter(Boolean).join(", ");
  }

  #showChange(step, notes) {
    const added = notes.filter((note) => step.added.some((other) => same(note, other)));
    const dropped = notes.filter((note) => step.dropped.some((other) => same(note, other)));
    const replaced = notes.filter((note) =>
      step.added.some((other) => other.question === note.question && other.replaces === note.id),
    );
    const gone = [...new Set([...dropped, ...replaced])];
    fill(
      this.#change,
      el("h2", {}, "This step"),
      added.length || gone.length || step.refused.length
        ? null
        : el("p", { class: "muted" }, "Nothing was noted and nothing dropped."),
      added.length ? [el("h3", { class: "label" }, "Added"), this.#cards(added)] : null,
      gone.length ? [el("h3", { class: "label" }, "Struck"), this.#cards(gone)] : null,
      step.refused.length ? [el("h3", { class: "label" }, "Refused"), refusals(step.refused)] : null,
      step.plan ? [el("h3", { class: "label" }, "Plan"), el("p", { class: "text" }, step.plan)] : null,
      step.memory ? [el("h3", { class: "label" }, "Memory"), el("p", { class: "text" }, step.memory)] : null,
    );
  }

  #cards(notes) {
    const open = (at) => openPassage(this.#detail.run_id, at);
    return el(
      "ul",
      { class: "notes" },
      notes.map((note) => noteCard(note, this.#detail.questions.length > 1, open)),
    );
  }

  #go(at) {
    this.#pause();
    this.show(at);
  }

  #toggle() {
    if (this.#timer) return this.#pause();
    const { length } = this.#detail.steps;
    if (this.#at === length - 1) this.show(0);
    this.#timer = setInterval(
      () => {
        this.show(this.#at + 1);
        if (this.#at === length - 1) this.#pause();
      },
      Math.min(PAUSE, LONGEST / length),
    );
    this.#where.setAttribute("aria-live", "off"); // a voice would never catch up
    this.#label("Pause", "pause");
  }

  #pause() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#where.setAttribute("aria-live", "polite");
    this.#label("Play", "play");
  }

  #label(name, picture) {
    this.#play.setAttribute("aria-label", name);
    this.#play.title = name;
    fill(this.#play, icon(picture));
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return; // Alt and an arrow is the browser's own
    if (event.target === this.#slider || document.querySelector("dialog[open]")) return; // they use arrows themselves
    const last = this.#detail.steps.length - 1;
    const to = { ArrowRight: this.#at + 1, ArrowLeft: this.#at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#go(to);
  }
}

/** Notes that were not taken, each with the reason. */
function refusals(refused) {
  return el(
    "ul",
    { class: "notes" },
    refused.map(({ note, why }) =>
      el("li", { class: "note" }, el("p", { class: "claim" }, note), el("p", { class: "about" }, why)),
    ),
  );
}

function same(note, other) {
  return note.question === other.question && note.id === other.id;
}
