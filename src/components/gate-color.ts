import type { Cell } from "../cells/define.ts";

/** The gates that the page and the documents call by these letters, with colours that every kind of colour vision tells apart. */
const KNOWN: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  f: ["#b2441d", "#f0946c"],
  i: ["#0f6080", "#6fc0dc"],
  g: ["#64519c", "#b6a4f2"],
  o: ["#7d5c05", "#dcb558"],
  c: ["#1d3557", "#9dbcea"],
  h: ["#16664a", "#79cda6"],
  r: ["#b2441d", "#f0946c"],
  z: ["#0f6080", "#6fc0dc"],
  n: ["#64519c", "#b6a4f2"],
  a: ["#16664a", "#79cda6"],
};
/** In which gates of other names take the same colours. */
const ORDER = ["f", "i", "g", "o"];

/** For a cell whose gates have other names: the letter whose colour each of them takes, in their order. */
export const gateColors = (cell: Cell): ReadonlyMap<string, string> =>
  new Map(cell.gates.filter(({ name }) => !KNOWN[name]).map(({ name }, k) => [name, ORDER[k % ORDER.length]!]));

/** Returns the CSS colour of a value of a cell: the custom property `--gate-f` and so on, where the page defines it. */
export function gateColor(name: string | undefined, others: ReadonlyMap<string, string> = new Map()): string {
  const gate = (name ?? "").replace(/^(pre|previous)\./, "").replace(/\.[xh]$/, "");
  const letter = others.get(gate) ?? gate;
  const color = KNOWN[letter];
  return color ? `var(--gate-${letter}, light-dark(${color.join(", ")}))` : "var(--ink, CanvasText)";
}
