import type { Width } from "../../cells/define.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local } from "../../print/wasm/control.ts";
import { f32, i32, memory } from "../../print/wasm/instructions.ts";
import { packPanels, transposeBlock } from "../../print/wasm/pack.ts";
import { panelProduct } from "../../print/wasm/panel-product.ts";
import type { Product } from "../../scan/program.ts";
import { recurrentGates } from "../../scan/widths.ts";
import type { ScanBackward } from "../plan.ts";
import { padded, scanLayout } from "./scan-layout.ts";
import {
  copyRows,
  isSeen,
  matrixAddress,
  overSteps,
  type ScanContext,
  ScanMemory,
  widthOfTrace,
  zeroed,
} from "./scan-memory.ts";
import { printPhaseLoop } from "./scan-steps.ts";

const number = (n: number): Code => i32.const(n);

/** Neighbouring slots of gradients that are multiplied by one stack of matrices: the panels of all of them are one long row. */
interface Run {
  readonly slot: number;
  readonly width: Width;
  /** Address of each slot's matrix, dense [rows of `width`, columns], and of all of them packed for the transposed product. */
  readonly matrices: readonly number[];
}

/** Slots in order, cut where they do not follow one another. */
function runsOf(parts: readonly { slot: number; width: Width; matrix: number }[]): Run[] {
  const runs: { slot: number; width: Width; matrices: number[] }[] = [];
  for (const { slot, width, matrix } of [...parts].sort((a, b) => a.slot - b.slot)) {
    const last = runs.at(-1);
    if (last && last.width === width && last.slot + last.matrices.length === slot) last.matrices.push(matrix);
    else runs.push({ slot, width, matrices: [matrix] });
  }
  return runs;
}

