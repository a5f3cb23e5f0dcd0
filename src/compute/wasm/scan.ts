import type { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local, smaller } from "../../print/wasm/control.ts";
import { FEW, isFarForFew } from "../../print/wasm/few-rows.ts";
import { f32, i32, memory } from "../../print/wasm/instructions.ts";
import { packPanels } from "../../print/wasm/pack.ts";
import { panelProduct } from "../../print/wasm/panel-product.ts";
import { isFar, offset } from "../../print/wasm/product.ts";
import { turnsFor } from "../../print/wasm/sweep.ts";
import { alone, share, type Team } from "../../print/wasm/team.ts";
import { forwardProgram, stepProgram } from "../../scan/lower.ts";
import { recurrentGates, sizeOf } from "../../scan/widths.ts";
import type { Scan } from "../plan.ts";
import { divide, type Examples, LIGHT, toRow } from "./scan-division.ts";
import { padded, recurrentBytes, scanLayout, windowOf } from "./scan-layout.ts";
import {
  at,
  copyRows,
  matrixAddress,
  matrixOperand,
  overTurningSteps,
  type ScanContext,
  ScanMemory,
  widthOfTrace,
} from "./scan-memory.ts";
import { emitOutput, emitStep } from "./scan-output.ts";
import { type PanelProduct, productsOfFewRows, productsOfManyRows } from "./scan-products.ts";
import { printPhaseLoop } from "./scan-steps.ts";
import { checkTokens, takeParts } from "./scan-table.ts";

type Share = ReturnType<typeof share>;

