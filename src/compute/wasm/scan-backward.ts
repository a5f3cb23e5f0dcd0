import type { Width } from "../../cells/define.ts";
import type { Func, ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, smaller } from "../../print/wasm/control.ts";
import { i32, memory } from "../../print/wasm/instructions.ts";
import { packApart, packPanels, transposeBlock } from "../../print/wasm/pack.ts";
import { panelProduct, TILES_BYTES, transposedPanelProduct } from "../../print/wasm/panel-product.ts";
import { isFar, offset } from "../../print/wasm/product.ts";
import { turnsFor } from "../../print/wasm/sweep.ts";
import { alone, share } from "../../print/wasm/team.ts";
import { stepProgram } from "../../scan/lower.ts";
import type { Product } from "../../scan/program.ts";
import { recurrentGates } from "../../scan/widths.ts";
import type { ScanBackward } from "../plan.ts";
import { byUnits, divide, toRow } from "./scan-division.ts";
import { padded, recurrentBytes, scanLayout } from "./scan-layout.ts";
import {
  copyRows,
  matrixAddress,
  overTurningSteps,
  type ScanContext,
  ScanMemory,
  widthOfTrace,
  zeroed,
} from "./scan-memory.ts";
import { stageOutput } from "./scan-output.ts";
import { printPhaseLoop } from "./scan-steps.ts";
import { sumSlot } from "./scan-sums.ts";
import { addUpParts, gradientsOfParts } from "./scan-table.ts";

const number = (n: number): Code => i32.const(n);

/** Neighbouring slots of gradients that are multiplied by one stack of matrices: the panels of all of them are one long row. */
interface Run {
  readonly slot: number;
  readonly width: Width;
  /** Address of each slot's matrix, dense [rows of `width`, columns], and of all of them packed for the transposed product. */
  readonly matrices: readonly number[];
}

/** Where gradients lie that are multiplied: slots of panels of so many rows; and whether what they give is added to what is there. */
interface Gradients {
  readonly rows: number;
  readonly slot: (slot: number) => number;
  readonly keep: boolean;
}

/** Slots in order, cut where they do not follow one another, nor, if their size in bytes is given, their matrices. */
function runsOf(
  parts: readonly { slot: number; width: Width; matrix: number }[],
  sizeOf?: (width: Width) => number,
): Run[] {
  const runs: { slot: number; width: Width; matrices: number[] }[] = [];
  for (const { slot, width, matrix } of [...parts].sort((a, b) => a.slot - b.slot)) {
    const last = runs.at(-1);
    const follows = sizeOf === undefined || last?.matrices.at(-1) === matrix - sizeOf(width);
    if (last && follows && last.width === width && last.slot + last.matrices.length === slot)
      last.matrices.push(matrix);
    else runs.push({ slot, width, matrices: [matrix] });
  }
  return runs;
}

