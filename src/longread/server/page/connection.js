// Whether the server answers. One place waits for it, however many requests want it.

import { button, el, fill } from "./dom.js";

const LONGEST = 30_000;

class Connection {
  #waiting = null;
  #hurry = () => {};

  /** To be called when a request got no answer. Looks for the server until it is there again. */
  lost() {
    this.#waiting ??= this.#look();
  }

  /** To be called when a request got an answer. */
  found() {
    if (this.#waiting) this.#hurry();
  }

  /** Resolves when the server answers again; rejects when `signal` aborts. */
  async back(signal) {
    this.lost();
    await Promise.race([this.#waiting, aborted(signal)]);
  }

  async #look() {
    const banner = document.getElementById("connection");
    for (let pause = 1000; ; pause = Math.min(pause * 2, LONGEST)) {
      fill(
        banner,
        el("span", {}, `The connection to the server is lost. Next try in ${pause / 1000} s.`),
        button("Try now", { onclick: () => this.#hurry() }),
      );
      await new Promise((resolve) => {
        this.#hurry = resolve;
        setTimeout(resolve, pause);
      });
      if (await answers()) break;
    }
    fill(banner);
    this.#waiting = null;
  }
}

async function answers() {
  try {
    await fetch("/api/status", { headers: { "X-Longread": "1" }, cache: "no-store" });
    return true; // even a refusal is an answer
  } catch {
    return false;
  }
}

function aborted(signal) {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

export const connection = new Connection();