/** Prints a scan forward. Each thread has some of the units, their gates with it, or some of the examples, for all steps. */
export function printScan(context: ScanContext<Scan>): Code {
  const { m, kernel, address, workspace, zeros, fused, team } = context;
  const { cell, steps, batch: B, inputSize: D, hiddenSize: H, vocabulary: V } = kernel;
  const program = kernel.save ? stepProgram(cell) : forwardProgram(cell);
  const recurrent = recurrentBytes(kernel, program);
  const inputBytes = cell.gates.length * padded(H) * D * 4;
  const division = divide(team, B, { recurrent, others: kernel.save || V !== undefined ? 0 : inputBytes });
  // Steps that are given what their input gives at a time; of a table parts are taken right before their step.
  const stepByStep = V !== undefined || (division.byExamples && recurrent + inputBytes <= LIGHT);
  const together = stepByStep ? 1 : kernel.save ? steps : windowOf(kernel);
  const [output] = cell.states;
  const outputWidth = sizeOf(output!.width, kernel);
  // Of states that nobody goes back to two steps are enough: they stay in the first cache. The output then comes out of the equations, in whole panels.
  const inTurn = !kernel.save && !kernel.masked && outputWidth % 16 === 0;
  const layout = kernel.save
    ? scanLayout(kernel, program)
    : scanLayout(kernel, program, { steps: together, threads: division.byExamples ? team.threads : 1, inTurn });
  const mem = new ScanMemory(context, layout, kernel.save ? address("saved") : workspace(layout.bytes + 64));
  const { rows, slotRows, slotStep, apart } = layout;
  const Hp = layout.padded("hidden");
  const [G, UB] = [cell.gates.length, layout.panels("hidden")];
  const number = (n: number): Code => i32.const(n);
  const code: Code[] = [mem.prepare()];

  // Packed weights: input part of all gates one after the other, then each product.
  const derived = (operands: readonly string[], bytes: number, make: (at: number, team: Team) => Code): number => {
    const made = context.derived(operands, bytes, make);
    code.push(made.code);
    return made.at;
  };
  /** Packs a matrix, dense [columns, depth], from its rows: each thread the panels of its units. */
  const pack = (team: Team, from: number, depth: number, columns: number, to: number): Code => {
    const mine = share(team, columns, 16);
    const at = (base: number): Code => i32.add(number(base), i32.mul(mine.from, number(depth * 4)));
    return packPanels(m).call(
      ...[at(from), number(4), number(depth * 4), number(depth)],
      ...[i32.sub(mine.to, mine.from), at(to)],
    );
  };
  const packedInput = derived(["weight_ih"], inputBytes, (to, team) =>
    cell.gates.map((_, g) => pack(team, address("weight_ih") + g * H * D * 4, D, H, to + g * Hp * D * 4)),
  );
  const packed = program.products.map((p) => {
    const columns = layout.size(program.operands[p.operand]!.width);
    return derived([matrixOperand(p)], layout.padded(p.width) * columns * 4, (to, team) =>
      pack(team, matrixAddress(context, layout, p), columns, layout.size(p.width), to),
    );
  });
  // Biases in panels: of the input part, with that of the recurrent product where it is added to it; of products apart.
  const gates = recurrentGates(cell);
  const row = (from: string, block: number, to: number): Code =>
    memory.copy(number(to), number(address(from) + block * H * 4), number(H * 4));
  const zeroes = (to: number, bytes: number): Code => memory.fill(number(to), number(0), number(bytes));
  const fusedGates = new Set(program.products.filter((p) => p.fusedWith !== undefined).map((p) => p.name));
  const biases =
    cell.bias === "none"
      ? undefined
      : derived(gates.length > 0 ? ["bias_ih", "bias_hh"] : ["bias_ih"], G * Hp * 4, (to, team) =>
          alone(team, [
            zeroes(to, G * Hp * 4),
            cell.gates.map(({ name }, g) => [
              row("bias_ih", g, to + g * Hp * 4),
              fusedGates.has(name)
                ? addRow(m, address("bias_hh") + gates.indexOf(name) * H * 4, to + g * Hp * 4, H)
                : [],
            ]),
          ]),
        );
  const productBias = program.products.map(({ block, fusedWith }) =>
    block === undefined || fusedWith !== undefined || cell.bias === "none"
      ? undefined
      : derived(["bias_hh"], Hp * 4, (to, team) => alone(team, [zeroes(to, Hp * 4), row("bias_hh", block, to)])),
  );
  const eachTurning = inTurn ? apart : undefined;
  for (const s of cell.states) {
    const [w, p] = [layout.size(s.width) * 4, layout.padded(s.width) * 4];
    code.push(copyRows(context, [address(`initial.${s.name}`), w], [mem.first(s.name), p, eachTurning], B, w));
  }

  const panelOf = (panels: Share, base: number, bytes: number): Code =>
    i32.add(number(base), i32.mul(panels.from, number(bytes)));
  /** Products of `count` rows of the input, or of its table, for some of the panels. */
  const inputProduct = (panels: Share, from: Code, count: Code, to: Code, toPanel: number, known?: number): Code =>
    panelProduct(m, { layout: "rows", fused, far: isFar(m, inputBytes / team.threads), rows: known }).call(
      ...[i32.sub(panels.to, panels.from), count, number(D), from, number(D * 4)],
      ...[panelOf(panels, packedInput, D * 64), number(D * 64)],
      ...(biases === undefined ? [zeros, 0, 0].map(number) : [panelOf(panels, biases, 64), number(0), number(64)]),
      ...[to, number(64), number(toPanel)],
    );
  const anyPanels = share(team, G * UB);
  const table =
    V === undefined ? undefined : { parts: workspace(G * UB * V * 64), panel: V * 64, tokens: address("tokens") };
  if (table)
    code.push(
      alone(team, checkTokens(m, table.tokens, rows, V!)),
      team.barrier,
      inputProduct(
        anyPanels,
        number(mem.input),
        number(V!),
        panelOf(anyPanels, table.parts, table.panel),
        table.panel,
        V,
      ),
    );
  /** What the input gives to some rows from those of step `t` on: the slots of the gates follow one another. */
  const inputParts = (panels: Share, t: Code, { first, count: rows, known }: Examples): Code => {
    const ofStep = (base: Code, step: Code, bytes: number, each = bytes): Code =>
      i32.add(base, toRow(step, first, { batch: B, bytes, each }));
    const to = ofStep(panelOf(panels, mem.slot(0), slotRows * 64), slotStep(t), 64, apart);
    if (!table) return inputProduct(panels, ofStep(number(mem.input), t, D * 4), rows, to, slotRows * 64, known);
    return takeParts(m).call(
      ...[i32.sub(panels.to, panels.from), rows, ofStep(number(table.tokens), t, 4)],
      ...[panelOf(panels, table.parts, table.panel), number(table.panel), to, number(slotRows * 64)],
    );
  };
  const few = B <= FEW;
  /** In the step itself where there is one of a few rows: bound by the memory that holds the weights, it takes all of a unit's at once. */
  const inStep = few && !table && steps === 1 && program.forward[0]?.width === "hidden";
  /** Of all steps at once, any thread any panels; or, in front of the first step of each window, each thread those of its units. */
  const atOnce = !stepByStep && together === steps && !inStep;
  const ofWindow = (t: Local, examples: Examples): Code => {
    const units = share(division.team, UB);
    const [inside, last] = [i32.and(t.get, number(together - 1)), number(steps - 1)];
    const left = i32.sub(number(steps), t.get);
    const [isFirst, from, count] = kernel.reverse
      ? [
          i32.or(i32.eq(inside, number(together - 1)), i32.eq(t.get, last)),
          i32.sub(t.get, inside),
          i32.add(inside, number(1)),
        ]
      : [i32.eqz(inside), t.get, smaller(left, number(together))];
    const ofGate = (base: number): Share => ({
      from: i32.add(units.from, number(base)),
      to: i32.add(units.to, number(base)),
    });
    const panels =
      division.team.threads === 1
        ? [{ from: number(0), to: number(G * UB) }]
        : cell.gates.map((_, g) => ofGate(g * UB));
    if (together === 1) return panels.map((share) => inputParts(share, t.get, examples));
    const all: Examples = { first: undefined, count: i32.mul(count, number(B)), known: undefined };
    return if_(
      isFirst,
      panels.map((share) => inputParts(share, from, all)),
    );
  };
  const allRows: Examples = { first: undefined, count: number(rows), known: rows };
  code.push(team.barrier, atOnce ? inputParts(anyPanels, number(0), allRows) : []);

  // The steps.
  const traces = new Map(
    kernel.trace.map((name) => [name, workspace(rows * layout.padded(widthOfTrace(context, name)) * 4)]),
  );
  const meanSums = Array.from({ length: program.means }, () =>
    workspace(B * Math.max(Hp, layout.padded("projection")) * 4),
  );
  const scan = m.func({ params: [] }, (f) => {
    const t = f.local("i32");
    const own = division.examples(f);
    const { examples } = own;
    const { first } = examples;
    const slotRow = toRow(slotStep(t.get), first, { batch: B, bytes: 64, each: apart });
    const slotOf =
      (slot: number) =>
      (panel: Code): Code =>
        at(slotRow, panel, slotRows * 64, mem.slot(slot));
    const biasFrom =
      (bias: number | undefined) =>
      (panel: Code): Code =>
        bias === undefined ? number(zeros) : offset(number(bias), panel, number(64));
    const products = program.products.map((p, index): PanelProduct => {
      const { width } = program.operands[p.operand]!;
      const [k, rowBytes, out] = [layout.size(width), layout.padded(width) * 4, slotOf(p.slot)];
      return {
        ...{
          of: p.operand,
          a: i32.add(number(mem.operand(p.operand)), mem.operandRow(p.operand, t.get, first)),
          rowBytes,
          k,
          out,
        },
        matrix: (panel) => offset(number(packed[index]!), panel, number(k * 64)),
        ...(p.fusedWith === undefined
          ? { init: biasFrom(productBias[index]), initStride: 0 }
          : { init: out, initStride: 64 }),
      };
    });
    const inputs = cell.gates.map((_, g): PanelProduct => {
      const panelOfGate = (panel: Code): Code => i32.add(panel, number(g * UB));
      return {
        ...{ of: "input", a: number(mem.input), rowBytes: D * 4, k: D, out: slotOf(g), initStride: 0 },
        matrix: (panel) => offset(number(packedInput), panelOfGate(panel), number(D * 64)),
        init: (panel) => biasFrom(biases)(panelOfGate(panel)),
      };
    });
    const sharedBytes = (bytes: number): number => bytes / division.team.threads;
    const far = isFar(m, sharedBytes(recurrent));
    const read = sharedBytes(inStep ? recurrent + inputBytes : recurrent);
    const turns = turnsFor(B, read);
    const phases = program.forward.map((phase, place) => {
      const stores = phase.stores.filter(({ to }) => to.kind !== "trace" || traces.has(to.name));
      const multiplied = [...(inStep && place === 0 ? inputs : []), ...phase.products.map((index) => products[index]!)];
      if (stores.length + phase.means.length + multiplied.length === 0) return [];
      const memory = mem.phase(phase.width, {
        ...{ trace: (name) => traces.get(name)!, meanSums: (k) => meanSums[k]! },
        ...(inTurn &&
          !apart && {
            output: { state: output!.name, address: address("output"), rowBytes: kernel.outputStride * 4 },
          }),
      });
      const loop = printPhaseLoop(context, phase, {
        ...{ stores, memory, f, t, turns, team: division.team, examples, meanOut: mem.mean },
        place: (n) => program.forwardPlace(n, phase.level),
        ...(few
          ? productsOfFewRows(context, multiplied, { far: isFarForFew(m, read) })
          : { products: productsOfManyRows(context, multiplied, { examples, far }) }),
      });
      // Products read what the other units came to before; everything else a unit reads is its own.
      return [phase.products.length > 0 ? division.team.barrier : [], loop];
    });
    const emitted = inTurn && apart ? emitStep(context, mem, outputWidth * 4, t, examples) : [];
    const step = [atOnce || inStep ? [] : ofWindow(t, examples), phases, emitted];
    return [own.code, overTurningSteps(m, kernel, t, false, step)];
  });
  // Where nobody meets in the steps (each thread has its examples, or a cell has no products), what was given to any thread has to be seen here.
  code.push(atOnce ? team.barrier : [], scan.call(), team.barrier);

  // Results, out of padded rows.
  if (!inTurn) {
    const rows = [mem.next(output!.name), layout.padded(output!.width) * 4] as const;
    code.push(emitOutput(context, division, rows, outputWidth * 4));
  }
  for (const s of cell.states) {
    const [sw, sp] = [layout.size(s.width) * 4, layout.padded(s.width) * 4];
    code.push(copyRows(context, [mem.last(s.name), sp, eachTurning], [address(`final.${s.name}`), sw], B, sw));
  }
  for (const [name, from] of traces) {
    const width = widthOfTrace(context, name);
    const [own, full] = [layout.size(width) * 4, layout.padded(width) * 4];
    code.push(copyRows(context, [from, full], [address(`trace.${name}`), own], rows, own));
  }
  return code;
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
