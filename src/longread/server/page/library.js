// The documents on the server, and which of them are chosen. Lives as long as the page.

import { get, remove } from "./api.js";
import { toast } from "./dialogs.js";
import { uploadAll } from "./upload.js";

const NAMES = new Intl.Collator("en", { numeric: true });

class Library extends EventTarget {
  /** By name. */
  files = [];
  /** Ids. */
  chosen = new Set();
  loaded = false;
  /** Files that could not be taken, and why. */
  problems = [];
  /** What is being sent: null, or {files, finished, sent, total}. */
  sending = null;
  #abort = null;
  #turn = Promise.resolve();

  /** The files that are to be read, always in the same order: another order is another reading. */
  get chosenFiles() {
    return this.files.filter((file) => this.chosen.has(file.id));
  }

  /** Fetches the list. What is added or deleted until it arrives is not undone by it. */
  async load() {
    const before = new Set(this.files.map((file) => file.id));
    const { data } = await get("/v1/files");
    const known = new Set(this.files.map((file) => file.id));
    const listed = data.filter(({ id }) => known.has(id) || !before.has(id));
    const ids = new Set(listed.map((file) => file.id));
    const since = this.files.filter(({ id }) => !before.has(id) && !ids.has(id));
    this.files = [...listed, ...since].sort(byName);
    for (const { id } of listed) if (!known.has(id)) this.chosen.add(id);
    this.loaded = true;
    this.#changed();
  }

  /**
   * Sends files, after those that are being sent.
   * @param {{file: File, path: string}[]} files
   */
  add(files) {
    if (!this.sending) this.problems = [];
    if (!files.length) toast("There are no files in it; hidden ones are left out.");
    else this.#turn = this.#turn.then(() => this.#send(files));
    return this.#turn;
  }

  async #send(files) {
    this.sending = { files: files.length, finished: 0, sent: 0, total: 0 };
    this.#abort = new AbortController();
    this.dispatchEvent(new Event("progress"));
    this.#changed();
    await uploadAll(files, {
      signal: this.#abort.signal,
      progress: (finished, sent, total) => {
        this.sending = { files: files.length, finished, sent, total };
        this.dispatchEvent(new Event("progress"));
      },
      done: (file) => this.#added(file),
      failed: (path, message) => this.problems.push({ path, message }),
    });
    this.sending = null;
    this.#changed();
  }

  cancel() {
    this.#abort?.abort();
  }

  choose(ids, chosen) {
    for (const id of ids) {
      if (chosen) this.chosen.add(id);
      else this.chosen.delete(id);
    }
    this.#changed();
  }

  async delete(ids) {
    try {
      for (const id of ids) {
        await remove(`/v1/files/${encodeURIComponent(id)}`);
        this.files = this.files.filter((file) => file.id !== id);
        this.chosen.delete(id);
      }
    } finally {
      this.#changed();
    }
  }

  forgetProblems() {
    this.problems = [];
    this.#changed();
  }

  #added(file) {
    this.files = this.files.filter((other) => other.id !== file.id);
    const place = this.files.findIndex((other) => byName(file, other) < 0);
    this.files.splice(place < 0 ? this.files.length : place, 0, file);
    this.chosen.add(file.id);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function byName(a, b) {
  return NAMES.compare(a.filename, b.filename);
}

export const library = new Library();
