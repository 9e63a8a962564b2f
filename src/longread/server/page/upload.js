// Sending files, and finding them in what was dropped or picked.

import { errorFrom, headers } from "./api.js";

const AT_ONCE = 2;

/**
 * The files in a drop, folders walked. Hidden files and folders are left out.
 * @param {DataTransfer} transfer
 * @returns {Promise<{file: File, path: string}[]>}
 */
export async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  // All must be taken out at once: the transfer is void when the event is over.
  const taken = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = [];
  for (const one of taken) {
    if (one instanceof File) found.push({ file: one, path: one.name });
    else await walk(one, found);
  }
  return found;
}

/** The files of an `<input type=file>`, hidden ones left out. */
export function picked(input) {
  return [...input.files]
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }))
    .filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
}

async function walk(entry, found) {
  if (entry.name.startsWith(".")) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.slice(1) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most a hundred at a time
    if (!batch.length) return;
    for (const child of batch) await walk(child, found);
  }
}

/**
 * Sends all files, a few at a time.
 * @param {{file: File, path: string}[]} files
 * @param {{progress: (sent: number, bytes: number, total: number) => void, done: (file: object) => void,
 *   failed: (path: string, message: string) => void, signal: AbortSignal}} tell
 */
export async function uploadAll(files, tell) {
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  const sent = files.map(() => 0);
  let next = 0;
  let finished = 0;
  const report = () =>
    tell.progress(
      finished,
      sent.reduce((sum, n) => sum + n, 0),
      total,
    );
  const worker = async () => {
    while (next < files.length && !tell.signal.aborted) {
      const index = next++;
      const { file, path } = files[index];
      try {
        tell.done(await upload(file, path, tell.signal, (n) => ((sent[index] = n), report())));
      } catch (error) {
        if (!tell.signal.aborted) tell.failed(path, error.message);
      }
      finished++;
      sent[index] = file.size;
      report();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Sends one file. By XMLHttpRequest, because `fetch` does not tell how much of a body was sent. */
function upload(file, path, signal, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("purpose", "user_data");
    form.append("file", file, path);
    request.open("POST", "/v1/files");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => progress(Math.min(event.loaded, file.size)));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(errorFrom(request.responseText, request.status));
    });
    request.addEventListener("error", () =>
      reject(new Error("The connection broke off, or the file cannot be read. Add it again.")),
    );
    request.addEventListener("abort", () => reject(new Error("cancelled")));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