/** Prints the backward pass of a scan. */
export function printScanBackward(context: ScanContext<ScanBackward>): Code {
  const { m, kernel, address, workspace, zeros, fused } = context;
  const { cell, batch: B, inputSize: D, hiddenSize: H } = kernel;
  const layout = scanLayout(kernel);
  const { program, rows } = layout;
  const mem = new ScanMemory(context, address("saved"));
  const gradientSlotOf = (p: Product): number => program.productGradientSlots[program.products.indexOf(p)]!;
  const blocked = panelProduct(m, { blocked: true, fused });
  const code: Code[] = [mem.prepare()];

  /** Packs the matrices of a run for `Mᵀ · gradient`: panels over `columns`, [panel][slots · padded width][16]. */
  const pack = (run: Run, columns: number): { packed: number; depth: number } => {
    const [own, full] = [layout.size(run.width), layout.padded(run.width)];
    const depth = run.matrices.length * full;
    const stacked = own === full ? workspace(depth * columns * 4) : zeroed(context, depth * columns * 4, code);
    const packed = workspace(padded(columns) * depth * 4);
    run.matrices.forEach((matrix, k) => {
      code.push(memory.copy(number(stacked + k * full * columns * 4), number(matrix), number(own * columns * 4)));
    });
    code.push(packPanels(m).call(...[stacked, columns * 4, 4, depth, columns, packed].map(number)));
    return { packed, depth };
  };
  /** `out[rows][panels of columns] = init + Σ over runs`; `row` is the first row of the slots' panels in bytes. */
  const transposedProduct = (
    runs: readonly (Run & { packed: number; depth: number })[],
    o: {
      rows: number;
      row: Code;
      columns: number;
      init: Code;
      initStride: number;
      initPanel: number;
      out: Code;
      outStride: number;
    },
  ): Code =>
    runs.map((run, k) => {
      const from =
        k === 0 ? [o.init, number(o.initStride), number(o.initPanel)] : [o.out, number(o.outStride), number(64)];
      return blocked.call(
        ...[padded(o.columns) / 16, o.rows, run.depth].map(number),
        ...[i32.add(o.row, number(mem.slot(run.slot))), number(64), number(rows * 64)],
        ...[number(run.packed), number(run.depth * 64)],
        ...from,
        ...[o.out, number(o.outStride), number(64)],
      );
    });

  // What comes from outside: the adjoint of the output by step, of the final state.
  const first = cell.states[0]!;
  const dOutput = workspace(rows * layout.padded(first.width) * 4);
  code.push(stageOutput(context, dOutput));
  const carry: Record<string, number> = {};
  for (const s of cell.states) {
    const [own, full] = [layout.size(s.width) * 4, layout.padded(s.width) * 4];
    carry[s.name] = workspace(2 * B * full);
    code.push(copyRows(m, address(`d.final.${s.name}`), own, carry[s.name]!, full, B, own));
  }

  // Matrices, packed for the way back: one stack for each operand, and one for the input.
  const groups = program.operands.map((operand, k) => {
    const columns = layout.size(operand.width);
    const parts = program.products
      .filter((p) => p.operand === k)
      .map((p) => ({ slot: gradientSlotOf(p), width: p.width, matrix: matrixAddress(context, p) }));
    return { operand, columns, runs: runsOf(parts).map((run) => ({ ...run, ...pack(run, columns) })) };
  });
  const back = program.operands.map((o) => (o.state === undefined ? workspace(B * layout.padded(o.width) * 4) : 0));

  // Sums that the steps add to.
  const slotSums = new Map<number, number>();
  const sumOf = (slot: number, width: Width): void => {
    if (slotSums.has(slot)) return;
    slotSums.set(slot, zeroed(context, layout.padded(width) * 4, code));
  };
  for (const slot of program.inputGradientSlots) sumOf(slot, "hidden");
  for (const p of program.products) sumOf(gradientSlotOf(p), p.width);
  const weightSums = Object.fromEntries(
    Object.keys(cell.weights).map((name) => [name, zeroed(context, layout.padded("hidden") * 4, code)]),
  );
  const backMeans = Array.from({ length: program.backMeans }, () => workspace(rows * 4));
  const backMeanSums = Array.from({ length: program.backMeans }, () => zeroed(context, B * 16, code));
  const traces = new Map(
    kernel.trace.map((name) => [name, workspace(rows * layout.padded(widthOfTrace(context, name)) * 4)]),
  );

  // The steps, from the last to the first. The carried adjoints change halves at every step.
  const halfBytes = (width: Width): number => B * layout.padded(width) * 4;
  const steps = m.func({ params: ["i32"], results: ["i32"] }, (f, odd) => {
    const [t, panel] = [f.local("i32"), f.local("i32")];
    const halves = (width: Width): readonly [Code, Code] => [
      i32.mul(odd.get, number(halfBytes(width))),
      i32.mul(i32.sub(number(1), odd.get), number(halfBytes(width))),
    ];
    const row = i32.mul(t.get, number(B * 64));
    const phases = program.backward.map((phase) => {
      const stores = phase.stores.filter(({ to }) => to.kind !== "traceGradient" || traces.has(to.name));
      const memoryOf = mem.phase(phase.width, {
        carry: (state) => carry[state]!,
        back: (k) => back[k]!,
        backMean: (k) => backMeans[k]!,
        meanSums: (k) => backMeanSums[k]!,
        outputAdjoint: (state) => (state === first.name ? dOutput : undefined),
        weightSum: (name) => weightSums[name]!,
        slotSum: (slot) => slotSums.get(slot),
        trace: (name) => traces.get(name)!,
      });
      const loop =
        stores.length + phase.means.length === 0
          ? []
          : printPhaseLoop(context, phase, {
              ...{ stores, memory: memoryOf, panel, t, halves: halves(phase.width) },
              meanOut: (k) => backMeans[k]!,
              place: program.backwardPlace,
            });
      const operands = phase.operands.map((k) => {
        const { operand, columns, runs } = groups[k]!;
        const [out, outStride] = [number(back[k]!), layout.padded(operand.width) * 4];
        return transposedProduct(runs, {
          rows: B,
          row,
          columns,
          init: number(zeros),
          initStride: 0,
          initPanel: 0,
          out,
          outStride,
        });
      });
      return [loop, operands];
    });
    const toStates = groups.map(({ operand, columns, runs }) => {
      if (operand.state === undefined) return [];
      const out = i32.add(number(carry[operand.state]!), halves(operand.width)[1]);
      const outStride = layout.padded(operand.width) * 4;
      return transposedProduct(runs, {
        rows: B,
        row,
        columns,
        init: out,
        initStride: outStride,
        initPanel: 64,
        out,
        outStride,
      });
    });
    return [overSteps(kernel, t, true, [phases, toStates, odd.set(i32.sub(number(1), odd.get))]), odd.get];
  });
  const finish = m.func({ params: [] }, (f) => {
    const odd = f.local("i32");
    return [
      odd.set(steps.call(number(0))),
      cell.states.map((s) => {
        const [own, full] = [layout.size(s.width) * 4, layout.padded(s.width) * 4];
        const to = address(`d.initial.${s.name}`);
        const copy = (half: number): Code =>
          copyRows(m, carry[s.name]! + half * halfBytes(s.width), full, to, own, B, own);
        return if_(odd.get, copy(1), copy(0));
      }),
    ];
  });
  code.push(finish.call());

  // Gradients of matrices: over all steps at once, panel by panel of the gradient, turned into rows at the end.
  const strided = panelProduct(m, { blocked: false, fused });
  const matrixGradient = (
    slot: number,
    width: Width,
    operand: number,
    operandStride: number,
    columns: number,
    out: number,
  ): void => {
    const [own, panels] = [layout.size(width), layout.panels(width)];
    const scratch = workspace(panels * columns * 64);
    code.push(
      strided.call(
        ...[panels, columns, rows, operand, 4, operandStride, mem.slot(slot), rows * 64].map(number),
        ...[zeros, 0, 0, scratch, 64, columns * 64].map(number),
      ),
    );
    for (let panel = 0; panel < panels; panel++) {
      const units = Math.min(16, own - panel * 16);
      code.push(
        transposeBlock(m).call(
          ...[scratch + panel * columns * 64, 64, columns, units, out + panel * 16 * columns * 4, columns * 4].map(
            number,
          ),
        ),
      );
    }
  };
  program.inputGradientSlots.forEach((slot, g) => {
    matrixGradient(slot, "hidden", mem.input, D * 4, D, address("d.weight_ih") + g * H * D * 4);
  });
  const gates = recurrentGates(cell);
  const unused = gates.filter((name) => !program.products.some((p) => p.name === name));
  if (unused.length > 0) {
    const columns = layout.size(groups[0]?.operand.width ?? first.width);
    code.push(memory.fill(number(address("d.weight_hh")), number(0), number(gates.length * H * columns * 4)));
  }
  const gradientOf = (p: Product): number =>
    p.block === undefined
      ? address(`d.projection.${p.name}`)
      : address("d.weight_hh") + p.block * H * groups[p.operand]!.columns * 4;
  for (const p of program.products) {
    const { operand, columns } = groups[p.operand]!;
    matrixGradient(
      gradientSlotOf(p),
      p.width,
      mem.operand(p.operand),
      layout.padded(operand.width) * 4,
      columns,
      gradientOf(p),
    );
  }
  if (cell.bias === "both") {
    program.inputGradientSlots.forEach((slot, g) => {
      code.push(memory.copy(number(address("d.bias_ih") + g * H * 4), number(slotSums.get(slot)!), number(H * 4)));
    });
    if (unused.length > 0)
      code.push(memory.fill(number(address("d.bias_hh")), number(0), number(gates.length * H * 4)));
    for (const p of program.products)
      if (p.block !== undefined)
        code.push(
          memory.copy(
            number(address("d.bias_hh") + p.block * H * 4),
            number(slotSums.get(gradientSlotOf(p))!),
            number(H * 4),
          ),
        );
  }
  for (const [name, sum] of Object.entries(weightSums))
    code.push(memory.copy(number(address(`d.weight.${name}`)), number(sum), number(H * 4)));

  // Gradient of the input: whole panels go into rows of padded width first, unless they fit as they are.
  if (kernel.inputGradient) {
    const parts = program.inputGradientSlots.map((slot, g) => ({
      slot,
      width: "hidden" as const,
      matrix: address("weight_ih") + g * H * D * 4,
    }));
    const runs = runsOf(parts).map((run) => ({ ...run, ...pack(run, D) }));
    const full = padded(D) * 4;
    const target = full === D * 4 ? address("d.input") : workspace(rows * full);
    code.push(
      transposedProduct(runs, {
        rows,
        row: number(0),
        columns: D,
        init: number(zeros),
        initStride: 0,
        initPanel: 0,
        out: number(target),
        outStride: full,
      }),
    );
    if (target !== address("d.input")) code.push(copyRows(m, target, full, address("d.input"), D * 4, rows, D * 4));
  }
  for (const [name, from] of traces) {
    const width = widthOfTrace(context, name);
    code.push(
      copyRows(
        m,
        from,
        layout.padded(width) * 4,
        address(`trace.d.${name}`),
        layout.size(width) * 4,
        rows,
        layout.size(width) * 4,
      ),
    );
  }
  return code;
}

