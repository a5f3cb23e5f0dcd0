import type { Cell } from "../cells/define.ts";
import { type CellGraph, type CellGraphNode, cellGraph } from "../explain/cell-graph.ts";
import { type CellLayout, edgePath, type Flow, HIGH, type PlacedNode, placeNodes, WIDE } from "./cell-layout.ts";
import { colorOf, type Scale, scaleOf } from "./color.ts";
import { adoptStyle, type BaseWith, defineOnce, ElementBase, whenThemeChanges, wrongProperty } from "./element.ts";
import { formatNumber } from "./format.ts";
import { gateColor, gateColors } from "./gate-color.ts";

/** Values of what a step is given, [H] each, by name: sums ("pre.f") and states before it ("previous.c"). */
export type CellGiven = Readonly<Record<string, ArrayLike<number>>>;

/** What the sums of a step are made of: the input [D] and the state before it [H]. */
export interface CellJoined {
  readonly x: ArrayLike<number>;
  readonly h: ArrayLike<number>;
}

/** What `<longshort-cell>` tells. */
export interface CellEvents {
  /** A box was pointed at, focused or picked. */
  readonly node: CustomEvent<CellNodeEvent>;
  /** No box is pointed at or focused any more. */
  readonly away: CustomEvent<null>;
}

/** What the event "node" tells: a box was pointed at or focused, or picked: clicked, or Enter. */
export interface CellNodeEvent {
  readonly id: number;
  readonly node: CellGraphNode;
  readonly picked: boolean;
}

const CELL_STYLE = `
:where(longshort-cell) { display: block; overflow-x: auto; }
:where(longshort-cell svg) { display: block; width: 100%; max-height: 560px; }
:where(longshort-cell .edge) { fill: none; stroke: var(--line); stroke-width: 1.7; opacity: .8; transition: opacity .2s; }
:where(longshort-cell .edge.out) { stroke-width: 2.2; }
:where(longshort-cell .edge.dim, longshort-cell .node.dim) { opacity: .16; }
:where(longshort-cell .node) { cursor: pointer; outline: none; transition: opacity .2s; }
:where(longshort-cell .node .body) { fill: var(--card, Canvas); stroke: var(--line); stroke-width: 1.5; }
:where(longshort-cell .joined .body) { fill: var(--card, Canvas); stroke: var(--soft, GrayText); stroke-width: 1.5; }
:where(longshort-cell .joined .seam) { stroke: var(--soft, GrayText); stroke-width: 1; stroke-dasharray: 2 3; }
:where(longshort-cell .edge.seen) { stroke-width: 1.1; }
:where(longshort-cell .node.sum .body) { stroke-dasharray: 3 3; }
:where(longshort-cell .node.selected .body) { stroke-width: 3; }
:where(longshort-cell .node:focus-visible .body) { stroke-width: 3.5; }
:where(longshort-cell .symbol, longshort-cell .state) { font: italic 600 15px var(--serif, Georgia, serif); fill: var(--ink, CanvasText); }
:where(longshort-cell .node.sum .symbol) { font-size: 12px; letter-spacing: -.2px; }
:where(longshort-cell .sub) { font-size: 10px; }
:where(longshort-cell .op) { font: 500 13px var(--sans, system-ui, sans-serif); fill: var(--soft, GrayText); }
:where(longshort-cell .unit) { stroke: var(--line-soft, #8884); stroke-width: .5; }
@media (prefers-reduced-motion: reduce) { :where(longshort-cell .edge, longshort-cell .node) { transition: none; } }`;

/** Pixels that values need to go to the right in boxes that can be read. */
const ROOM = 540;
/** Tips of arrows are called by a name in the page, which each diagram has for itself: those of one that is hidden are not drawn. */
let tips = 0;

/** A diagram is not made smaller than this share of its size; a phone scrolls what is wider. */
const SMALLEST = 0.6;

/** One half of what is joined: its squares. */
interface Joined {
  readonly part: keyof CellJoined;
  readonly group: SVGGElement;
  readonly units: SVGRectElement[];
}

/** Elements of one node that change with its value. */
interface Drawn {
  readonly placed: PlacedNode;
  readonly group: SVGGElement;
  readonly symbol: SVGTextElement;
  readonly units: SVGRectElement[];
}

