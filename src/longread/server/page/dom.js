// Building the page from nodes. Documents, models and file names are strangers' text: it becomes text
// nodes and nothing else, so that no markup in it can ever act.

/**
 * An element. A property that is a function listens to the event it names (`onclick`), `true` sets a bare
 * attribute, `false` and `null` leave it out.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string | number | null | undefined | Array)} children
 * @returns {HTMLElement}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** Puts `children` in the place of all that `element` held. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** Sets the text only when it changes, so that a screen reader is not told the same again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A button with a name that is read out when it shows only an icon. */
export function button(label, properties = {}, ...children) {
  const shown = children.length ? children : [label];
  const name = children.length ? { "aria-label": label, title: label } : {};
  return el("button", { type: "button", ...name, ...properties }, ...shown);
}

/** Text for screen readers alone. */
export function hidden(text) {
  return el("span", { class: "hidden" }, text);
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
