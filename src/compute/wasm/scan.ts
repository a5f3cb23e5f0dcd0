import type { Width } from "../../cells/define.ts";
import type { AnyNode } from "../../math/expression.ts";
import type { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local, whileTrue } from "../../print/wasm/control.ts";
import { f32, i32, memory } from "../../print/wasm/instructions.ts";
import { packPanels } from "../../print/wasm/pack.ts";
import { panelProduct } from "../../print/wasm/panel-product.ts";
import { panelRows } from "../../print/wasm/product.ts";
import { type PhaseMemory, printMeanEnd, printPhase } from "../../print/wasm/scan-phase.ts";
import type { Constants } from "../../print/wasm/vectors.ts";
import type { Phase, Place, Product, Store } from "../../scan/program.ts";
import { recurrentGates, widthsOf } from "../../scan/widths.ts";
import type { Scan, ScanShape } from "../plan.ts";
import { type ScanLayout, scanLayout } from "./scan-layout.ts";

export { printScanBackward } from "./scan-backward.ts";
export { savedElements } from "./scan-layout.ts";

/** What the printer of one launch is given. */
export interface ScanContext<K extends ScanShape> {
  readonly m: ModuleBuilder;
  readonly kernel: K;
  /** Address of an operand. */
  readonly address: (operand: string) => number;
  /** Address of new scratch memory of this launch; what is in it at first is unknown. */
  readonly workspace: (bytes: number) => number;
  /** Address of at least 64 bytes of zeros. */
  readonly zeros: number;
  readonly constants: Constants;
  readonly fused: boolean;
}

/** Copies `count` rows of `bytes` bytes; addresses in code, strides in bytes. */
export function copyRows(
  m: ModuleBuilder,
  from: number,
  fromStride: number,
  to: number,
  toStride: number,
  count: number,
  bytes: number,
): Code {
  if (fromStride === bytes && toStride === bytes)
    return memory.copy(i32.const(to), i32.const(from), i32.const(count * bytes));
  const copy = m.memo("copyRows", () =>
    m.func(
      { params: ["i32", "i32", "i32", "i32", "i32", "i32"] },
      (f, source, sourceStride, target, targetStride, rows, length) =>
        forRange(f.local("i32"), i32.const(0), rows.get, 1, [
          memory.copy(target.get, source.get, length.get),
          source.set(i32.add(source.get, sourceStride.get)),
          target.set(i32.add(target.get, targetStride.get)),
        ]),
    ),
  );
  return copy.call(...[from, fromStride, to, toStride, count, bytes].map((n) => i32.const(n)));
}

/** Addresses of a scan's memory, common to both passes. */
export class ScanMemory {
  readonly layout: ScanLayout;
  readonly saved: number;
  /** Masked rows of the input are read as zeros: whatever is there, it must not reach a product. */
  readonly input: number;
  readonly lanes: Readonly<Record<Width, number>>;
  private readonly context: ScanContext<ScanShape>;

  constructor(context: ScanContext<ScanShape>, saved: number) {
    const { kernel, workspace } = context;
    this.context = context;
    this.layout = scanLayout(kernel);
    this.saved = Math.ceil(saved / 64) * 64;
    this.input = kernel.masked ? workspace(this.layout.rows * kernel.inputSize * 4) : context.address("input");
    this.lanes = {
      hidden: workspace(this.layout.padded("hidden") * 4),
      projection: workspace(this.layout.padded("projection") * 4),
    };
  }

  slot = (slot: number): number => this.saved + this.layout.slots[slot]!;
  /** First row block of a state before (`previous`) or after (`next`) the steps. */
  private state(name: string, after: boolean): number {
    const { batch, reverse, cell } = this.context.kernel;
    const width = cell.states.find((s) => s.name === name)!.width;
    return this.saved + this.layout.states[name]! + (after === reverse ? 0 : batch * this.layout.padded(width) * 4);
  }
  previous = (name: string): number => this.state(name, false);
  next = (name: string): number => this.state(name, true);
  /** Rows [T·B] of the vector that a product multiplies. */
  operand = (k: number): number => {
    const { state } = this.layout.program.operands[k]!;
    return state === undefined ? this.saved + this.layout.operands[k]! : this.previous(state);
  };
  mean = (k: number): number => this.saved + this.layout.means[k]!;
  /** The row block that the scan starts from, and the one that it ends with. */
  first(name: string): number {
    const { steps, batch, reverse, cell } = this.context.kernel;
    const width = cell.states.find((s) => s.name === name)!.width;
    return this.saved + this.layout.states[name]! + (reverse ? steps * batch * this.layout.padded(width) * 4 : 0);
  }
  last(name: string): number {
    const { steps, batch, reverse, cell } = this.context.kernel;
    const width = cell.states.find((s) => s.name === name)!.width;
    return this.saved + this.layout.states[name]! + (reverse ? 0 : steps * batch * this.layout.padded(width) * 4);
  }