/**
 * `<longshort-cell>`: the diagram of a cell, drawn from its equations — a built-in one or one of your own from `defineCell`. With
 * `given` every box has a square for each unit in the colour of its value, computed by the same equations.
 *
 * Events: "node" (a box was pointed at or focused, or picked by a click or Enter), "away" (none is pointed at or focused any more).
 * Keys: Tab goes from box to box, Enter picks one.
 *
 * @example
 * ```ts
 * defineCellDiagram();
 * const element = document.createElement("longshort-cell");
 * element.cell = lstm();
 * document.body.append(element);
 * ```
 */
export class CellElement extends (ElementBase as BaseWith<CellEvents>) {
  private drawnCell: Cell | undefined;
  private graphOfCell: CellGraph | undefined;
  private drawn: Drawn[] = [];
  /** Curves between nodes; those from what is joined come from nowhere else. */
  private edges: { readonly path: SVGPathElement; readonly from: number | undefined; readonly to: number }[] = [];
  private joinedValues: CellJoined | undefined;
  private joinedParts: Joined[] = [];
  private givenValues: CellGiven | undefined;
  private overridden: ReadonlyMap<number, ArrayLike<number>> | undefined;
  private selectedNode: number | undefined;
  private litNodes: ReadonlySet<number> | undefined;
  private letterOf: (node: CellGraphNode) => CellLetter | undefined = (node) =>
    node.name && !node.name.includes(".") ? [node.name, ""] : undefined;
  private asked = false;
  private readonly tip = `longshort-tip-${++tips}`;
  /** What it was called where the page had no name for it. */
  private ownLabel: string | undefined;
  private drawnFlow: Flow = "right";
  private readonly resized = new ResizeObserver(() => {
    if (this.drawnCell && this.flow !== this.drawnFlow) this.build();
  });
  private endTheme: () => void = () => undefined;

  /** Called by the page when the element is put into it. */
  connectedCallback(): void {
    adoptStyle(this, CELL_STYLE);
    this.resized.observe(this);
    this.tabIndex = 0;
    this.setAttribute("role", "group");
    this.endTheme = whenThemeChanges(() => this.update());
    this.build();
  }

  /** Called by the page when the element is taken out of it. */
  disconnectedCallback(): void {
    this.resized.disconnect();
    this.endTheme();
  }

  /** The cell to draw. */
  get cell(): Cell | undefined {
    return this.drawnCell;
  }
  set cell(cell: Cell | undefined) {
    if (cell === this.drawnCell) return;
    if (cell !== undefined && !(typeof cell === "object" && Array.isArray(cell?.gates) && Array.isArray(cell.states)))
      throw wrongProperty(this, "cell", "a cell as lstm(), gru() or defineCell(…) make it", cell);
    const before = this.drawnCell;
    this.drawnCell = cell;
    this.graphOfCell = cell && cellGraph(cell);
    // They were of another cell's gates; those of the first one may come before it.
    if (before) this.givenValues = undefined;
    else if (cell && this.givenValues) this.expectGiven(this.givenValues);
    this.build();
  }
  /** Its graph, whose nodes the ids below name. */
  get graph(): CellGraph | undefined {
    return this.graphOfCell;
  }
  /** Values of a step, by name; everything else is computed. Default: none, the boxes stay empty. */
  set given(given: CellGiven | undefined) {
    if (given !== undefined) this.expectGiven(given);
    this.givenValues = given;
    this.update();
  }
  /** What the sums are made of; given, it is drawn before them as one vector, [x ; h]. Default not. */
  set joined(joined: CellJoined | undefined) {
    const other = (joined === undefined) !== (this.joinedValues === undefined);
    this.joinedValues = joined;
    if (other) this.build();
    else this.update();
  }
  /** Values that replace computed ones, by the id of a node. */
  set override(override: ReadonlyMap<number, ArrayLike<number>> | undefined) {
    this.overridden = override;
    this.update();
  }
  /** Id of the marked box. */
  set selected(id: number | undefined) {
    this.selectedNode = id;
    this.update();
  }
  /** Ids of the boxes that are not dimmed. Default: all. */
  set lit(ids: ReadonlySet<number> | undefined) {
    this.litNodes = ids;
    this.update();
  }
  /** How a value is called, with what stands above: ["z", "f"] for zᶠ. Default its name. */
  set letters(letters: (node: CellGraphNode) => CellLetter | undefined) {
    this.letterOf = letters;
    this.update();
  }
  /** What it is called, for those who do not see it. */
  set label(label: string) {
    this.setAttribute("aria-label", label);
  }

