// Numbers as people read them.

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const DATE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export const count = (n) => COUNT.format(n);
export const short = (n) => SHORT.format(n);
export const date = (seconds) => DATE.format(new Date(seconds * 1000));

/** `3 files`, `1 file`. */
export function several(n, noun) {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Bytes in the largest unit that keeps the number above one. */
export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const value = n / 1000 ** power;
  return `${value.toFixed(power && value < 10 ? 1 : 0)} ${units[power]}`;
}

/** A span of time, roughly: what is left of an hour is not told in seconds. */
export function duration(seconds) {
  if (seconds < 1) return "under 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

/** A cost in whatever currency prices are configured in, with as many places as a small sum needs. */
export function money(sum) {
  if (sum === 0) return "0";
  return sum < 0.01 ? "under 0.01" : sum.toFixed(sum < 10 ? 2 : 0);
}
