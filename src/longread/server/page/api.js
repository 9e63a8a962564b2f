// Requests to the server: their headers, their errors, and what to do when the server or the key is missing.

import { connection } from "./connection.js";
import { askForKey, key } from "./key.js";

/** An answer that is an error. `message` is one line for people. */
export class ApiError extends Error {
  constructor(message, status, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** No answer at all. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer. Try again when it is back.");
  }
}

/** Headers of every request. The first tells the server that it was this page and no form elsewhere that asked. */
export function headers() {
  const given = key();
  return given ? { "X-Longread": "1", Authorization: `Bearer ${given}` } : { "X-Longread": "1" };
}

export const get = (path, signal) => json("GET", path, undefined, signal);
export const post = (path, body, signal) => json("POST", path, body, signal);
export const remove = (path) => json("DELETE", path);

async function json(method, path, body, signal) {
  const response = await request(method, path, body, signal);
  return response.json();
}

/**
 * The response, once it is a good one. Asks the user for a key as often as one is needed. What only reads
 * waits for a server that is away; what changes something is not sent twice.
 */
export async function request(method, path, body, signal) {
  for (;;) {
    const sent = key();
    const response = await attempt(method, path, body, signal);
    if (response === null) {
      if (method !== "GET") throw new Unreachable();
      await connection.back(signal);
    } else if (response.status === 401) {
      await askForKey(sent);
    } else if (response.ok) {
      return response;
    } else {
      throw await failure(response);
    }
  }
}

async function attempt(method, path, body, signal) {
  const init = { method, headers: headers(), signal, cache: "no-store" };
  if (body !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  try {
    const response = await fetch(path, init);
    connection.found();
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    connection.lost();
    return null;
  }
}

async function failure(response) {
  const text = await response.text();
  return errorFrom(text, response.status);
}

/** The error in the body of an answer, or a plain one where something else than the server spoke. */
export function errorFrom(text, status) {
  try {
    const { message, code } = JSON.parse(text).error;
    return new ApiError(message, status, code);
  } catch {
    return new ApiError(`The server answered with status ${status} and no reason. Look at its log.`, status);
  }
}

/** Saves what the server exports. A plain link could not carry the headers. */
export async function download(path, name) {
  const response = await request("GET", path);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
