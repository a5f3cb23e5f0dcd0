import { type Cell, equations, logProbabilities } from "longshort";
import {
  type CellGraph,
  type CellGraphNode,
  cellGraph,
  type HeldPlace,
  type Trace,
  trace,
  traceNames,
} from "longshort/explain";
import type { OpenedText } from "longshort/worker";
import { update } from "../update.ts";

export type Letters = "pytorch" | "note";

/** What of a bench is looked at, and what was changed on it: all that an address says of it. */
export interface BenchPlace {
  readonly line?: string | undefined;
  readonly step?: number | undefined;
  readonly stage?: string | undefined;
  readonly letters?: Letters | undefined;
  /** The name of a value, as the graph has it. */
  readonly looked?: string | undefined;
  /** Numbers in place of computed ones, by name. */
  readonly set?: readonly (readonly [name: string, values: readonly number[]])[];
}

/** A tiny model on the page that reads one line, step by step; gates and weights can be changed. */
export class Bench {
  opened?: OpenedText;
  graph?: CellGraph;
  line = "A....?A\n";
  step = 0;
  unit = 0;
  /** The value that was picked, and the one that is pointed at meanwhile. */
  selected: number | undefined;
  pointed: number | undefined;
  stage: string | undefined;
  letters: Letters = "note";
  error: string | undefined;
  /** Values put in place of computed ones at this step. */
  readonly override = new Map<number, Float64Array>();
  /** Of the line as it is, and of what follows this step if values were replaced. */
  whole?: Trace;
  private whatIf: Trace | undefined;
  /** Of the step alone, where the states before it were replaced. */
  private anew: Trace | undefined;
  private asking: BenchPlace | undefined;
  private original?: ReadonlyMap<string, ArrayLike<number>>;
  private readonly source: () => Promise<OpenedText>;
  private asked = false;
  private closed = false;
  private turn = 0;
  /** Numbers that a cell has beside its gates, by the name of their node: weights a unit, masks. */
  private fixed: Readonly<Record<string, Float64Array>> = {};
  private embedding: ArrayLike<number> = [];

  constructor(source: () => Promise<OpenedText>) {
    this.source = source;
  }

  /** Its model is not needed any more. */
  close(): void {
    this.closed = true;
    this.turn++;
    this.opened?.parameters.close();
  }

  get cell(): Cell {
    return this.opened!.model.cell;
  }
  get tokens(): readonly string[] {
    return Array.from(this.opened!.tokenizer.encode(this.line), (t) => this.opened!.tokenizer.vocabulary[t]!);
  }
  get units(): number {
    return this.opened!.model.config.hiddenSize;
  }

  /** Begins to load, once. @returns whether there is something to show */
  get ready(): boolean {
    if (!this.asked) {
      this.asked = true;
      void this.load();
    }
    return this.whole !== undefined;
  }

  private async load(): Promise<void> {
    try {
      this.opened = await this.source();
      if (this.closed) return this.opened.parameters.close();
      this.graph = cellGraph(this.cell);
      const tensors = await this.opened.parameters.toTensors();
      this.original = new Map([...tensors].map(([name, { data }]) => [name, data]));
      if (this.asking) this.put(this.asking);
      await this.refresh();
    } catch (error) {
      if (!this.closed) this.error = (error as Error).message;
      update();
    }
  }

  /** Goes to a place, at once or when it is loaded. */
  show(place: BenchPlace): void {
    this.asking = place;
    if (!this.graph) return;
    this.put(place);
    void this.refresh();
  }

  /** Where it stands, for an address. */
  get place(): Required<BenchPlace> {
    const name = (id: number): string | undefined => this.graph!.nodes[id]!.name;
    return {
      ...{ line: this.line, step: this.step, stage: this.stage, letters: this.letters },
      looked: this.selected === undefined ? undefined : name(this.selected),
      set: [...this.override].flatMap(([id, values]) => {
        const known = name(id);
        return known === undefined ? [] : [[known, Array.from(values)] as const];
      }),
    };
  }

  private put({ line, step, stage, letters, looked, set = [] }: BenchPlace): void {
    this.asking = undefined;
    if (line !== undefined) this.line = line;
    if (letters) this.letters = letters;
    this.step = Math.min(step ?? 0, this.tokens.length - 1);
    this.stage = stage;
    this.selected = looked === undefined ? undefined : this.idOf(looked);
    this.override.clear();
    for (const [name, values] of set) {
      const id = this.idOf(name);
      if (id !== undefined && values.length === this.units) this.override.set(id, Float64Array.from(values));
    }
  }