  /** Fills the table of lanes, and the input without its masked rows. */
  prepare(): Code {
    const { kernel, m, address } = this.context;
    const { inputSize, batch, steps } = kernel;
    const lanes = (["hidden", "projection"] as const).map((w) => [
      memory.fill(i32.const(this.lanes[w]), i32.const(0), i32.const(this.layout.padded(w) * 4)),
      memory.fill(i32.const(this.lanes[w]), i32.const(255), i32.const(this.layout.size(w) * 4)),
    ]);
    if (!kernel.masked) return lanes;
    const bytes = inputSize * 4;
    const clean = m.memo("cleanRows", () =>
      m.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (f, mask, from, to, count, length) =>
        forRange(f.local("i32"), i32.const(0), count.get, 1, [
          if_(
            isSeen(mask.get),
            memory.copy(to.get, from.get, length.get),
            memory.fill(to.get, i32.const(0), length.get),
          ),
          mask.set(i32.add(mask.get, i32.const(4))),
          from.set(i32.add(from.get, length.get)),
          to.set(i32.add(to.get, length.get)),
        ]),
      ),
    );
    return [
      lanes,
      clean.call(...[address("mask"), address("input"), this.input, steps * batch, bytes].map((n) => i32.const(n))),
    ];
  }

  /** The memory of a phase of one width; what only one of the passes has is given by `more`. */
  phase(width: Width, more: Partial<PhaseMemory>): PhaseMemory {
    const { kernel, address } = this.context;
    const none = (): never => {
      throw new TypeError("a phase asks for memory that this pass of the scan does not have");
    };
    return {
      rows: this.layout.rows,
      batch: kernel.batch,
      paddedWidth: this.layout.padded(width),
      width: this.layout.size(width),
      slot: this.slot,
      previous: this.previous,
      next: this.next,
      operand: this.operand,
      mean: this.mean,
      weight: (name) => address(`weight.${name}`),
      drawn: (name) => ({ address: address(`mask.${name}`), perStep: kernel.cell.masks[name]!.per === "step" }),
      mask: kernel.masked ? address("mask") : undefined,
      lanes: this.lanes[width],
      trace: none,
      outputAdjoint: () => undefined,
      carry: none,
      back: none,
      backMean: none,
      meanSums: none,
      weightSum: none,
      slotSum: () => undefined,
      ...more,
    };
  }
}

/** Whether the word at an address, a float of the mask, is not 0. */
export const isSeen = (address: Code): Code => i32.shl(i32.load(address), i32.const(1));

/** Loops over the steps in the order of the scan, or against it. */
export function overSteps(shape: ScanShape, t: Local, against: boolean, body: Code): Code {
  const { steps, reverse } = shape;
  if (reverse === against) return forRange(t, i32.const(0), i32.const(steps), 1, body);
  return [t.set(i32.const(steps)), forRange0(t, body)];
}
/** `while (t−− > 0) body` */
const forRange0 = (t: Local, body: Code): Code => whileTrue(t.get, [t.set(i32.sub(t.get, i32.const(1))), body]);

/** One phase: panel after panel its products, then its equations; then the ends of its means. */
export function printPhaseLoop(
  context: ScanContext<ScanShape>,
  phase: Phase,
  o: {
    readonly stores: readonly Store[];
    readonly memory: PhaseMemory;
    readonly place: (n: AnyNode) => Place | undefined;
    readonly products?: (panel: Local, t: Local) => Code;
    readonly meanOut: (mean: number) => number;
    readonly panel: Local;
    readonly t: Local;
    readonly halves?: readonly [Code, Code];
  },
): Code {
  const { m, constants, fused, kernel } = context;
  const { panel, t } = o;
  const [half, otherHalf] = o.halves ?? [i32.const(0), i32.const(0)];
  const pointwise =
    o.stores.length + phase.means.length > 0
      ? printPhase(m, {
          stores: o.stores,
          means: phase.means,
          place: o.place,
          memory: o.memory,
          constants,
          fused,
        }).call(panel.get, t.get, half, otherHalf)
      : [];
  const ends = phase.means.map(({ mean, values }) =>
    printMeanEnd(m, {
      batch: kernel.batch,
      sums: o.memory.meanSums(mean),
      out: o.meanOut(mean),
      scale: 1 / (o.memory.width * values.length),
      constants,
    }).call(t.get),
  );
  return [
    forRange(panel, i32.const(0), i32.const(o.memory.paddedWidth / 16), 1, [o.products?.(panel, t) ?? [], pointwise]),
    ends,
  ];
}

