// How a source is best set: code and tables in even columns, all else as prose.

const CODE =
  /\.(py|js|mjs|ts|tsx|jsx|c|h|cc|cpp|hpp|cs|java|kt|go|rs|rb|php|swift|scala|sh|sql|r|lua|pl|hs|ml|css|html?|xml|json|jsonl|ya?ml|toml|ini|cfg|csv|tsv|diff|patch|log)\b/i;

/** The class of an element that shows words of `source`. */
export const textClass = (source) => (CODE.test(source ?? "") ? "text code" : "text");

/** A quote without the indentation that its lines share; the first may begin in the middle of a line. */
export function dedent(quote) {
  const [first, ...rest] = quote.split("\n");
  const indents = rest.filter((line) => line.trim()).map((line) => /^[ \t]*/.exec(line)[0].length);
  const shared = indents.length ? Math.min(...indents) : 0;
  return [first.trimStart(), ...rest.map((line) => line.slice(shared))].join("\n");
}
