import { html, svg, type TemplateResult } from "lit";
import type { CellGraph, CellGraphNode } from "longshort/explain";
import { colourOf, scaleOf } from "../colour.ts";
import { shown } from "../format.ts";
import { say } from "../language.ts";

export interface DiagramOptions {
  readonly graph: CellGraph;
  readonly values: readonly ArrayLike<number>[];
  readonly selected: number | undefined;
  /** What is lit up, by id; undefined: everything. */
  readonly stage: ReadonlySet<number> | undefined;
  /** States by name, the first is the output. */
  readonly states: readonly string[];
  readonly select: (id: number) => void;
  /** How a value is called in the chosen letters, as plain text with a raised part: ["z", "f"]. */
  readonly letters: (node: CellGraphNode) => readonly [base: string, above: string] | undefined;
}

const [COLUMN, ROW, WIDE, HIGH] = [132, 84, 84, 46];
const [PAD_X, PAD_Y] = [74, 40];

/** Colours of gates by name, used wherever a gate is meant; a gate of another name is drawn in ink. */
export const gateColour = (name: string | undefined): string => {
  const gate = name?.replace(/^pre\./, "").replace(/\.[xh]$/, "");
  return ["f", "i", "g", "o", "r", "z", "n", "a", "c", "h"].includes(gate ?? "") ? `var(--gate-${gate})` : "var(--ink)";
};

interface Placed extends CellGraphNode {
  readonly x: number;
  readonly y: number;
}

/** A column for each depth; what is given stands in the order in which the states need it, states above. */
function place({ nodes }: CellGraph): Placed[] {
  const givenNodes = [...nodes].filter((n) => n.depth === 0);
  const sorted = [
    ...givenNodes.filter((n) => n.kind === "previous"),
    ...givenNodes.filter((n) => n.kind !== "previous"),
  ];
  const y = new Map<number, number>(sorted.map((n, row) => [n.id, row]));
  const columns = new Map<number, CellGraphNode[]>();
  for (const n of nodes) if (n.depth > 0) columns.set(n.depth, [...(columns.get(n.depth) ?? []), n]);
  for (const [, column] of [...columns].sort(([a], [b]) => a - b)) {
    const wanted = column
      .map((n) => ({ n, y: n.args.reduce((sum, a) => sum + y.get(a)!, 0) / Math.max(1, n.args.length) }))
      .sort((a, b) => a.y - b.y);
    let free = Number.NEGATIVE_INFINITY;
    for (const one of wanted) {
      const at = Math.max(one.y, free);
      y.set(one.n.id, at);
      free = at + 1;
    }
  }
  return nodes.map((n) => ({ ...n, x: PAD_X + n.depth * COLUMN, y: PAD_Y + y.get(n.id)! * ROW }));
}

/** The diagram of any cell, made from its equations, with a square for each unit in the colour of its value. */
export function cellDiagram(options: DiagramOptions): TemplateResult {
  const placed = place(options.graph);
  const width = Math.max(...placed.map((n) => n.x)) + PAD_X + 34;
  const height = Math.max(...placed.map((n) => n.y)) + PAD_Y + 12;
  const edges = placed.flatMap((to) => to.args.map((a) => ({ from: placed[a]!, to })));
  const out = placed.filter((n) => n.name !== undefined && options.states.includes(n.name));
  return html`<div class="diagram" tabindex="0" role="group" aria-label=${say("Diagram of the cell", "单元结构图")}>
    <svg viewBox="0 0 ${width} ${height}" style="min-width:${Math.min(width, 560)}px">
      <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.500L8 4L0 7.500z" fill="context-stroke"/></marker></defs>
      ${edges.map(({ from, to }) => edge(options, from, to))}
      ${out.map(
        (
          n,
        ) => svg`<path d="M${n.x + WIDE / 2} ${n.y}H${n.x + WIDE / 2 + 22}" class="edge out" style="--line:${gateColour(n.name)}" marker-end="url(#tip)"/>
        <text x=${n.x + WIDE / 2 + 28} y=${n.y + 4} class="state">${n.name}<tspan dy="4" class="sub">t</tspan></text>`,
      )}
      ${placed.map((n) => node(options, n))}
    </svg>
  </div>`;
}

function edge({ stage }: DiagramOptions, from: Placed, to: Placed): unknown {
  const [x1, x2] = [from.x + WIDE / 2, to.x - WIDE / 2 - 1];
  const bend = Math.max(18, (x2 - x1) * 0.5);
  const lit = !stage || (stage.has(from.id) && stage.has(to.id));
  return svg`<path d="M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}" class="edge ${lit ? "" : "dim"}" style="--line:${from.name ? gateColour(from.name) : "var(--soft)"}" marker-end="url(#tip)"/>`;
}

function node(options: DiagramOptions, n: Placed): unknown {
  const { values, selected, stage, letters, select } = options;
  const value = values[n.id] ?? [];
  const scale =
    n.kind === "operation" && (n.symbol === "σ" || n.symbol.startsWith("1 −"))
      ? { low: 0, high: 1 }
      : { ...scaleOf([-1, ...Array.from(value)]) };
  const size = Math.min(15, (WIDE - 14) / Math.max(1, value.length));
  const left = -(size * value.length) / 2;
  const [base, above] = letters(n) ?? [n.symbol, ""];
  const label = `${n.name ?? n.symbol}: ${Array.from(value, (v) => shown(v)).join(", ")}`;
  const operator = n.kind === "operation";
  return svg`<g class="node ${n.kind} ${selected === n.id ? "selected" : ""} ${stage && !stage.has(n.id) ? "dim" : ""}" transform="translate(${n.x} ${n.y})"
      style="--line:${gateColour(n.name?.startsWith("previous.") ? n.name.slice(9) : n.name)}" tabindex="0" role="button" aria-description=${label} aria-pressed=${selected === n.id}
      @click=${() => select(n.id)} @mouseenter=${() => select(n.id)} @focus=${() => select(n.id)}>
    <rect x=${-WIDE / 2} y=${-HIGH / 2} width=${WIDE} height=${HIGH} rx=${operator ? 23 : 7} class="body"/>
    <text y="-5" text-anchor="middle" class="symbol">${
      n.kind === "sum"
        ? svg`W<tspan class="sub" dy="4">${n.symbol}</tspan><tspan dy="-4">·[x ; h]</tspan>`
        : n.kind === "previous"
          ? svg`${n.symbol}<tspan class="sub" dy="4">t−1</tspan>`
          : operator && n.name
            ? svg`${base}${above ? svg`<tspan class="sub" dy="-5">${above}</tspan><tspan dy="5"> </tspan>` : ""}<tspan class="op"> = ${n.symbol}</tspan>`
            : n.symbol
    }</text>
    ${Array.from(value, (v, u) => svg`<rect x=${left + u * size + 0.75} y="4" width=${size - 1.5} height="13" rx="2" fill=${colourOf(v, scale)} class="unit"><title>${`${u}: ${shown(v)}`}</title></rect>`)}
  </g>`;
}