/** Prints the backward pass of a scan. Each thread has some of the units or of the examples, as forward. */
export function printScanBackward(context: ScanContext<ScanBackward>): Code {
  const { m, kernel, address, workspace, zeros, fused, team } = context;
  const { cell, batch: B, inputSize: D, hiddenSize: H, vocabulary: V } = kernel;
  const layout = scanLayout(kernel, stepProgram(cell));
  const { program, rows } = layout;
  const mem = new ScanMemory(context, layout, address("saved"));
  // A sum over all examples is one thread's: of unit weights it is taken in the steps, of slots it may wait until their end.
  const division =
    Object.keys(cell.weights).length > 0
      ? byUnits(team, B)
      : divide(team, B, { recurrent: recurrentBytes(kernel, program) });
  /** Of each step, in the slots. */
  const ofSteps: Gradients = { rows, slot: mem.slot, keep: kernel.keep ?? false };
  const gradientSlotOf = (p: Product): number => program.productGradientSlots[program.products.indexOf(p)]!;
  const code: Code[] = [mem.prepare()];

  /** Packs the matrices of a run for `Mᵀ · gradient`: panels over `columns`, [panel][slots · padded width][16]. */
  const pack = (run: Run, columns: number): { packed: number; depth: number; far: boolean; turns: boolean } => {
    const [own, full] = [layout.size(run.width), layout.padded(run.width)];
    const depth = run.matrices.length * full;
    const bytes = padded(columns) * depth * 4;
    const packed = workspace(bytes);
    const mine = share(team, columns, 16);
    const toPanels = (k: number): Code =>
      i32.add(number(packed + k * full * 64), i32.mul(mine.from, number(depth * 4)));
    run.matrices.forEach((matrix, k) => {
      code.push(
        packApart(m).call(
          ...[i32.add(number(matrix), i32.shl(mine.from, number(2))), number(columns * 4), number(4), number(own)],
          ...[i32.sub(mine.to, mine.from), toPanels(k), number((depth - own) * 64)],
        ),
      );
      // Rows for the units that fill up the last panel of a slot.
      if (own < full)
        code.push(
          clearBlocks(m).call(
            ...[toPanels(k), number(own * 64), number((full - own) * 64), number(depth * 64)],
            i32.shr_u(i32.add(i32.sub(mine.to, mine.from), number(15)), number(4)),
          ),
        );
    });
    return { packed, depth, far: isFar(m, bytes), turns: turnsFor(B, bytes / team.threads) };
  };
  /** `out[rows][panels of columns] = init + Σ over runs` for some rows and panels; `row` is the first row of the slots' panels in bytes. */
  const transposedProduct = (
    runs: readonly (Run & ReturnType<typeof pack>)[],
    o: {
      gradients: Gradients;
      rows: Code;
      known?: number | undefined;
      row: Code;
      panels: ReturnType<typeof share>;
      init: Code;
      initStride: number;
      initPanel: number;
      out: Code;
      outStride: number;
    },
  ): Code => {
    const panels = i32.sub(o.panels.to, o.panels.from);
    const skip = (base: Code, bytes: number): Code => i32.add(base, i32.mul(o.panels.from, number(bytes)));
    return runs.map((run, k) => {
      const from =
        k === 0
          ? [skip(o.init, o.initPanel), number(o.initStride), number(o.initPanel)]
          : [skip(o.out, 64), number(o.outStride), number(64)];
      return panelProduct(m, { layout: "panels", fused, far: run.far, turns: run.turns, rows: o.known }).call(
        ...[panels, o.rows, number(run.depth)],
        ...[i32.add(o.row, number(o.gradients.slot(run.slot))), number(o.gradients.rows * 64)],
        ...[skip(number(run.packed), run.depth * 64), number(run.depth * 64)],
        ...from,
        ...[skip(o.out, 64), number(o.outStride), number(64)],
      );
    });
  };

  // What comes from outside: the adjoint of the output by step, of the final state.
  const first = cell.states[0]!;
  const dOutput = workspace(rows * layout.padded(first.width) * 4);
  code.push(stageOutput(context, { layout, division, to: dOutput }));
  const carry: Record<string, number> = {};
  for (const s of cell.states) {
    const [own, full] = [layout.size(s.width) * 4, layout.padded(s.width) * 4];
    carry[s.name] = workspace(2 * B * full);
    code.push(copyRows(context, [address(`d.final.${s.name}`), own], [carry[s.name]!, full], B, own));
  }

  // Matrices, packed for the way back: one stack for each operand, and one for the input.
  const groups = program.operands.map((operand, k) => {
    const columns = layout.size(operand.width);
    const parts = program.products
      .filter((p) => p.operand === k)
      .map((p) => ({ slot: gradientSlotOf(p), width: p.width, matrix: matrixAddress(context, layout, p) }));
    return { operand, columns, runs: runsOf(parts).map((run) => ({ ...run, ...pack(run, columns) })) };
  });
  /** Of the input part of each gate, by rows of the input or, summed up, of its table. */
  const ofParts = V === undefined ? undefined : gradientsOfParts(context, layout, V);
  const inputGradients: Gradients = ofParts ?? ofSteps;
  const inputSlots = ofParts?.slots ?? program.inputGradientSlots;
  const inputMatrices = (name: string) =>
    inputSlots.map((slot, g) => ({
      ...{ slot, width: "hidden" as const, matrix: address(name) + g * H * D * 4 },
    }));
  const inputRuns =
    !kernel.inputGradient || kernel.unfinished
      ? []
      : runsOf(inputMatrices("weight_ih")).map((run) => ({ ...run, ...pack(run, D) }));
  const back = program.operands.map((o) => (o.state === undefined ? workspace(B * layout.padded(o.width) * 4) : 0));

  // Sums that the steps add to, from 0 or from what is there.
  const sumFrom = (width: Width, known: number | undefined): number => {
    const sum = zeroed(context, layout.padded(width) * 4, code);
    if (kernel.keep && known !== undefined)
      code.push(alone(team, memory.copy(number(sum), number(known), number(layout.size(width) * 4))));
    return sum;
  };
  const biasOf = (name: "bias_ih" | "bias_hh", block: number | undefined): number | undefined =>
    cell.bias === "both" && block !== undefined ? address(`d.${name}`) + block * H * 4 : undefined;
  const slotSums = new Map<number, number>();
  const sumOf = (slot: number, width: Width, known: number | undefined): void => {
    if (!slotSums.has(slot)) slotSums.set(slot, sumFrom(width, known));
  };
  program.inputGradientSlots.forEach((slot, g) => {
    sumOf(slot, "hidden", biasOf("bias_ih", g));
  });
  for (const p of program.products) sumOf(gradientSlotOf(p), p.width, biasOf("bias_hh", p.block));
  const weightSums = Object.fromEntries(
    Object.keys(cell.weights).map((name) => [name, sumFrom("hidden", address(`d.weight.${name}`))]),
  );
  const backMeans = Array.from({ length: program.backMeans }, () => workspace(rows * 4));
  const widest = Math.max(layout.padded("hidden"), layout.padded("projection"));
  const backMeanSums = Array.from({ length: program.backMeans }, () => workspace(B * widest * 4));
  const traces = new Map(
    kernel.trace.map((name) => [name, workspace(rows * layout.padded(widthOfTrace(context, name)) * 4)]),
  );

  // The steps, from the last to the first. The carried adjoints change halves at every step.
  const halfBytes = (width: Width): number => B * layout.padded(width) * 4;
  const steps = m.func({ params: ["i32"], results: ["i32"] }, (f, odd) => {
    const t = f.local("i32");
    const own = division.examples(f);
    const { first: firstOwn, count, known } = own.examples;
    const halves = (width: Width): readonly [Code, Code] => [
      i32.mul(odd.get, number(halfBytes(width))),
      i32.mul(i32.sub(number(1), odd.get), number(halfBytes(width))),
    ];
    const row = toRow(t.get, firstOwn, { batch: B, bytes: 64 });
    /** Where rows [B] have that of the first example. */
    const ofFirst = (base: Code, bytes: number): Code =>
      firstOwn === undefined ? base : offset(base, firstOwn.get, number(bytes));
    const phases = program.backward.map((phase) => {
      const stores = phase.stores.filter(({ to }) => to.kind !== "traceGradient" || traces.has(to.name));
      const memoryOf = mem.phase(phase.width, {
        carry: (state) => carry[state]!,
        back: (k) => back[k]!,
        backMean: (k) => backMeans[k]!,
        meanSums: (k) => backMeanSums[k]!,
        outputAdjoint: (state) => (state === first.name ? dOutput : undefined),
        weightSum: (name) => weightSums[name]!,
        slotSum: (slot) => (division.byExamples ? undefined : slotSums.get(slot)),
        isGradient: (slot) => slotSums.has(slot),
        trace: (name) => traces.get(name)!,
      });
      const loop =
        stores.length + phase.means.length === 0
          ? []
          : printPhaseLoop(context, phase, {
              ...{ stores, memory: memoryOf, f, t, halves: halves(phase.width) },
              ...{ team: division.team, examples: own.examples },
              meanOut: (k) => backMeans[k]!,
              place: program.backwardPlace,
            });
      const operands = phase.operands.map((k) => {
        const { operand, columns, runs } = groups[k]!;
        const outStride = layout.padded(operand.width) * 4;
        const out = ofFirst(number(back[k]!), outStride);
        return transposedProduct(runs, {
          gradients: ofSteps,
          rows: count,
          known,
          row,
          panels: share(division.team, padded(columns) / 16),
          init: number(zeros),
          initStride: 0,
          initPanel: 0,
          out,
          outStride,
        });
      });
      // These products read the gradients of all units; everything else that a unit reads is its own.
      return [loop, operands.length > 0 ? [division.team.barrier, operands] : []];
    });
    const toStates = groups.map(({ operand, columns, runs }) => {
      if (operand.state === undefined) return [];
      const outStride = layout.padded(operand.width) * 4;
      const out = ofFirst(i32.add(number(carry[operand.state]!), halves(operand.width)[1]), outStride);
      return transposedProduct(runs, {
        gradients: ofSteps,
        rows: count,
        known,
        row,
        panels: share(division.team, padded(columns) / 16),
        init: out,
        initStride: outStride,
        initPanel: 64,
        out,
        outStride,
      });
    });
    const meets = groups.some(({ operand }) => operand.state !== undefined);
    return [
      own.code,
      overTurningSteps(m, kernel, t, true, [
        ...[phases, meets ? division.team.barrier : [], toStates],
        odd.set(i32.sub(number(1), odd.get)),
      ]),
      odd.get,
    ];
  });
  const finish = m.func({ params: [] }, (f) => {
    const odd = f.local("i32");
    return [
      team.barrier,
      odd.set(steps.call(number(0))),
      team.barrier,
      cell.states.map((s) => {
        const [own, full] = [layout.size(s.width) * 4, layout.padded(s.width) * 4];
        const to = address(`d.initial.${s.name}`);
        const copy = (half: number): Code =>
          copyRows(context, [carry[s.name]! + half * halfBytes(s.width), full], [to, own], B, own);
        return if_(odd.get, copy(1), copy(0));
      }),
    ];
  });
  code.push(finish.call());
  if (division.byExamples)
    code.push(
      [...slotSums].map(([slot, sum]) => sumSlot(context, layout, mem.slot(slot), sum)),
      team.barrier,
    );

  // Gradients of matrices: over all steps at once, panel by panel of the gradient, turned into rows at the end. Matrices that one operand
  // is multiplied by are taken together, as far as their gradients and they themselves follow one another.
  const tiles = workspace(TILES_BYTES * team.threads);
  const matrixGradients = (
    parts: readonly { readonly slot: number; readonly width: Width; readonly matrix: number }[],
    o: { readonly operand: number; readonly stride: number; readonly columns: number; readonly gradients: Gradients },
  ): void => {
    const { rows, slot, keep } = o.gradients;
    for (const run of runsOf(parts, (width) => layout.size(width) * o.columns * 4)) {
      const panels = run.matrices.length * layout.panels(run.width);
      const scratch = workspace(panels * o.columns * 64);
      const mine = share(team, panels);
      const skip = (base: number, bytes: number): Code => i32.add(number(base), i32.mul(mine.from, number(bytes)));
      const matrices = [layout.size(run.width), layout.panels(run.width), o.columns, scratch, run.matrices[0]!].map(
        number,
      );
      code.push(
        keep ? rowsToPanels(m).call(mine.from, mine.to, ...matrices) : [],
        transposedPanelProduct(m, {
          ...{ fused, zeros, descending: !kernel.reverse, keep },
          far: isFar(m, (panels * rows * 64) / team.threads),
        }).call(
          ...[i32.sub(mine.to, mine.from), ...[o.columns, rows, o.operand, o.stride].map(number)],
          ...[skip(slot(run.slot), rows * 64), number(rows * 64)],
          ...[skip(scratch, o.columns * 64), number(o.columns * 64)],
          i32.add(number(tiles), i32.mul(team.thread, number(TILES_BYTES))),
        ),
        panelsToRows(m).call(mine.from, mine.to, ...matrices),
      );
    }
  };
  if (ofParts) code.push(addUpParts(context, layout, mem, ofParts), team.barrier);
  if (!kernel.unfinished)
    matrixGradients(inputMatrices("d.weight_ih"), {
      ...{ operand: mem.input, stride: D * 4, columns: D, gradients: inputGradients },
    });
  const gates = recurrentGates(cell);
  // Gates whose recurrent product no equation uses.
  const unused = gates.flatMap((name, block) => (program.products.some((p) => p.name === name) ? [] : [block]));
  const clear = (operand: string, block: number, bytes: number): Code =>
    alone(team, memory.fill(number(address(operand) + block * bytes), number(0), number(bytes)));
  const columnsOfGates = layout.size(groups[0]?.operand.width ?? first.width);
  for (const block of unused) code.push(clear("d.weight_hh", block, H * columnsOfGates * 4));
  const gradientOf = (p: Product): number =>
    p.block === undefined
      ? address(`d.projection.${p.name}`)
      : address("d.weight_hh") + p.block * H * groups[p.operand]!.columns * 4;
  groups.forEach(({ operand, columns }, k) => {
    const parts = program.products
      .filter((p) => p.operand === k)
      .map((p) => ({ slot: gradientSlotOf(p), width: p.width, matrix: gradientOf(p) }));
    matrixGradients(parts, {
      ...{ operand: mem.operand(k), stride: layout.padded(operand.width) * 4, columns, gradients: ofSteps },
    });
  });
  // Sums of the steps, and what fills up the last panel left out.
  const copySum = (to: number, sum: number): Code => alone(team, memory.copy(number(to), number(sum), number(H * 4)));
  if (cell.bias === "both") {
    program.inputGradientSlots.forEach((slot, g) => {
      code.push(copySum(address("d.bias_ih") + g * H * 4, slotSums.get(slot)!));
    });
    for (const block of unused) code.push(clear("d.bias_hh", block, H * 4));
    for (const p of program.products)
      if (p.block !== undefined)
        code.push(copySum(address("d.bias_hh") + p.block * H * 4, slotSums.get(gradientSlotOf(p))!));
  }
  for (const [name, sum] of Object.entries(weightSums)) code.push(copySum(address(`d.weight.${name}`), sum));

  // Gradient of the input: whole panels go into rows of padded width first, unless they fit as they are.
  if (kernel.inputGradient && !kernel.unfinished) {
    const { rows } = inputGradients;
    const mine = share(team, rows);
    const full = padded(D) * 4;
    const to = address(ofParts ? "d.table" : "d.input");
    const target = full === D * 4 ? to : workspace(rows * full);
    code.push(
      transposedProduct(inputRuns, {
        gradients: inputGradients,
        rows: i32.sub(mine.to, mine.from),
        row: i32.mul(mine.from, number(64)),
        panels: { from: number(0), to: number(padded(D) / 16) },
        init: number(zeros),
        initStride: 0,
        initPanel: 0,
        out: i32.add(number(target), i32.mul(mine.from, number(full))),
        outStride: full,
      }),
    );
    if (target !== to) code.push(copyRows(context, [target, full], [to, D * 4], rows, D * 4));
  }
  for (const [name, from] of traces) {
    const width = widthOfTrace(context, name);
    const [own, full] = [layout.size(width) * 4, layout.padded(width) * 4];
    code.push(copyRows(context, [from, full], [address(`trace.d.${name}`), own], rows, own));
  }
  return code;
}