  /** @throws TypeError for values of different lengths, or none of something */
  private expectGiven(given: CellGiven): void {
    const all = typeof given === "object" && given !== null ? Object.entries(given) : [];
    const lengths = [...new Set(all.map(([, values]) => values?.length))];
    const expected = "lists of numbers by name, one number a unit in each";
    if (lengths.length !== 1 || lengths[0] === undefined)
      throw wrongProperty(this, "given", expected, given, all.length > 0 ? `lists of ${lengths.join(" and ")}` : "");
    const missing = this.graphOfCell?.nodes.find(({ kind, name }) => kind !== "operation" && name && !given[name]);
    const names = all.map(([name]) => name).join(", ");
    if (missing) throw wrongProperty(this, "given", `numbers for ${missing.name} as well`, given, `them for ${names}`);
  }

  /** An element that is not seen yet has no width; it is drawn as one of a wide page. */
  private get flow(): Flow {
    return this.clientWidth > 0 && this.clientWidth < ROOM ? "down" : "right";
  }

  private build(): void {
    const [cell, graph] = [this.drawnCell, this.graphOfCell];
    this.replaceChildren();
    [this.drawn, this.edges, this.joinedParts] = [[], [], []];
    if (!cell || !graph || !this.isConnected) return;
    const label = `Diagram of the cell ${cell.name}`;
    if ((this.getAttribute("aria-label") ?? this.ownLabel) === this.ownLabel) this.label = this.ownLabel = label;
    this.drawnFlow = this.flow;
    const layout = placeNodes(graph, { flow: this.drawnFlow, joined: this.joinedValues !== undefined });
    const { nodes, width, height, flow } = layout;
    const colors = gateColors(cell);
    const svg = drawing(this, "svg", { viewBox: `0 0 ${width} ${height}` });
    svg.style.minWidth = `${flow === "right" ? Math.min(width, ROOM) : Math.round(width * SMALLEST)}px`;
    // A cell of two boxes is not blown up to the width of one of twelve.
    svg.style.maxWidth = `${Math.round(width * 1.35)}px`;
    svg.style.marginInline = "auto";
    const away = (): boolean => this.dispatchEvent(new CustomEvent("away"));
    svg.addEventListener("mouseleave", away);
    svg.addEventListener("focusout", (event) => svg.contains(event.relatedTarget as Node | null) || away());
    const marker = drawing(drawing(svg, "defs", {}), "marker", {
      ...{ id: this.tip, viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "7", markerHeight: "7" },
      orient: "auto",
    });
    drawing(marker, "path", { d: "M0 0.500L8 4L0 7.500z", fill: "context-stroke" });
    const tip = { "marker-end": `url(#${this.tip})` };
    for (const to of nodes)
      for (const id of to.args) {
        const from = nodes[id]!;
        const path = drawing(svg, "path", { class: "edge", d: edgePath(from, to, flow), ...tip });
        path.style.setProperty("--line", from.name ? gateColor(from.name, colors) : "var(--soft, GrayText)");
        this.edges.push({ path, from: id, to: to.id });
      }
    if (this.joinedValues) this.drawJoined(svg, layout);
    const read = new Set(nodes.flatMap(({ args }) => args));
    for (const { name } of cell.states) {
      const n = nodes[graph.named[name] ?? -1];
      if (n) this.drawOut(svg, n, { name, colors, flow, read: read.has(n.id) });
    }
    for (const n of nodes) this.drawNode(svg, n, colors);
    this.update();
  }

  /** The input and the state before, one beside the other, and a curve to every sum from what it sees of them. */
  private drawJoined(svg: SVGElement, { joinedAt: { x, y }, nodes, flow }: CellLayout): void {
    const half = flow === "right" ? { x: 0, y: HIGH / 2 } : { x: WIDE / 2, y: 0 };
    const sides = { x: -1, h: 1 };
    for (const to of nodes) {
      const seen = to.sees.filter((part) => part !== "made");
      if (seen.length === 0) continue;
      const side = seen.length > 1 ? 0 : sides[seen[0]!];
      const path = drawing(svg, "path", {
        class: "edge seen",
        d: edgePath({ x: x + side * half.x, y: y + side * half.y }, to, flow),
        "marker-end": `url(#${this.tip})`,
      });
      path.style.setProperty("--line", "var(--soft, GrayText)");
      this.edges.push({ path, from: undefined, to: to.id });
    }
    const [state] = this.drawnCell!.states;
    const group = drawing(svg, "g", { class: "joined", transform: `translate(${x} ${y})`, role: "img" });
    const [wide, high] = [WIDE / 2 + half.x, HIGH / 2 + half.y];
    drawing(group, "rect", {
      ...{ class: "body", x: String(-wide), y: String(-high), width: String(2 * wide), height: String(2 * high) },
      rx: "7",
    });
    drawing(group, "path", { class: "seam", d: flow === "right" ? `M${-wide} 0H${wide}` : `M0 ${-high}V${high}` });
    for (const part of ["x", "h"] as const) {
      const box = drawing(group, "g", { transform: `translate(${sides[part] * half.x} ${sides[part] * half.y})` });
      const text = drawing(box, "text", { class: "symbol", y: "-5", "text-anchor": "middle" });
      text.append(part === "x" ? "x" : state!.name);
      span(text, part === "x" ? "t" : "t−1", { class: "sub", dy: "4" });
      this.joinedParts.push({ part, group: box, units: [] });
    }
  }

