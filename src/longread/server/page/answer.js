// An answer with its citations and the evidence they point to.

import { button, el, fill, setText } from "./dom.js";
import { count, duration, money, several, short } from "./format.js";
import { dedent, textClass } from "./kind.js";
import { prose } from "./prose.js";

/** A quote longer than this may need scrolling, and then must take the focus. */
const LONG = 600;
const THOUGHTS = "What the model thought";

/**
 * A finished answer.
 * @param {object} answer
 * @param {{understood?: string, thinking?: string, many: boolean, open: (citation: object) => void}} options
 */
export function answerCard(answer, { understood, thinking, many, open }) {
  const cite = (n) => {
    const citation = answer.citations[n - 1];
    if (!citation) return null;
    return button(`Citation ${n}: ${citation.place}`, { class: "cite", onclick: () => open(citation) }, n);
  };
  return el(
    "section",
    { class: answer.answered ? "card answer" : "card answer absent", "aria-label": "Answer" },
    heading(answer.question, understood, many),
    answer.answered ? null : el("p", { class: "verdict" }, "Not in the documents"),
    el("div", { class: "prose" }, prose(answer.answer, cite)),
    answer.stopped ? el("p", { class: "warning" }, `Reading stopped early: ${answer.stopped}`) : null,
    thinking ? thoughts(thinking) : null,
    answer.citations.length ? evidence(answer.citations, open) : null,
    el("p", { class: "about muted" }, facts(answer)),
  );
}

/** An answer that is being written. Only its text changes, so that what the user has opened stays open. */
export class DraftCard {
  #text = "";
  #prose = el("div", { class: "prose" });
  #thoughts = el("p", { class: "text" });
  #thinking = el("details", { class: "thinking", hidden: true }, el("summary", {}, THOUGHTS), this.#thoughts);
  element;

  constructor(question, understood, many) {
    const properties = { class: "card answer draft", "aria-label": "Answer", "aria-busy": "true" };
    this.element = el(
      "section",
      properties,
      heading(question, understood, many),
      this.#thinking,
      this.#prose,
    );
  }

  update({ text, thinking }) {
    setText(this.#thoughts, thinking);
    this.#thinking.hidden = !thinking;
    if (text === this.#text) return;
    this.#text = text;
    fill(this.#prose, prose(text));
  }
}

/** The answer as text, for the clipboard. */
export function asText(answers) {
  return answers
    .map((answer) => {
      const sources = answer.citations.map((c, i) => `[${i + 1}] ${c.place}: “${c.text}”`);
      return [
        answers.length > 1 ? `${answer.question}\n` : "",
        answer.answer,
        sources.length ? `\n\n${sources.join("\n")}` : "",
      ].join("");
    })
    .join("\n\n");
}

function heading(question, understood, many) {
  const told = understood ? el("p", { class: "muted" }, `Understood as: ${understood}`) : null;
  return many ? [el("h2", {}, question), told] : [el("h2", { class: "label" }, "Answer"), told];
}

function thoughts(text) {
  return el("details", { class: "thinking" }, el("summary", {}, THOUGHTS), el("p", { class: "text" }, text));
}

function evidence(citations, open) {
  const items = citations.map((citation, index) =>
    el(
      "li",
      {},
      button(`[${index + 1}] ${citation.place}`, { class: "link source", onclick: () => open(citation) }),
      el(
        "blockquote",
        { class: textClass(citation.source), tabindex: citation.text.length > LONG ? 0 : null },
        dedent(citation.text),
      ),
    ),
  );
  return [el("h3", { class: "label" }, "Evidence"), el("ol", { class: "evidence" }, items)];
}

function facts({ model, strategy, usage, chunks, seconds }) {
  const { read, total, skipped } = chunks;
  const known = [
    model,
    strategy,
    `${count(read)} of ${several(total, "chunk")} read`,
    skipped ? `${count(skipped)} skipped, without a name or word that is asked for` : null,
    several(usage.calls, "call"),
    `${short(usage.input_tokens + usage.output_tokens)} tokens`,
    usage.cost ? `cost ${money(usage.cost)}` : null,
    duration(seconds),
  ];
  return known.filter(Boolean).join(" · ");
}