/** The adjoint of the output in rows of padded width. Of a masked step it goes nowhere, or to the step whose output was repeated. */
function stageOutput(context: ScanContext<ScanBackward>, to: number): Code {
  const { m, kernel, address, workspace } = context;
  const { batch: B, outputStride, maskedOutput } = kernel;
  const layout = scanLayout(kernel);
  const { width } = kernel.cell.states[0]!;
  const [own, full, stride] = [layout.size(width) * 4, layout.padded(width) * 4, outputStride * 4];
  if (!kernel.masked) return copyRows(m, address("d.output"), stride, to, full, layout.rows, own);
  const waiting = workspace(B * full);
  const stage = m.func({ params: [] }, (f) => {
    const [t, b, row, from, out, wait, k] = Array.from({ length: 7 }, () => f.local("i32")) as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const each = (body: Code): Code => forRange(k, number(0), number(own), 4, body);
    const element = (base: Local): Code => i32.add(base.get, k.get);
    const sum = f32.add(f32.load(element(from)), f32.load(element(wait)));
    const repeats = maskedOutput === "previous";
    return overSteps(kernel, t, true, [
      forRange(b, number(0), number(B), 1, [
        row.set(i32.add(i32.mul(t.get, number(B)), b.get)),
        from.set(i32.add(i32.mul(row.get, number(stride)), number(address("d.output")))),
        out.set(i32.add(i32.mul(row.get, number(full)), number(to))),
        wait.set(i32.add(i32.mul(b.get, number(full)), number(waiting))),
        if_(
          isSeen(i32.add(i32.shl(row.get, number(2)), number(address("mask")))),
          [each(f32.store(element(out), sum)), memory.fill(wait.get, number(0), number(own))],
          [memory.fill(out.get, number(0), number(own)), repeats ? each(f32.store(element(wait), sum)) : []],
        ),
      ]),
    ]);
  });
  return [memory.fill(number(waiting), number(0), number(B * full)), stage.call()];
}
