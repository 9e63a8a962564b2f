// Events of a run as they come, over as many connections as it takes.

import { request } from "./api.js";
import { connection } from "./connection.js";

const LAST = new Set(["finished", "failed"]);
const SILENCE = 45_000; // the server speaks at least every 15 s: longer, and the connection is dead

/**
 * Calls `take(name, data)` for each event until the run has ended. Goes on after the last event it saw when
 * a connection breaks. `opened()` is called at each connection.
 * @param {string} ticket
 * @param {(name: string, data: object) => void} take
 * @param {() => void} opened
 * @param {AbortSignal} signal
 * @throws {import("./api.js").ApiError} when the server no longer knows the ticket
 */
export async function follow(ticket, take, opened, signal) {
  let after = 0;
  for (;;) {
    const response = await request(
      "GET",
      `/api/live/${encodeURIComponent(ticket)}?after=${after}`,
      undefined,
      signal,
    );
    opened();
    try {
      for await (const event of events(response.body)) {
        if (event.id) after = event.id;
        take(event.name, event.data);
        if (LAST.has(event.name)) return;
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof TypeError)) throw error; // a TypeError is a broken connection
    }
    await connection.back(signal);
  }
}

/** Events of a body in the format of `text/event-stream`. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await heard(reader);
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}

/** The next piece; a connection that fell silent (a laptop slept) counts as broken. */
async function heard(reader) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new TypeError("silent")), SILENCE);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function parse(block) {
  const event = { id: null, name: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, field, value] = /^(\w*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "id") event.id = value;
    if (field === "event") event.name = value;
    if (field === "data") event.data += value;
  }
  return event.data ? { ...event, data: JSON.parse(event.data) } : null;
}
