/**
 * usage: node bench/figure.mjs REPORT.json FIGURE.svg [CASE[,CASE]]
 *
 * Draws bars of a report of `npm run bench` into an SVG file and prints them as a table, all cases or those named. A bar is how many times longer (or
 * shorter) the peer takes than we do on one and on two threads; 1 is marked.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { picture, round, text } from "./svg.mjs";
import { byCase, markdown, time } from "./table.mjs";

const [WIDTH, LEFT, RIGHT, BAR, GAP, TOP] = [900, 250, 200, 13, 12, 78];
/** The scale is logarithmic, since ratios reach from below 1 to hundreds; bars begin at 1 and go left where the peer is faster. */
const LEAST = 0.25;

/** The picture of the bars. @param {object[]} rows as `npm run bench -- --json` writes them */
export function figure(rows) {
  const lines = byCase(rows).flatMap(({ name, ours, peers }) =>
    [...peers].flatMap(([system, all]) => {
      const good = all.filter((row) => typeof row.ratio === "number" && row.ratio > 0);
      return good.length > 0 ? [{ name, system, good, ours }] : [];
    }),
  );
  const most = Math.max(2, ...lines.flatMap(({ good }) => good.map((row) => row.ratio))) * 1.1;
  const scale = (ratio) => ((WIDTH - LEFT - RIGHT) * Math.log(Math.max(ratio, LEAST) / LEAST)) / Math.log(most / LEAST);
  const heights = lines.map(({ good }) => good.length * (BAR + 2) + GAP);
  const height = TOP + heights.reduce((a, b) => a + b, 0) + 30;
  const body = [
    text("How many times longer others take (left of 1: shorter)", { x: 16, y: 26, class: "title" }),
    text(subtitle(rows), { x: 16, y: 46, class: "note" }),
    ...legend(),
    ...ticks(most).flatMap((value) => [
      `<line class="axis${value === 1 ? " even" : ""}" x1="${round(LEFT + scale(value))}" x2="${round(LEFT + scale(value))}" y1="${TOP - 6}" y2="${height - 24}"/>`,
      text(`${value} ×`, { x: LEFT + scale(value), y: height - 8, class: "note", anchor: "middle" }),
    ]),
  ];
  let y = TOP;
  for (const [k, line] of lines.entries()) {
    body.push(text(`${line.name}, ${line.system}`, { x: LEFT - 10, y: y + 11, anchor: "end" }));
    for (const [j, row] of line.good.entries()) {
      const at = y + j * (BAR + 2);
      const own = line.ours.get(row.threads);
      const label = `${digits(row.ratio)} × ${own ? `(${time(row.medianMs)} : ${time(own.medianMs)})` : ""}`;
      const [from, to] = [1, row.ratio].sort((a, b) => a - b).map((ratio) => LEFT + scale(ratio));
      body.push(
        `<rect class="${j === 0 ? "ours" : "ours2"}" x="${round(from)}" y="${at}" width="${round(Math.max(1, to - from))}" height="${BAR}" rx="2"/>`,
        text(label, { x: to + 6, y: at + 11, class: "note" }),
      );
    }
    y += heights[k];
  }
  const description = lines
    .map(
      (line) =>
        `${line.name}: ${line.system} ${line.good.map((row) => `${digits(row.ratio)} times (${row.threads} of our threads)`).join(", ")}`,
    )
    .join("; ");
  return picture({ width: WIDTH, height, title: "Time of others over ours", description, body });
}

function subtitle(rows) {
  const own = rows.find((row) => row.system === "longshort" && !row.error);
  if (!own) return "";
  return `Longshort ${own.version} on ${own.engine === "chromium" ? "Chromium" : `Node ${own.node}`}; ${own.processor}; each peer at its best setting`;
}

const legend = () => [
  `<rect class="ours" x="${WIDTH - 260}" y="16" width="12" height="12" rx="2"/>`,
  text("ours on 1 thread", { x: WIDTH - 243, y: 26, class: "note" }),
  `<rect class="ours2" x="${WIDTH - 130}" y="16" width="12" height="12" rx="2"/>`,
  text("on 2 threads", { x: WIDTH - 113, y: 26, class: "note" }),
];

const digits = (ratio) => Number(ratio.toPrecision(3));

const ticks = (most) => [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((value) => value <= most);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [from, to, cases] = process.argv.slice(2);
  if (!from || !to) {
    console.error("usage: node bench/figure.mjs REPORT.json FIGURE.svg [CASE[,CASE]]");
    process.exit(2);
  }
  const named = cases?.split(",");
  const rows = JSON.parse(readFileSync(from, "utf8")).filter((row) => !named || named.includes(row.case));
  writeFileSync(to, figure(rows));
  console.log(markdown(rows));
}