/** Prints a scan forward. */
export function printScan(context: ScanContext<Scan>): Code {
  const { m, kernel, address, workspace, zeros, fused } = context;
  const { cell, batch: B, inputSize: D, hiddenSize: H } = kernel;
  const layout = scanLayout(kernel);
  const { program } = layout;
  const mem = new ScanMemory(context, kernel.save ? address("saved") : workspace(layout.bytes + 64));
  const { rows } = layout;
  const Hp = layout.padded("hidden");
  const [G, UB] = [cell.gates.length, layout.panels("hidden")];
  const number = (n: number): Code => i32.const(n);
  const code: Code[] = [mem.prepare()];

  // Packed weights: input part of all gates one after the other, then each product.
  const pack = packPanels(m);
  const packedInput = workspace(G * Hp * D * 4);
  cell.gates.forEach((_, g) => {
    code.push(
      pack.call(...[address("weight_ih") + g * H * D * 4, 4, D * 4, D, H, packedInput + g * Hp * D * 4].map(number)),
    );
  });
  const packed = program.products.map((p) => {
    const columns = layout.size(program.operands[p.operand]!.width);
    const at = workspace(layout.padded(p.width) * columns * 4);
    code.push(pack.call(...[matrixAddress(context, p), 4, columns * 4, columns, layout.size(p.width), at].map(number)));
    return at;
  });
  // Biases, in panels: of the input part, with that of the recurrent product where it is added to it; of products apart.
  const biases = cell.bias === "both" ? zeroed(context, G * Hp * 4, code) : undefined;
  const gates = recurrentGates(cell);
  const fusedGates = new Set(program.products.filter((p) => p.fusedWith !== undefined).map((p) => p.name));
  if (biases !== undefined)
    cell.gates.forEach(({ name }, g) => {
      const to = biases + g * Hp * 4;
      code.push(copyRows(m, address("bias_ih") + g * H * 4, H * 4, to, H * 4, 1, H * 4));
      if (fusedGates.has(name)) code.push(addRow(m, address("bias_hh") + gates.indexOf(name) * H * 4, to, H));
    });
  const productBias = program.products.map((p) => {
    if (p.block === undefined || p.fusedWith !== undefined || cell.bias === "none") return undefined;
    const to = zeroed(context, Hp * 4, code);
    code.push(copyRows(m, address("bias_hh") + p.block * H * 4, H * 4, to, H * 4, 1, H * 4));
    return to;
  });

  // Input products of all steps at once. The slots of the gates follow one another.
  const slotBytes = rows * Hp * 4;
  code.push(
    panelProduct(m, { blocked: false, fused }).call(
      ...[0, G * UB, rows, D, mem.input, D * 4, 4, packedInput, D * 64].map(number),
      ...[biases ?? zeros, 0, biases === undefined ? 0 : 64, mem.slot(0), 64, slotBytes / UB].map(number),
    ),
  );
  for (const s of cell.states) {
    const [w, p] = [layout.size(s.width) * 4, layout.padded(s.width) * 4];
    code.push(copyRows(m, address(`initial.${s.name}`), w, mem.first(s.name), p, B, w));
  }

  // The steps.
  const traces = new Map(
    kernel.trace.map((name) => [name, workspace(rows * layout.padded(widthOfTrace(context, name)) * 4)]),
  );
  const meanSums = Array.from({ length: program.means }, () => zeroed(context, B * 16, code));
  const product = panelRows(m, { blocked: false, fused });
  const scan = m.func({ params: [] }, (f) => {
    const [t, panel] = [f.local("i32"), f.local("i32")];
    const phases = program.forward.map((phase) => {
      const stores = phase.stores.filter(({ to }) => to.kind !== "trace" || traces.has(to.name));
      if (stores.length + phase.means.length + phase.products.length === 0) return [];
      const memory = mem.phase(phase.width, { trace: (name) => traces.get(name)!, meanSums: (k) => meanSums[k]! });
      const products = (): Code =>
        phase.products.map((index) => {
          const p = program.products[index]!;
          const operand = program.operands[p.operand]!;
          const [k, rowBytes] = [layout.size(operand.width), layout.padded(operand.width) * 4];
          const c = at(i32.mul(t.get, number(B * 64)), panel, rows * 64, mem.slot(p.slot));
          const bias = productBias[index];
          const init =
            p.fusedWith !== undefined ? c : bias === undefined ? number(zeros) : at(number(0), panel, 64, bias);
          return product.call(
            ...[
              number(B),
              number(k),
              i32.add(i32.mul(t.get, number(B * rowBytes)), number(mem.operand(p.operand))),
              number(rowBytes),
              number(4),
            ],
            ...[
              at(number(0), panel, k * 64, packed[index]!),
              init,
              number(p.fusedWith !== undefined ? 64 : 0),
              c,
              number(64),
            ],
          );
        });
      return printPhaseLoop(context, phase, {
        ...{ stores, memory, products, panel, t, meanOut: mem.mean },
        place: (n) => program.forwardPlace(n, phase.level),
      });
    });
    return overSteps(kernel, t, false, phases);
  });
  code.push(scan.call());

  // Results, out of padded rows.
  const first = cell.states[0]!;
  const [w, p] = [layout.size(first.width) * 4, layout.padded(first.width) * 4];
  code.push(
    kernel.masked
      ? emitMasked(context, mem.next(first.name), p, w).call()
      : copyRows(m, mem.next(first.name), p, address("output"), kernel.outputStride * 4, rows, w),
  );
  for (const s of cell.states) {
    const [sw, sp] = [layout.size(s.width) * 4, layout.padded(s.width) * 4];
    code.push(copyRows(m, mem.last(s.name), sp, address(`final.${s.name}`), sw, B, sw));
  }
  for (const [name, from] of traces) {
    const width = widthOfTrace(context, name);
    code.push(
      copyRows(
        m,
        from,
        layout.padded(width) * 4,
        address(`trace.${name}`),
        layout.size(width) * 4,
        rows,
        layout.size(width) * 4,
      ),
    );
  }
  return code;
}