  /** A state leaves the cell where values go, or aside where something in the cell goes on with it. */
  private drawOut(
    svg: SVGElement,
    n: PlacedNode,
    { name, colors, flow, read }: { name: string; colors: ReadonlyMap<string, string>; flow: Flow; read: boolean },
  ): void {
    const way = read ? { right: "up", down: "right" }[flow] : flow;
    const { d, left, base } = leaving(n, way);
    const path = drawing(svg, "path", { class: "edge out", d, "marker-end": `url(#${this.tip})` });
    path.style.setProperty("--line", gateColor(name, colors));
    const text = drawing(svg, "text", { class: "state", x: String(left), y: String(base) });
    text.append(name);
    span(text, "t", { class: "sub", dy: "4" });
  }

  private drawNode(svg: SVGElement, placed: PlacedNode, colors: ReadonlyMap<string, string>): void {
    const { id, x, y, kind, name } = placed;
    const group = drawing(svg, "g", { transform: `translate(${x} ${y})`, tabindex: "0", role: "button" });
    group.style.setProperty("--line", gateColor(name, colors));
    const rx = kind === "operation" ? HIGH / 2 : 7;
    drawing(group, "rect", {
      ...{ class: "body", x: String(-WIDE / 2), y: String(-HIGH / 2), width: String(WIDE), height: String(HIGH) },
      rx: String(rx),
    });
    const symbol = drawing(group, "text", { class: "symbol", y: "-5", "text-anchor": "middle" });
    const tell = (picked: boolean): void => {
      const node = this.graphOfCell!.nodes[id]!;
      this.dispatchEvent(new CustomEvent<CellNodeEvent>("node", { detail: { id, node, picked } }));
    };
    for (const event of ["mouseenter", "focus"]) group.addEventListener(event, () => tell(false));
    group.addEventListener("click", () => tell(true));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      tell(true);
    });
    this.drawn.push({ placed, group, symbol, units: [] });
  }

  /** Draws anew at the end of the turn, however many properties were set in it. */
  private update(): void {
    if (this.asked) return;
    this.asked = true;
    queueMicrotask(() => {
      this.asked = false;
      const values = this.givenValues && this.graphOfCell?.evaluate(this.givenValues, this.overridden);
      for (const one of this.drawn) this.updateNode(one, values?.[one.placed.id] ?? []);
      for (const { part, group, units } of this.joinedParts) {
        const value = this.joinedValues?.[part] ?? [];
        paintUnits(group, units, value, scaleOf([-1, ...Array.from(value)]));
      }
      const { x = [], h = [] } = this.joinedValues ?? {};
      this.joinedParts[0]?.group.parentElement?.setAttribute("aria-label", `[x ; h]: ${numbersOf(x)}; ${numbersOf(h)}`);
      for (const { path, from, to } of this.edges)
        path.classList.toggle(
          "dim",
          this.litNodes !== undefined && !((from === undefined || this.litNodes.has(from)) && this.litNodes.has(to)),
        );
    });
  }

  private updateNode({ placed, group, symbol, units }: Drawn, value: ArrayLike<number>): void {
    const { id, kind, name } = placed;
    const selected = this.selectedNode === id;
    const dim = this.litNodes !== undefined && !this.litNodes.has(id);
    group.setAttribute("class", `node ${kind}${selected ? " selected" : ""}${dim ? " dim" : ""}`);
    group.setAttribute("aria-pressed", String(selected));
    const numbers = numbersOf(value);
    group.setAttribute("aria-description", `${name ?? placed.symbol}${numbers ? `: ${numbers}` : ""}`);
    writeSymbol(symbol, placed, this.letterOf(placed));
    const gate = kind === "operation" && (placed.symbol === "σ" || placed.symbol.startsWith("1 −"));
    const scale = gate ? { low: 0, high: 1 } : scaleOf([-1, ...Array.from(value)]);
    paintUnits(group, units, value, scale);
  }
}