  /** Reads the line again: after it, a weight or a value was changed. */
  async refresh(): Promise<void> {
    try {
      await this.readAgain(++this.turn);
    } catch (error) {
      // Closed meanwhile, nobody looks at it any more.
      if (!this.closed) throw error;
    }
  }

  private async readAgain(turn: number): Promise<void> {
    const names = traceNames(this.opened!.model);
    const tokens = this.opened!.tokenizer.encode(this.line);
    const whole = await trace(this.opened!, { data: tokens }, { names });
    const fixed = await this.readFixed();
    const embedding = await this.opened!.parameters.read("embedding.weight");
    if (turn !== this.turn) return;
    [this.fixed, this.embedding, this.whole] = [fixed, embedding, whole];
    this.step = Math.min(this.step, tokens.length - 1);
    [this.anew, this.whatIf] = [undefined, undefined];
    const { step } = this;
    if (this.sumsChange) {
      const initial = Object.fromEntries(this.cell.states.map(({ name }) => [name, this.changedBefore(name)]));
      const anew = await trace(
        this.opened!,
        { data: tokens.slice(step, step + 1), initial },
        { names, hold: this.held() },
      );
      if (turn !== this.turn) return;
      this.anew = anew;
    }
    if (this.override.size > 0 && step + 1 < tokens.length) {
      const rest = await trace(this.opened!, { data: tokens.slice(step + 1), initial: this.stateAfter() }, { names });
      if (turn !== this.turn) return;
      this.whatIf = rest;
    }
    update();
  }

  /** Whether what was put in place of values changes what gates see at this step: a state before it, or what a matrix multiplies. */
  private get sumsChange(): boolean {
    const { nodes } = this.graph!;
    const made = nodes.some(({ sees }) => sees.includes("made"));
    return nodes.some(({ id, kind }) => this.override.has(id) && (made || kind === "previous"));
  }

  /** A state before the step, as it was or as it was put. */
  private changedBefore(state: string): Float64Array {
    const node = this.graph!.nodes.find(({ name }) => name === `previous.${state}`);
    return this.override.get(node?.id ?? -1) ?? this.before(state);
  }

  /** What was put in place of results, for a trace. */
  private held(): HeldPlace[] {
    return [...this.override].flatMap(([id, values]) => {
      const { kind, name } = this.graph!.nodes[id]!;
      if (kind !== "operation" || name === undefined) return [];
      return Array.from(values, (value, unit) => ({ name: `${name}_l0`, unit, value }));
    });
  }

  goTo(step: number): void {
    this.step = Math.min(this.tokens.length - 1, Math.max(0, step));
    const changed = this.override.size > 0;
    this.override.clear();
    if (changed) void this.refresh();
    else update();
  }

  setValue(id: number, unit: number, value: number): void {
    const now = this.override.get(id) ?? Float64Array.from(this.values()[id]!);
    now[unit] = value;
    this.override.set(id, now);
    void this.refresh();
  }

  async setWeight(name: string, index: number, value: number): Promise<void> {
    const data = Float64Array.from(await this.opened!.parameters.read(name));
    data[index] = value;
    this.opened!.parameters.write(name, data);
    await this.refresh();
  }

  async reset(): Promise<void> {
    this.override.clear();
    for (const [name, data] of this.original!) this.opened!.parameters.write(name, data);
    await this.refresh();
  }

  /** Of a named value at a step: what if there is one, else what was. [H] */
  at(name: string, step: number): Float64Array {
    const later = this.whatIf && step > this.step;
    const { data } = (later ? this.whatIf : this.whole)!.values[`${name}_l0`]!;
    const t = later ? step - this.step - 1 : step;
    if (!later && step === this.step && this.override.size > 0) {
      const id = this.id(name);
      if (id !== undefined) return this.values()[id]!;
    }
    return Float64Array.from(data.slice(t * this.units, (t + 1) * this.units));
  }

  /** What the step is given: sums and the states before it. */
  given(): Record<string, Float64Array> {
    const given: Record<string, Float64Array> = {};
    for (const { name, kind } of this.graph!.nodes) {
      if (kind === "sum")
        given[name!] = this.anew ? Float64Array.from(this.anew.values[`${name}_l0`]!.data) : this.raw(name!, this.step);
      if (kind === "previous") given[name!] = this.before(name!.slice(9));
    }
    return Object.assign(given, this.fixed);
  }

  /** What the sums of the step are made of: the input and the hidden state before it. */
  joined(): { readonly x: Float64Array; readonly h: Float64Array } {
    const width = this.opened!.model.config.embeddingSize;
    const token = this.opened!.tokenizer.encode(this.line)[this.step]!;
    return {
      x: Float64Array.from({ length: width }, (_, k) => this.embedding[token * width + k]!),
      h: this.changedBefore(this.cell.states[0]!.name),
    };
  }

