// How fast a run reads, and how long it will take.

const WINDOW = 60_000;
/** What was read before comes in a burst, which says nothing about the pace. */
const SETTLE = 1_000;

export class Pace {
  #samples = [];
  #tokens = 0;
  #joined = 0;

  /** To be called when a connection opens or a run begins. */
  join() {
    this.#joined = performance.now();
    this.#samples = [];
  }

  /** To be called for each chunk that was read. */
  add(tokens) {
    const now = performance.now();
    this.#tokens += tokens;
    if (now - this.#joined < SETTLE) this.#samples = [];
    this.#samples.push([now, this.#tokens]);
    while (now - this.#samples[0][0] > WINDOW) this.#samples.shift();
  }

  /** Tokens a second of late, or null while there is too little to tell. */
  get rate() {
    if (this.#samples.length < 2) return null;
    const [[began, before], [ended, after]] = [this.#samples[0], this.#samples.at(-1)];
    return ended > began ? (after - before) / ((ended - began) / 1000) : null;
  }
}