/** Scratch memory that `code` fills with zeros at the start of every run. */
export function zeroed({ workspace }: ScanContext<ScanShape>, bytes: number, code: Code[]): number {
  const at = workspace(bytes);
  code.push(memory.fill(i32.const(at), i32.const(0), i32.const(bytes)));
  return at;
}

/** `base + more + panel · bytes` */
export const at = (more: Code, panel: Local, bytes: number, base: number): Code =>
  i32.add(i32.add(i32.mul(panel.get, i32.const(bytes)), i32.const(base)), more);

export function matrixAddress({ kernel, address }: ScanContext<ScanShape>, p: Product): number {
  const { hiddenSize: H } = kernel;
  if (p.block === undefined) return address(`projection.${p.name}`);
  const operand = scanLayout(kernel).program.operands[p.operand]!;
  return address("weight_hh") + p.block * H * scanLayout(kernel).size(operand.width) * 4;
}

export function widthOfTrace({ kernel }: ScanContext<ScanShape>, name: string): Width {
  return widthsOf(kernel.cell).get(kernel.cell.named[name]!) ?? "hidden";
}

/** `to[k] += from[k]` for n numbers; both places have room for whole vectors. */
function addRow(m: ModuleBuilder, from: number, to: number, n: number): Code {
  const add = m.memo("addRow", () =>
    m.func({ params: ["i32", "i32", "i32"] }, (f, source, target, length) =>
      forRange(f.local("i32"), i32.const(0), length.get, 1, [
        f32.store(target.get, f32.add(f32.load(target.get), f32.load(source.get))),
        source.set(i32.add(source.get, i32.const(4))),
        target.set(i32.add(target.get, i32.const(4))),
      ]),
    ),
  );
  return add.call(i32.const(from), i32.const(to), i32.const(n));
}

/** Output of a masked scan: a step that was not seen gives zeros or what the step before gave. */
function emitMasked({ m, kernel, address }: ScanContext<Scan>, rowsFrom: number, rowBytes: number, bytes: number) {
  const { batch: B, outputStride, maskedOutput, reverse, steps: T } = kernel;
  const stride = outputStride * 4;
  return m.func({ params: [] }, (f) => {
    const [t, b, row, to] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
    const firstStep = i32.const(reverse ? T - 1 : 0);
    const zero = memory.fill(to.get, i32.const(0), i32.const(bytes));
    const before = i32.add(to.get, i32.const((reverse ? 1 : -1) * B * stride));
    const unseen =
      maskedOutput === "zero"
        ? zero
        : if_(i32.eq(t.get, firstStep), zero, memory.copy(to.get, before, i32.const(bytes)));
    return overSteps(kernel, t, false, [
      forRange(b, i32.const(0), i32.const(B), 1, [
        row.set(i32.add(i32.mul(t.get, i32.const(B)), b.get)),
        to.set(i32.add(i32.mul(row.get, i32.const(stride)), i32.const(address("output")))),
        if_(
          isSeen(i32.add(i32.shl(row.get, i32.const(2)), i32.const(address("mask")))),
          memory.copy(to.get, i32.add(i32.mul(row.get, i32.const(rowBytes)), i32.const(rowsFrom)), i32.const(bytes)),
          unseen,
        ),
      ]),
    ]);
  });
}
