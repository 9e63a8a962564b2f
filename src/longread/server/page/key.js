// The key of a server that needs one. It lives in this tab alone and ends with it.

import { el } from "./dom.js";

const PLACE = "longread-key";
let asking = null;

export const key = () => sessionStorage.getItem(PLACE);
export const forgetKey = () => sessionStorage.removeItem(PLACE);

/**
 * Resolves once the user gave a key other than the one that was refused. All requests that wait for a key
 * share one form.
 * @param {string | null} refused the key that the server did not take; null when none was sent
 */
export async function askForKey(refused) {
  if (key() !== refused) return; // another request has asked meanwhile
  asking ??= show(refused).finally(() => (asking = null));
  await asking;
}

function show(refused) {
  return new Promise((resolve) => {
    const field = el("input", {
      type: "password",
      id: "key",
      autocomplete: "current-password",
      required: true,
      "aria-describedby": "key-error",
      "aria-invalid": refused !== null,
    });
    const form = el(
      "form",
      { class: "stack" },
      el("h2", { id: "key-title" }, "This server needs a key"),
      el("p", {}, "Whoever runs it can give you one. It is kept in this tab until you close it."),
      el(
        "p",
        { class: "error", id: "key-error" },
        refused === null ? "" : "The server did not take this key. Check it and try again.",
      ),
      el("label", { for: "key" }, "Key"),
      field,
      el("div", { class: "row end" }, el("button", { class: "primary" }, "Continue")),
    );
    const dialog = el("dialog", { class: "box", "aria-labelledby": "key-title" }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem(PLACE, field.value.trim());
      dialog.remove();
      resolve();
    });
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
}
