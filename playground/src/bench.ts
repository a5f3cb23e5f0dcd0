import { type Cell, equations } from "longshort";
import { type CellGraph, type CellGraphNode, cellGraph, type Trace, trace, traceNames } from "longshort/explain";
import type { OpenedText } from "longshort/worker";
import { update } from "./update.ts";

export type Letters = "pytorch" | "note";

/** A tiny model on the page that reads one line, step by step; gates and weights can be changed. */
export class Bench {
  opened?: OpenedText;
  graph?: CellGraph;
  line = "A....?A\n";
  step = 0;
  unit = 0;
  selected: number | undefined;
  stage: string | undefined;
  letters: Letters = "note";
  error: string | undefined;
  /** Values put in place of computed ones at this step. */
  readonly override = new Map<number, Float64Array>();
  /** Of the line as it is, and of what follows this step if values were replaced. */
  whole?: Trace;
  private whatIf: Trace | undefined;
  private original?: ReadonlyMap<string, ArrayLike<number>>;
  private readonly source: () => Promise<OpenedText>;
  private asked = false;
  private closed = false;
  private turn = 0;
  /** Numbers that a cell has beside its gates, by the name of their node: weights a unit, masks. */
  private fixed: Readonly<Record<string, Float64Array>> = {};

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
    return Array.from(this.opened!.tokenizer.encode(this.line), (t) => this.opened!.tokenizer.tokens[t]!);
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
      await this.refresh();
    } catch (error) {
      if (!this.closed) this.error = (error as Error).message;
      update();
    }
  }

  /** Reads the line again: after it, a weight or a value was changed. */
  async refresh(): Promise<void> {
    const turn = ++this.turn;
    const { model, tokenizer } = this.opened!;
    const tokens = tokenizer.encode(this.line);
    const whole = await trace(this.opened!, { data: tokens }, { names: traceNames(model) });
    const fixed = await this.readFixed();
    if (turn !== this.turn) return;
    this.fixed = fixed;
    this.whole = whole;
    this.step = Math.min(this.step, tokens.length - 1);
    this.whatIf = undefined;
    if (this.override.size > 0 && this.step + 1 < tokens.length) {
      const rest = await trace(
        this.opened!,
        { data: tokens.slice(this.step + 1), initial: this.stateAfter() },
        { names: traceNames(model) },
      );
      if (turn !== this.turn) return;
      this.whatIf = rest;
    }
    update();
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

  /** What a step is given: sums and the states before it. */
  given(step = this.step): Record<string, Float64Array> {
    const given: Record<string, Float64Array> = {};
    for (const { name, kind } of this.graph!.nodes) {
      if (kind === "sum") given[name!] = this.raw(name!, step);
      if (kind === "previous")
        given[name!] = step === 0 ? new Float64Array(this.units) : this.raw(name!.slice(9), step - 1);
    }
    return Object.assign(given, this.fixed);
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
  values(step = this.step): Float64Array[] {
    return this.graph!.evaluate(this.given(step), step === this.step ? this.override : undefined);
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
    const most = Math.max(...logits);
    const powers = logits.map((x) => Math.exp(x - most));
    const sum = powers.reduce((a, x) => a + x, 0);
    return powers.map((x) => x / sum);
  }

  /** The line of the printer that explains a value, in the chosen letters. */
  lineOf(node: CellGraphNode | undefined): string | undefined {
    if (!node?.name) return undefined;
    const name = node.name.replace(/^(pre\.|previous\.)/, "").replace(/\.[xh]$/, "");
    const index = equations(this.cell).findIndex((line) => line.startsWith(`${name}_t =`));
    return index < 0 ? undefined : equations(this.cell, { notation: this.letters })[index];
  }

  /** How a value is called in the chosen letters. */
  letter(node: CellGraphNode): readonly [string, string] | undefined {
    if (!node.name || node.name.includes(".")) return undefined;
    const gate =
      this.cell.gates.some((g) => g.name === node.name) && !this.cell.states.some((s) => s.name === node.name);
    if (this.letters === "pytorch" || !gate) return [node.name, ""];
    return ["g", "n"].includes(node.name) ? ["z", ""] : ["z", node.name];
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
    return this.selected ?? this.id("f") ?? this.id("z") ?? this.id("h") ?? this.graph!.nodes.length - 1;
  }

  id(name: string): number | undefined {
    return this.graph!.named[name];
  }
  /** The node that is made of exactly these. */
  madeOf(...names: string[]): number | undefined {
    const ids = names.map((name) => this.id(name) ?? this.graph!.nodes.find((n) => n.name === name)?.id);
    return this.graph!.nodes.find((n) => ids.length === n.args.length && ids.every((id) => n.args.includes(id!)))?.id;
  }
}
