// How far a run is, in words: for the eye at every change, for screen readers now and then.

import { el, hidden, setText } from "./dom.js";
import { count, duration, several, short } from "./format.js";

const OVER = {
  done: "Done",
  failed: "The run failed.",
  stopped: "The run came to its cap.",
  interrupted: "Stopped.",
  killed: "The run was broken off.",
};

export class ProgressLine {
  #shown = el("p", { class: "progress", "aria-hidden": "true" });
  #told = hidden("");
  #error = el("p", { class: "error", role: "alert", hidden: true });
  element = el("div", {}, this.#shown, this.#told, this.#error);

  constructor() {
    this.#told.setAttribute("role", "status");
  }

  /**
   * @param {import("./reading.js").Reading} reading
   * @param {number | null} rate tokens a second
   */
  update(reading, rate) {
    setText(this.#shown, line(reading, rate));
    setText(this.#told, spoken(reading));
    this.#error.hidden = !reading.over || !reading.message;
    setText(this.#error, reading.message);
  }
}

function line(reading, rate) {
  const { read, total, status } = reading;
  if (status === "queued") return queued(reading);
  const parts = [reading.over ? OVER[status] : reading.answering ? "Writing the answer" : "Reading"];
  if (reading.stored) parts.push("a stored answer: nothing was read anew");
  if (total) parts.push(`${count(read)} of ${several(total, "chunk")}`);
  if (!reading.over && !reading.answering && rate) {
    parts.push(`${short(rate)} tokens a second`, `about ${duration(left(reading) / rate)} left`);
  }
  if (reading.strategy) parts.push(reading.strategy);
  if (reading.resumable) parts.push("what was read is kept");
  return parts.map((part) => part.replace(/\.$/, "")).join(" · ");
}

/** Changes ten times in a run, not at each chunk. */
function spoken(reading) {
  const { read, total, status } = reading;
  if (status === "queued") return queued(reading);
  if (reading.over) return reading.message ? "" : OVER[status];
  if (reading.answering) return "Writing the answer.";
  const tenth = total ? Math.floor((10 * read) / total) : 0;
  return `Reading, ${tenth * 10} percent.`;
}

function queued({ ahead }) {
  return ahead ? `Waiting: ${ahead} ahead in the queue` : "Starting";
}

/** Tokens that are still to be read, as far as one can know. */
function left({ chunks, states, read, total }) {
  const all = chunks.reduce((sum, tokens) => sum + tokens, 0);
  return chunks.length ? (all / states.length) * Math.max(0, total - read) : 0;
}
