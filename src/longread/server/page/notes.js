// The notes of a run, newest first. However many there are, the page holds few.

import { button, el, fill, hidden, setText } from "./dom.js";
import { count } from "./format.js";
import { dedent, textClass } from "./kind.js";

const SHOWN = 200;

export class NoteList {
  #notes = [];
  #cards = new Map();
  #all = false;
  #several = false;
  #open;
  #name;
  #title = el("h2");
  #empty = el("p", { class: "muted" });
  #list = el("ol", { class: "notes", reversed: true });
  #more = button("Show all notes", { class: "more", hidden: true, onclick: () => this.#showAll() });
  element = el(
    "section",
    { class: "card notes-card", tabindex: 0 },
    this.#title,
    this.#empty,
    this.#list,
    this.#more,
  );

  /**
   * @param {(note: object) => void} open shows where a note comes from
   * @param {string} name what the list is called
   */
  constructor(open, name) {
    this.#open = open;
    this.#name = name;
    this.element.setAttribute("aria-label", name);
  }

  /**
   * @param {object[]} notes oldest first; the same list as before with more at its end, or another one
   * @param {boolean} several whether there is more than one question
   * @param {string} empty what to say when there are none
   */
  update(notes, several, empty) {
    this.#several = several;
    setText(this.#empty, empty);
    const joined = this.#notes.length > 0 && this.#continues(notes);
    const from = joined ? this.#notes.length : this.#restart();
    for (const note of notes.slice(Math.max(from, this.#all ? 0 : notes.length - SHOWN))) {
      const card = noteCard(note, several, this.#open);
      card.classList.toggle("new", joined);
      this.#cards.set(note, card);
      this.#list.prepend(card);
    }
    this.#notes = notes.slice();
    for (const [note, card] of this.#cards) strike(card, note);
    if (!this.#all) this.#trim();
    this.#summarize();
  }

  #continues(notes) {
    const last = this.#notes.length - 1;
    return notes[last] === this.#notes[last] && notes[0] === this.#notes[0];
  }

  #restart() {
    this.#cards.clear();
    fill(this.#list);
    return 0;
  }

  #trim() {
    while (this.#cards.size > SHOWN) {
      const [oldest, card] = this.#cards.entries().next().value;
      card.remove();
      this.#cards.delete(oldest);
    }
  }

  #summarize() {
    const held = this.#notes.filter((note) => !note.gone).length;
    const gone = this.#notes.length - held;
    setText(
      this.#title,
      this.#notes.length
        ? `${this.#name} · ${count(held)}${gone ? ` held, ${count(gone)} struck` : ""}`
        : this.#name,
    );
    this.#empty.hidden = this.#notes.length > 0;
    this.#list.hidden = this.#notes.length === 0;
    this.#more.hidden = this.#cards.size >= this.#notes.length;
    setText(this.#more, `Show all ${count(this.#notes.length)} notes`);
  }

  #showAll() {
    this.#all = true;
    const notes = this.#notes;
    this.#restart();
    this.#notes = [];
    this.update(notes, this.#several, "");
  }
}

/** One note with its quote. */
export function noteCard(note, several, open) {
  const card = el("li", { class: "note" });
  if (note.claim) card.append(el("p", { class: "claim" }, note.claim));
  if (note.quote) card.append(el("blockquote", { class: textClass(note.source) }, dedent(note.quote)));
  const about = el("p", { class: "about" });
  if (several) about.append(el("span", { class: "chip" }, `Question ${note.question + 1}`));
  if (note.document === null)
    about.append(el("span", {}, "This quote is not in the text; it is never cited."));
  else about.append(button(note.source, { class: "link source", onclick: () => open(note) }));
  if (note.chunk >= 0) about.append(el("span", { class: "muted" }, `chunk ${count(note.chunk + 1)}`));
  card.append(about);
  strike(card, note);
  return card;
}

function strike(card, note) {
  if (!note.gone || card.dataset.gone) return;
  card.dataset.gone = note.gone;
  const words = card.querySelector(".claim, blockquote");
  fill(words, hidden(`${note.gone}: `), el("s", {}, words.textContent));
  card.querySelector(".about").append(el("span", { class: "chip" }, note.gone));
}
