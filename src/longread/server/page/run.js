// A run: the reading as it goes on, the answer, and what can be done with it.

import { ApiError, get } from "./api.js";
import { actions } from "./actions.js";
import { answerCard, DraftCard } from "./answer.js";
import { askForm } from "./ask.js";
import { el, fill } from "./dom.js";
import { NoteList } from "./notes.js";
import { Pace } from "./pace.js";
import { openPassage } from "./passage.js";
import { ProgressLine } from "./progress.js";
import { Reading } from "./reading.js";
import { follow } from "./stream.js";
import { Strip } from "./strip.js";

const NO_NOTES = "Nothing was noted.";
const NO_NOTES_YET =
  "What matters to the question is noted here while the text is read, each note with its quote.";

/** @type {import("./app.js").View} */
export async function runView(main, { id, signal, shown }) {
  const detail = await detailOf(id, signal);
  const view = new RunView(main, signal);
  view.reading.restore(detail);
  view.draw();
  shown();
  if (detail.ticket) await view.watch(detail.ticket);
}

/** A run that may not have an id yet, because it waits for its turn. */
export async function liveView(main, { id, signal, shown }) {
  const view = new RunView(main, signal);
  view.draw();
  shown();
  await view.watch(id);
}

class RunView {
  reading = new Reading();
  #signal;
  #ticket = null;
  #pace = new Pace();
  #strip = new Strip();
  #notes;
  #title = el("h1", { tabindex: -1, class: "asked" });
  #progress = new ProgressLine();
  #actions = el("div", { class: "row actions" });
  #answers = el("div", { class: "answers" });
  #further = el("div");
  #drafts = [];
  #follows = el("p", { hidden: true });
  #drawn = { actions: "", answers: null };
  #planned = false;

  constructor(main, signal) {
    this.#signal = signal;
    const open = (at) => openPassage(this.reading.runId, at);
    this.#notes = new NoteList(open, "Notes");
    fill(
      main,
      el(
        "div",
        { class: "reading" },
        el(
          "header",
          {},
          this.#follows,
          this.#title,
          this.#progress.element,
          this.#strip.element,
          this.#actions,
        ),
        el("div", { class: "found" }, this.#answers, this.#further),
        this.#notes.element,
      ),
    );
  }

  /** Takes events until the run is over. */
  async watch(ticket) {
    this.#ticket = ticket;
    const take = (name, data) => this.#take(name, data);
    try {
      await follow(ticket, take, () => this.#pace.join(), this.#signal);
    } catch (error) {
      const forgotten = error instanceof ApiError && error.status === 404 && this.reading.runId !== null;
      if (!forgotten) throw error; // else the server was started anew and knows the run from its journal
    }
    this.#ticket = null;
    if (this.reading.runId) this.reading.restore(await detailOf(this.reading.runId, this.#signal)); // events do not tell all
    this.draw();
  }

  #take(name, data) {
    this.reading.take(name, data);
    if (name === "chunk") this.#pace.add(this.reading.chunks[data.chunk] ?? 0);
    if (name === "started") {
      this.#pace.join(); // a resumed run tells in a burst what it has read
      history.replaceState(null, "", `#/run/${data.run_id}`);
    }
    this.#plan();
  }

  /** Draws once for all events that come before the next frame. */
  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      if (!this.#signal.aborted) this.draw();
    });
  }

  draw() {
    const { reading } = this;
    const asked =
      reading.questions.length > 1 ? `${reading.questions.length} questions` : reading.questions[0];
    const title = asked ?? "Your question";
    if (this.#title.textContent !== title) {
      this.#title.textContent = title;
      document.title = `${title} – Longread`;
    }
    this.#progress.update(reading, this.#pace.rate);
    this.#strip.update(reading.states);
    this.#notes.update(reading.notes, reading.questions.length > 1, reading.over ? NO_NOTES : NO_NOTES_YET);
    this.#drawAnswers();
    this.#drawActions();
  }

  /** What stands there is replaced only by something else: the focus and what is marked would be lost. */
  #drawAnswers() {
    const { answers, drafts, over, understood } = this.reading;
    const writing = drafts.length ? DraftCard : `waiting ${understood.length}`;
    const due = answers.length ? answers : over ? "over" : writing;
    if (due !== this.#drawn.answers) {
      this.#drawn.answers = due;
      fill(this.#answers, this.#cards());
    }
    drafts.forEach((draft, i) => this.#drafts[i]?.update(draft));
  }

  #cards() {
    const { reading } = this;
    const { answers, questions, understood } = reading;
    const many = questions.length > 1;
    if (answers.length) {
      const open = (at) => openPassage(reading.runId, at);
      const more = (i) => ({ understood: understood[i], thinking: reading.drafts[i]?.thinking, many, open });
      return answers.map((answer, i) => answerCard(answer, more(i)));
    }
    if (reading.over) return null;
    if (!reading.drafts.length) return waiting(reading);
    this.#drafts = questions.map((question, i) => new DraftCard(question, understood[i], many));
    return this.#drafts.map(({ element }) => element);
  }

  /** Buttons are replaced only when others are due, so that none vanishes under a finger. */
  #drawActions() {
    const { reading } = this;
    const due = [reading.status, reading.stored, this.#ticket, reading.runId].join();
    if (due === this.#drawn.actions) return;
    this.#drawn.actions = due;
    const focused = this.#actions.contains(document.activeElement);
    fill(this.#actions, actions(reading, this.#ticket));
    if (focused) this.#actions.firstElementChild?.focus();
    this.#follows.hidden = !reading.follows;
    fill(this.#follows, el("a", { href: `#/run/${reading.follows}` }, "Follows an earlier question"));
    fill(this.#further, reading.status === "done" ? this.#followUp() : null);
  }

  #followUp() {
    const options = {
      files: () => this.reading.files,
      follow: this.reading.runId,
      label: "Ask further",
      hint: "And who signed it?",
      signal: this.#signal,
    };
    return el("section", { class: "card", "aria-label": "Follow-up" }, askForm(options));
  }
}

function detailOf(runId, signal) {
  return get(`/api/runs/${encodeURIComponent(runId)}`, signal);
}

function waiting({ questions, understood }) {
  const asked = questions.map((question, i) =>
    understood[i] ? `Understood as: ${understood[i]}` : question,
  );
  const told = questions.length > 1 || understood.length ? asked.map((text) => el("p", {}, text)) : null;
  return el(
    "section",
    { class: "card answer", "aria-label": "Answer" },
    el("h2", { class: "label" }, "Answer"),
    told,
    el("p", { class: "muted" }, "The answer is written when the reading is done."),
  );
}
