// Questions to the user that want an answer before anything goes on, and short notices.

import { button, el, setText } from "./dom.js";

/**
 * Asks, and resolves to whether the user agreed. Esc is no.
 * @param {{title: string, text: string, yes: string, no?: string, danger?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, yes, no = "Cancel", danger = false }) {
  return new Promise((resolve) => {
    const dialog = el(
      "dialog",
      {
        class: "box",
        role: "alertdialog",
        "aria-labelledby": "confirm-title",
        "aria-describedby": "confirm-text",
      },
      el("h2", { id: "confirm-title" }, title),
      el("p", { id: "confirm-text" }, text),
      el(
        "div",
        { class: "row end" },
        button(no, { autofocus: true, onclick: () => dialog.close() }),
        button(yes, { class: danger ? "primary danger" : "primary", onclick: () => dialog.close("yes") }),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Asks whether a run is to be deleted. */
export function confirmDeletion() {
  return confirm({
    title: "Delete this run?",
    text: "Its answer and its notes are gone for good.",
    yes: "Delete",
    danger: true,
  });
}

let vanish = 0;

/** Tells something in passing. */
export function toast(text) {
  const place = document.getElementById("toast");
  setText(place, text);
  place.classList.add("shown");
  clearTimeout(vanish);
  vanish = setTimeout(() => place.classList.remove("shown"), 6000);
}

/** Runs what a button does and tells the user when it fails. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toast(error.message);
    return undefined;
  }
}
