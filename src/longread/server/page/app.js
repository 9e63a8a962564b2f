// Which view is shown, and what all views share.

import { get } from "./api.js";
import { auditView } from "./audit.js";
import { button, el, fill } from "./dom.js";
import { bytes } from "./format.js";
import { historyView } from "./history.js";
import { homeView } from "./home.js";
import { forgetKey, key } from "./key.js";
import { library } from "./library.js";
import { liveView, runView } from "./run.js";
import { dropped } from "./upload.js";

/** @typedef {(main: HTMLElement, at: {id: string, signal: AbortSignal, shown: () => void}) => Promise<void>} View */

/** @type {Record<string, View>} */
const VIEWS = { home: homeView, history: historyView, run: runView, live: liveView, audit: auditView };
const TITLES = { home: "Longread", history: "History – Longread", audit: "How it was read – Longread" };

let leave = new AbortController();

/** Shows the view that the hash names. After a move, the keyboard and the screen reader begin at its heading. */
async function route({ moved = false } = {}) {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const [, page, id] = /^#\/(\w+)(?:\/([^/]+))?$/.exec(location.hash) ?? [null, "home", null];
  const name = page in VIEWS ? page : "home";
  const main = document.getElementById("main");
  document.title = TITLES[name] ?? "Longread";
  for (const link of document.querySelectorAll("[data-page]")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const dialog of document.querySelectorAll("dialog.panel")) dialog.close();
  fill(main, el("p", { class: "muted narrow" }, "One moment…"));
  scrollTo(0, 0);
  try {
    const shown = () => moved && main.querySelector("h1")?.focus();
    await VIEWS[name](main, { id: decodeURIComponent(id ?? ""), signal, shown });
  } catch (error) {
    if (!signal.aborted) fill(main, trouble(error));
  }
}

function trouble(error) {
  return el(
    "div",
    { class: "narrow" },
    el("h1", { tabindex: -1 }, error.status === 404 ? "Not here" : "That did not work"),
    el("p", { class: "error", role: "alert" }, error.message),
    el(
      "div",
      { class: "row" },
      button("Try again", { class: "primary", onclick: () => route({ moved: true }) }),
      el("a", { class: "button", href: "#/" }, "To the first page"),
    ),
  );
}

async function showModel() {
  const status = await get("/api/status");
  const { model, limits } = status;
  const where = model.host ? `at ${model.host}` : "on this machine";
  const room = limits.disk_bytes ? `${bytes(limits.disk_used)} of ${bytes(limits.disk_bytes)} used` : "";
  fill(
    document.getElementById("model"),
    el(
      "span",
      { class: "name", title: [`Longread ${status.version}`, room].filter(Boolean).join(" · ") },
      model.name,
    ),
    el("span", { class: "muted" }, model.language ? where : `${where}, quotes only`),
    key()
      ? button("Forget the key", { class: "link", onclick: () => (forgetKey(), location.reload()) })
      : null,
  );
}

function acceptDrops() {
  const over = (on) => document.body.classList.toggle("dropping", on);
  const files = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    over(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
  addEventListener("drop", async (event) => {
    if (!files(event)) return;
    event.preventDefault();
    over(false);
    const found = dropped(event.dataTransfer);
    if (!/^(#\/)?$/.test(location.hash)) location.hash = "#/";
    await library.add(await found);
  });
}

addEventListener("hashchange", () => route({ moved: true }));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the hash is for views
  document.getElementById("main").focus();
});
acceptDrops();
route();
showModel();
