// The first view: the documents, the question, what was asked last.

import { askForm } from "./ask.js";
import { documentsCard } from "./documents.js";
import { el, fill } from "./dom.js";
import { recent } from "./history.js";
import { library } from "./library.js";

/** @type {import("./app.js").View} */
export async function homeView(main, { signal, shown }) {
  const form = askForm({
    files: () => library.chosenFiles.map((file) => file.id),
    changes: library,
    label: "Your question",
    hint: "Who approved the merger, and when?",
    signal,
  });
  const runs = el("section", { class: "recent", "aria-label": "Last runs" });
  fill(
    main,
    el(
      "div",
      { class: "home" },
      el(
        "header",
        { class: "intro" },
        el("h1", { tabindex: -1 }, "Ask what you have not read"),
        el("p", {}, "Longread reads all of it, notes what matters, and answers with passages you can open."),
      ),
      documentsCard(signal),
      el("section", { class: "card", "aria-label": "Question" }, form),
      runs,
    ),
  );
  shown();
  await library.load();
  await recent(runs, signal);
}