  /** A state before the step. */
  private before(state: string): Float64Array {
    return this.step === 0 ? new Float64Array(this.units) : this.raw(state, this.step - 1);
  }

  private async readFixed(): Promise<Record<string, Float64Array>> {
    const fixed: Record<string, Float64Array> = {};
    for (const name of Object.keys(this.cell.weights))
      fixed[`weight.${name}`] = Float64Array.from(await this.opened!.parameters.read(`rnn.weight_${name}_l0`));
    // As they are when nothing is trained.
    for (const [name, { kind, rate }] of Object.entries(this.cell.masks))
      fixed[`mask.${name}`] = new Float64Array(this.units).fill(kind === "dropout" ? 1 : rate);
    return fixed;
  }

  /** Values of all nodes of the graph at this step. */
  values(): Float64Array[] {
    return this.graph!.evaluate(this.given(), this.override);
  }

  private raw(name: string, step: number): Float64Array {
    const { data } = this.whole!.values[`${name}_l0`]!;
    return Float64Array.from(data.slice(step * this.units, (step + 1) * this.units));
  }

  private stateAfter(): Record<string, Float64Array> {
    const values = this.values();
    return Object.fromEntries(
      // A state that is a number has no node.
      this.cell.states.map(({ name }) => [name, values[this.id(name) ?? -1] ?? this.raw(name, this.step)]),
    );
  }

  /** Probabilities of the next token after a step, by the head's own weights. */
  async probabilities(step: number): Promise<number[]> {
    const { parameters } = this.opened!;
    const [w, b] = [await parameters.read("head.weight"), await parameters.read("head.bias")];
    const h = this.at("h", step);
    const logits = Array.from(b, (bias, v) => h.reduce((sum, x, u) => sum + x * w[v * h.length + u]!, bias));
    return Array.from(logProbabilities(logits), Math.exp);
  }

  /** The line of the printer that explains a value, in the chosen letters. */
  lineOf(node: CellGraphNode | undefined): string | undefined {
    if (!node?.name) return undefined;
    const name = node.name.replace(/^(pre\.|previous\.)/, "").replace(/\.[xh]$/, "");
    const index = equations(this.cell).findIndex((line) => line.startsWith(`${name}_t =`));
    return index < 0 ? undefined : equations(this.cell, { notation: this.letters })[index];
  }

  /** How a value is called in the chosen letters. */
  letter(node: CellGraphNode): readonly [base: string, above: string, below?: string] | undefined {
    if (node.kind === "sum" && this.letters === "note") return this.sumLetter(node.symbol);
    if (!node.name || node.name.includes(".")) return undefined;
    const gate =
      this.cell.gates.some((g) => g.name === node.name) && !this.cell.states.some((s) => s.name === node.name);
    if (this.letters === "pytorch" || !gate) return [node.name, ""];
    return ["g", "n"].includes(node.name) ? ["z", ""] : ["z", node.name];
  }

  /** Of what a gate sees, where there is one matrix: W with the gate's letter above; of the halves of a split one, x or h below. */
  private sumLetter(symbol: string): readonly [string, string, string] {
    const [gate = "", part = ""] = symbol.split(".");
    return ["W", ["g", "n", "a"].includes(gate) ? "" : gate, part];
  }

  /** Ids below some nodes, themselves included. */
  below(...roots: (number | undefined)[]): Set<number> {
    const found = new Set<number>();
    const visit = (id: number): void => {
      if (found.has(id)) return;
      found.add(id);
      this.graph!.nodes[id]!.args.forEach(visit);
    };
    for (const id of roots) if (id !== undefined) visit(id);
    return found;
  }

  /** The node that is looked at. */
  get looked(): number {
    return (
      this.pointed ?? this.selected ?? this.id("f") ?? this.id("z") ?? this.id("h") ?? this.graph!.nodes.length - 1
    );
  }

  id(name: string): number | undefined {
    return this.graph!.named[name];
  }
  /** By the name of a result, or of what is given. */
  private idOf(name: string): number | undefined {
    return this.id(name) ?? this.graph!.nodes.find((n) => n.name === name)?.id;
  }
  /** The node that is made of exactly these. */
  madeOf(...names: string[]): number | undefined {
    const ids = names.map((name) => this.idOf(name));
    return this.graph!.nodes.find((n) => ids.length === n.args.length && ids.every((id) => n.args.includes(id!)))?.id;
  }
}
