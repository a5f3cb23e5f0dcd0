/** The plot of the case `growth`: three panels, time over one size each, measured and by the formula, both axes logarithmic. */
import { spent } from "./spent.mjs";
import { picture, round, text } from "./svg.mjs";
import { time } from "./table.mjs";

const [WIDTH, HEIGHT, TOP, BOTTOM, LEFT] = [860, 330, 64, 62, 64];
const PANEL = (WIDTH - LEFT) / 3;
const INNER = PANEL - 40;
const titles = { H: "hidden size H", T: "steps T", B: "batch B" };

/** @param {object[]} rows of the case `growth`; the first is drawn */
export function growthPlot(rows) {
  const row = rows.find(({ points }) => points);
  if (!row)
    return picture({ width: WIDTH, height: 60, title: "Growth", description: "nothing was measured", body: [] });
  const { points } = row;
  const [start] = points;
  const rate = start.gflop / spent(start, row.threads);
  const timeOf = (p) => spent(p, row.threads);
  const all = points.flatMap((p) => [timeOf(p), p.gflop / rate]);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const y = (ms) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * Math.log(ms / least)) / Math.log(most / least);
  const panels = Object.entries(titles).map(([axis, title], k) => {
    const line = [start, ...points.filter((p) => p.axis === axis)].sort((a, b) => a[axis] - b[axis]);
    const [first, last] = [line[0][axis], line.at(-1)[axis]];
    const x = (value) => LEFT + k * PANEL + (INNER * Math.log(value / first)) / Math.log(last / first);
    const path = (of) => line.map((p, j) => `${j ? "L" : "M"}${round(x(p[axis]))} ${round(y(of(p)))}`).join(" ");
    return [
      `<path class="axis" d="M${LEFT + k * PANEL} ${TOP - 8}V${HEIGHT - BOTTOM + 6}H${round(x(last))}" fill="none"/>`,
      `<path class="formula" d="${path((p) => p.gflop / rate)}"/>`,
      `<path class="line" d="${path(timeOf)}"/>`,
      ...line.map((p) => `<circle class="ours" cx="${round(x(p[axis]))}" cy="${round(y(timeOf(p)))}" r="3"/>`),
      ...line.map((p) => text(p[axis], { x: x(p[axis]), y: HEIGHT - BOTTOM + 22, class: "note", anchor: "middle" })),
      text(title, { x: LEFT + k * PANEL + INNER / 2, y: HEIGHT - 16, anchor: "middle" }),
    ].join("\n");
  });
  const ticks = [1e-2, 1e-1, 1, 10, 100, 1000, 10_000, 100_000].filter((ms) => ms >= least && ms <= most);
  const body = [
    text("A training step of one LSTM layer, one size varied", { x: 16, y: 26, class: "title" }),
    text(
      `from H 256, T 64, B 32; ${row.threads > 1 ? `${row.threads} threads, by the clock` : "1 thread, time of the processor"}; dashed: operations at the rate of that step`,
      { x: 16, y: 45, class: "note" },
    ),
    ...ticks.map((ms) => text(time(ms), { x: LEFT - 8, y: y(ms) + 4, class: "note", anchor: "end" })),
    ...panels,
  ];
  const description = points.map((p) => `H ${p.H}, T ${p.T}, B ${p.B}: ${time(timeOf(p))}`).join("; ");
  return picture({ width: WIDTH, height: HEIGHT, title: "Time of a training step over H, T and B", description, body });
}