/** The arrow of a state that leaves a box, and where its letter stands. */
function leaving(
  { x, y }: PlacedNode,
  way: string,
): { readonly d: string; readonly left: number; readonly base: number } {
  const [right, top, bottom] = [x + WIDE / 2, y - HIGH / 2, y + HIGH / 2];
  if (way === "up") return { d: `M${x} ${top}V${top - 16}`, left: x + 9, base: top - 6 };
  if (way === "down") return { d: `M${x} ${bottom}V${bottom + 22}`, left: x - 5, base: bottom + 38 };
  return { d: `M${right} ${y}H${right + 22}`, left: right + 28, base: y + 4 };
}

const numbersOf = (value: ArrayLike<number>): string => Array.from(value, (v) => formatNumber(v)).join(", ");

/** A square for each number, in its colour. */
function paintUnits(group: SVGElement, units: SVGRectElement[], value: ArrayLike<number>, scale: Scale): void {
  while (units.length > value.length) units.pop()!.remove();
  const width = Math.min(15, (WIDE - 14) / Math.max(1, value.length));
  for (let u = 0; u < value.length; u++) {
    units[u] ??= drawing(group, "rect", { class: "unit", y: "4", height: "13", rx: "2" });
    units[u]!.setAttribute("x", String(-(width * value.length) / 2 + u * width + width * 0.05));
    units[u]!.setAttribute("width", String(width * 0.9));
    units[u]!.setAttribute("fill", colorOf(value[u]!, scale));
  }
}

/** How a value is called: a letter, with what stands above and below it. */
export type CellLetter = readonly [base: string, above: string, below?: string | undefined];

function writeSymbol(text: SVGTextElement, node: PlacedNode, letter: CellLetter | undefined): void {
  text.replaceChildren();
  if (node.kind === "sum") writeSum(text, node, letter);
  else if (node.kind === "previous") {
    text.append(node.symbol);
    span(text, "t−1", { class: "sub", dy: "4" });
  } else if (node.kind === "operation" && node.name) {
    writeLetter(text, letter ?? [node.symbol, ""]);
    span(text, ` = ${node.symbol}`, { class: "op" });
  } else text.append((letter ?? [node.symbol])[0]);
}

/** One matrix on [x ; h], or two; of a vector that the cell makes a point stands for it. */
function writeSum(text: SVGTextElement, { symbol, sees }: PlacedNode, letter: CellLetter | undefined): void {
  const [gate = symbol] = symbol.split(".");
  const operands = { x: "x", h: "h", made: "·" };
  if (letter) {
    writeLetter(text, letter);
    text.append(sees.length > 1 ? `${letter[1] ? "" : " "}[x ; ${operands[sees[1]!]}]` : ` ${operands[sees[0]!]}`);
    return;
  }
  sees.forEach((part, k) => {
    if (k > 0) text.append(" + ");
    writeLetter(text, [part === "x" ? "W" : "U", "", gate]);
    text.append(` ${operands[part]}`);
  });
}

function writeLetter(text: SVGTextElement, [base, above, below = ""]: CellLetter): void {
  text.append(base);
  if (above) {
    span(text, above, { class: "sub", dy: "-5" });
    span(text, " ", { dy: "5" });
  }
  if (below) {
    span(text, below, { class: "sub", dy: "4" });
    span(text, " ", { dy: "-4" });
  }
}

const NAMESPACE = "http://www.w3.org/2000/svg";

function drawing<K extends keyof SVGElementTagNameMap>(
  inside: Element,
  tag: K,
  attributes: Readonly<Record<string, string>>,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  inside.append(element);
  return element;
}

function span(text: SVGTextElement, content: string, attributes: Readonly<Record<string, string>>): void {
  drawing(text, "tspan", attributes).append(content);
}

// For `document.querySelector("longshort-cell")` and `createElement`.
declare global {
  interface HTMLElementTagNameMap {
    "longshort-cell": CellElement;
  }
}

/** Registers `<longshort-cell>`, once. */
export function defineCellDiagram(): void {
  defineOnce("longshort-cell", CellElement);
}
