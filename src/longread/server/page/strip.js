// All chunks of a run as a row of bars, from one to many thousands.

import { el, fill } from "./dom.js";
import { count, several } from "./format.js";
import { BEGUN, NOTED, READ, SKIPPED, UNREAD } from "./reading.js";

const HEIGHT = 56;
const WIDEST = 22;
const NARROWEST = 4;
const GAP = 2;
/** Room below the bars for the mark. */
const MARK = 8;
/** Height of a bar of which hardly a chunk is noted; one of which most are has full height. */
const LEAST = 0.6;
/** Height tells the states apart as well as colour does. */
const LOOKS = {
  [UNREAD]: { name: "unread", height: 0.3, colour: "--bar-unread" },
  [BEGUN]: { name: "being read", height: 0.62, colour: "--bar-begun" },
  [READ]: { name: "read", height: 0.5, colour: "--bar-read" },
  [NOTED]: { name: "noted", height: 1, colour: "--accent" },
  [SKIPPED]: { name: "skipped", height: 0.1, colour: "--bar-read" },
};
const ORDER = [NOTED, READ, BEGUN, UNREAD, SKIPPED];

export class Strip {
  #states = [];
  #marked = -1;
  #canvas = el("canvas", { height: HEIGHT, role: "img" });
  #legend = el("ul", { class: "legend" });
  element = el("figure", { class: "strip" }, this.#canvas, el("figcaption", {}, this.#legend));

  constructor() {
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /**
   * @param {number[]} states of all chunks
   * @param {number} marked the chunk to point out, or -1
   */
  update(states, marked = -1) {
    this.#states = states;
    this.#marked = marked;
    this.element.hidden = states.length === 0;
    this.#draw();
    this.#describe();
  }

  #draw() {
    const width = this.#canvas.clientWidth;
    if (!width || !this.#states.length) return;
    const scale = devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = HEIGHT * scale;
    const context = this.#canvas.getContext("2d");
    context.scale(scale, scale);
    const style = getComputedStyle(this.element);
    const bins = binned(this.#states, Math.floor(width / (NARROWEST + GAP)));
    const step = Math.min(width / bins.length, WIDEST + GAP);
    const most = Math.max(...bins.map(({ noted }) => noted));
    bins.forEach(({ state, noted }, index) => {
      const { height, colour } = LOOKS[state];
      const tall = (state === NOTED ? LEAST + (height - LEAST) * (noted / most) : height) * (HEIGHT - MARK);
      context.fillStyle = style.getPropertyValue(colour);
      context.beginPath();
      context.roundRect(index * step, HEIGHT - MARK - tall, step - GAP, tall, 2);
      context.fill();
    });
    if (this.#marked >= 0) {
      const index = Math.floor((this.#marked * bins.length) / this.#states.length);
      context.fillStyle = style.getPropertyValue("--text");
      context.fillRect(index * step, HEIGHT - 4, Math.max(step - GAP, NARROWEST), 4);
    }
  }

  #describe() {
    const tally = [0, 0, 0, 0, 0];
    for (const state of this.#states) tally[state]++;
    const shown = ORDER.filter((state) => tally[state]);
    const words = shown.map((state) => `${count(tally[state])} ${LOOKS[state].name}`);
    const label = `${several(this.#states.length, "chunk")}: ${words.join(", ")}`;
    if (this.#canvas.getAttribute("aria-label") === label) return;
    this.#canvas.setAttribute("aria-label", label);
    fill(
      this.#legend,
      shown.map((state, index) => el("li", { "data-state": LOOKS[state].name }, words[index])),
    );
  }
}

/**
 * At most `most` bars that stand for all chunks: of states that share a bar, the one that tells most, and the
 * share of chunks that are noted.
 */
function binned(states, most) {
  const bars = Math.min(most, states.length);
  return Array.from({ length: bars }, (_, bar) => {
    const [from, to] = [bar, bar + 1].map((edge) => Math.floor((edge * states.length) / bars));
    const within = states.slice(from, to);
    return {
      state: telling(within),
      noted: within.filter((state) => state === NOTED).length / within.length,
    };
  });
}

function telling(states) {
  for (const state of [NOTED, BEGUN, UNREAD, READ]) if (states.includes(state)) return state;
  return SKIPPED;
}
