// A model's plain text as paragraphs, lists, bold and code; citations as what the caller makes of them.

import { el } from "./dom.js";

const INLINE = /\*\*(.+?)\*\*|`([^`]+)`|\[(\d{1,4})\]/g;
const BULLET = /^\s*[-*•]\s+(.*)$/;
const NUMBER = /^\s*(\d{1,3})[.)]\s+(.*)$/;

/**
 * @param {string} text
 * @param {(n: number) => Node | null} cite the node for the marker `[n]`; null leaves it as text
 * @returns {HTMLElement[]}
 */
export function prose(text, cite = () => null) {
  return text
    .trim()
    .split(/\n\s*\n/)
    .flatMap((block) => pieces(block.split("\n")))
    .map((piece) => render(piece, cite));
}

/** Lines that belong together: those of a list, and those of a paragraph. */
function pieces(lines) {
  const found = [];
  for (const line of lines) {
    const piece = parse(line);
    const last = found.at(-1);
    if (last?.tag === piece.tag) last.lines.push(piece);
    else found.push({ tag: piece.tag, lines: [piece] });
  }
  return found;
}

function parse(line) {
  const [, bullet] = BULLET.exec(line) ?? [];
  if (bullet !== undefined) return { tag: "ul", text: bullet };
  const [, number, item] = NUMBER.exec(line) ?? [];
  if (item !== undefined) return { tag: "ol", text: item, value: number };
  return { tag: "p", text: line };
}

function render({ tag, lines }, cite) {
  if (tag === "p") return el("p", {}, inline(lines.map(({ text }) => text).join("\n"), cite));
  return el(
    tag,
    {},
    lines.map(({ text, value }) => el("li", { value }, inline(text, cite))),
  );
}

function inline(text, cite) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, bold, code, number] = match;
    nodes.push(text.slice(end, match.index));
    if (bold !== undefined) nodes.push(el("strong", {}, inline(bold, cite)));
    else if (code !== undefined) nodes.push(el("code", {}, code));
    else nodes.push(cite(Number(number)) ?? whole);
    end = match.index + whole.length;
  }
  nodes.push(text.slice(end));
  return nodes.flat();
}
