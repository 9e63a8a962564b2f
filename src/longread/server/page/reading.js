// What is known of one run: put together from what the server kept and from events as they come. To take an
// event twice changes nothing, so that a run can be joined at any point and after any break.

export const UNREAD = 0;
export const BEGUN = 1;
export const READ = 2;
export const NOTED = 3;
export const SKIPPED = 4;

export class Reading {
  runId = null;
  /** queued, running, or how it ended: done, failed, stopped, interrupted, killed */
  status = "queued";
  ahead = 0;
  questions = [];
  understood = [];
  strategy = "";
  reason = "";
  follows = null;
  files = [];
  /** Tokens of each chunk. */
  chunks = [];
  /** State of each chunk. */
  states = [];
  read = 0;
  total = 0;
  /** Notes in the order in which they were made, each with its `chunk` and `gone`: null, replaced or dropped. */
  notes = [];
  /** Answers while they are written. */
  drafts = [];
  answering = false;
  answers = [];
  stored = false;
  message = "";
  #byKey = new Map();

  get over() {
    return this.status !== "queued" && this.status !== "running";
  }

  get resumable() {
    return this.over && this.status !== "done" && this.runId !== null;
  }

  /** Takes over what the server keeps of a run; what is known already stays as it is. */
  restore(detail) {
    this.#setChunks(
      detail.run_id,
      detail.chunks.map((chunk) => chunk.tokens),
    );
    this.status = detail.status;
    this.questions = detail.questions;
    this.strategy = detail.strategy;
    this.follows = detail.follows;
    this.files = detail.files;
    this.message = detail.error ?? this.message;
    if (!this.answers.length) this.answers = detail.answers;
    for (const step of detail.steps) this.#step(step.chunk, step.added, step.dropped);
    this.read = detail.read ?? 0;
    this.total = detail.total ?? this.chunks.length;
    if (this.over) this.#end();
  }

  /** Takes an event of the live stream. */
  take(name, data) {
    TAKE[name]?.call(this, data);
  }

  started(data) {
    this.#setChunks(data.run_id, data.chunks);
    this.status = "running";
    this.questions = data.questions;
    this.strategy = data.strategy;
    this.reason = data.reason;
    this.follows = data.follows;
    this.message = "";
    this.total = data.chunks.length;
  }

  begun({ chunk }) {
    if (this.states[chunk] === UNREAD) this.states[chunk] = BEGUN;
  }

  chunk(data) {
    if (data.skipped) this.#skip(data.chunk);
    else this.#step(data.chunk, data.notes, data.dropped);
    this.read = data.read;
    this.total = data.total;
  }

  text({ question, text, thinking, restart }) {
    const draft = (this.drafts[question] ??= { text: "", thinking: "" });
    if (restart) Object.assign(draft, { text: "", thinking: "" });
    draft.text += text ?? "";
    draft.thinking += thinking ?? "";
  }

  finished(data) {
    this.runId = data.run_id;
    this.status = "done";
    this.answers = data.answers;
    this.questions = data.answers.map((answer) => answer.question);
    this.stored = data.stored;
    this.#end();
  }

  failed(data) {
    this.runId = data.run_id ?? this.runId;
    this.status = data.status;
    this.message = data.message;
    this.#end();
  }

  #setChunks(runId, tokens) {
    const same = this.runId === runId && this.chunks.length === tokens.length;
    this.runId = runId;
    if (same) return;
    this.chunks = tokens;
    this.states = tokens.map(() => UNREAD);
    this.notes = [];
    this.#byKey.clear();
  }

  #skip(chunk) {
    if (this.states[chunk] < READ) this.states[chunk] = SKIPPED;
  }

  #step(chunk, added, dropped) {
    if (chunk in this.states && this.states[chunk] !== NOTED)
      this.states[chunk] = added.length ? NOTED : READ;
    for (const note of added) this.#add(note, chunk);
    for (const { question, id } of dropped) this.#strike(question, id, "dropped");
  }

  #add(note, chunk) {
    const key = `${note.question}/${note.id}`;
    if (this.#byKey.has(key)) return;
    const kept = { ...note, chunk, gone: null };
    this.#byKey.set(key, kept);
    this.notes.push(kept);
    if (note.replaces !== null) this.#strike(note.question, note.replaces, "replaced");
  }

  #strike(question, id, why) {
    const note = this.#byKey.get(`${question}/${id}`);
    if (note) note.gone ??= why;
  }

  /** What was not read is skipped when the run is done, and still to be read when it can go on. */
  #end() {
    const rest = this.status === "done" ? SKIPPED : UNREAD;
    this.answering = false;
    this.states = this.states.map((state) => (state === UNREAD || state === BEGUN ? rest : state));
  }
}

const TAKE = {
  queued({ ahead }) {
    this.ahead = ahead;
  },
  understood({ question, text }) {
    this.understood[question] = text;
  },
  answering() {
    this.answering = true;
  },
  started: Reading.prototype.started,
  begun: Reading.prototype.begun,
  chunk: Reading.prototype.chunk,
  text: Reading.prototype.text,
  finished: Reading.prototype.finished,
  failed: Reading.prototype.failed,
};