/** Fills `count` blocks of `bytes` bytes with zeros, the first one `offset` bytes behind an address, `stride` bytes apart. */
function clearBlocks(m: ModuleBuilder): Func {
  return m.memo("clearBlocks", () =>
    m.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (f, address, offset, bytes, stride, count) =>
      forRange(f.local("i32"), number(0), count.get, 1, [
        memory.fill(i32.add(address.get, offset.get), number(0), bytes.get),
        address.set(i32.add(address.get, stride.get)),
      ]),
    ),
  );
}

/**
 * Turns panels of results, [matrix][panel][columns][16], into rows of matrices [units, columns]. Parameters, all i32: first panel, end of
 * the panels, counted over all matrices; units, panels of a matrix, columns; addresses of the panels and of the first matrix.
 */
function panelsToRows(m: ModuleBuilder): Func {
  return m.memo("panelsToRows", () =>
    overPanels(m, (columns, panel, row, units) =>
      transposeBlock(m).call(panel, number(64), columns, units, row, i32.shl(columns, number(2))),
    ),
  );
}

/** The way back, with the same parameters. */
function rowsToPanels(m: ModuleBuilder): Func {
  return m.memo("rowsToPanels", () =>
    overPanels(m, (columns, panel, row, units) =>
      packPanels(m).call(row, number(4), i32.shl(columns, number(2)), columns, units, panel),
    ),
  );
}

/** Visits panels with the units that each has: where it lies, and where the row of its first unit does. */
function overPanels(m: ModuleBuilder, visit: (columns: Code, panel: Code, row: Code, units: Code) => Code): Func {
  return m.func({ params: new Array(7).fill("i32") }, (f, panel, end, units, panels, columns, from, to) => {
    const [first, left] = [f.local("i32"), f.local("i32")];
    const bytes = i32.shl(columns.get, number(2));
    const unit = i32.add(i32.mul(i32.div_u(panel.get, panels.get), units.get), first.get);
    return forRange(panel, panel.get, end.get, 1, [
      first.set(i32.shl(i32.rem_u(panel.get, panels.get), number(4))),
      left.set(i32.sub(units.get, first.get)),
      visit(
        columns.get,
        offset(from.get, i32.shl(panel.get, number(4)), bytes),
        offset(to.get, unit, bytes),
        smaller(left.get, number(16)),
      ),
    ]);
  });
}
