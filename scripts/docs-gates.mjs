/**
 * `node scripts/docs-gates.mjs RUN`: draws docs/images/gates.svg, the gates and the cell state of a trained LSTM while it reads a line.
 * The picture in the README is of the run that `npm start` makes.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ensureReady, root } from "./bootstrap.mjs";

ensureReady();

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("expected the folder of a run with an LSTM: node scripts/docs-gates.mjs runs/2026-01-31-demo");
  process.exit(2);
}
const { openMachine, loadRun, traceText } = await import("../dist/index.js");

const TEXT = "const h = mul(o, tanh(c)); // out";
const VALUES = [
  ["i", "input gate i: how much of the new is taken in", 0, 1],
  ["f", "forget gate f: how much of the old is kept", 0, 1],
  ["o", "output gate o: how much is shown", 0, 1],
  ["c", "cell state c"],
];
const UNITS = 6;
const CELL = 20;
const LEFT = 76;

const machine = await openMachine("wasm");
const trace = await traceText({ ...(await loadRun(folder, { machine })), text: TEXT });
machine.close();

/** Units that vary most over the text, in their order. */
function liveliest({ shape: [T, , H], data }) {
  const spread = (unit) => {
    const values = Array.from({ length: T }, (_, t) => data[t * H + unit]);
    const mean = values.reduce((a, b) => a + b, 0) / T;
    return values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  };
  const units = Array.from({ length: H }, (_, unit) => unit).sort((a, b) => spread(b) - spread(a));
  return units.slice(0, UNITS).sort((a, b) => a - b);
}

/** White to blue for what goes from none to all; blue to orange for what has a sign, as in the pages and in the terminal. */
function colour(value, low, high) {
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  const [from, strength] =
    low < 0 ? [share < 0.5 ? [20, 90, 180] : [217, 108, 20], Math.abs(2 * share - 1)] : [[20, 90, 180], share];
  return `#${from
    .map((part) =>
      Math.round(255 + (part - 255) * strength)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const width = LEFT + trace.tokens.length * CELL + 12;
const parts = [];
let y = 12;
const units = liveliest(trace.values.f_l0);
for (const [name, title, ...ends] of VALUES) {
  const { shape, data } = trace.values[`${name}_l0`];
  const largest = Math.max(...units.flatMap((u) => trace.tokens.map((_, t) => Math.abs(data[t * shape[2] + u]))));
  const [low, high] = ends.length === 2 ? ends : [-Math.ceil(largest), Math.ceil(largest)];
  y += 20;
  parts.push(`<text x="${LEFT}" y="${y}" class="t">${escaped(title)} (${low} to ${high})</text>`);
  y += 18;
  trace.tokens.forEach((token, t) => {
    const x = LEFT + t * CELL + CELL / 2;
    parts.push(`<text x="${x}" y="${y}" text-anchor="middle">${token === " " ? "␣" : escaped(token)}</text>`);
  });
  y += 6;
  for (const unit of units) {
    parts.push(`<text x="${LEFT - 6}" y="${y + 14}" text-anchor="end">unit ${unit}</text>`);
    for (let t = 0; t < trace.tokens.length; t++)
      parts.push(
        `<path d="M${LEFT + t * CELL} ${y}h19v19h-19z" fill="${colour(data[t * shape[2] + unit], low, high)}"/>`,
      );
    y += CELL;
  }
}
const height = y + 16;
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="12" fill="#222">
<title>The gates and the cell state of an LSTM while it reads a line of code</title>
<style>.t{font-weight:bold}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
const file = path.join(root, "docs", "images", "gates.svg");
mkdirSync(path.dirname(file), { recursive: true });
writeFileSync(file, svg);
console.log(`${path.relative(root, file)}: ${trace.tokens.length} characters, units ${units.join(", ")}`);
