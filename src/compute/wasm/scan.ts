import type { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local } from "../../print/wasm/control.ts";
import { f32, i32, memory } from "../../print/wasm/instructions.ts";
import { packPanels } from "../../print/wasm/pack.ts";
import { panelProduct } from "../../print/wasm/panel-product.ts";
import { panelRows } from "../../print/wasm/product.ts";
import { rowProduct } from "../../print/wasm/row-product.ts";
import { recurrentGates } from "../../scan/widths.ts";
import type { Scan } from "../plan.ts";
import { scanLayout } from "./scan-layout.ts";
import {
  at,
  copyRows,
  isSeen,
  matrixAddress,
  matrixOperand,
  overSteps,
  type ScanContext,
  ScanMemory,
  widthOfTrace,
  zeroed,
} from "./scan-memory.ts";
import { printPhaseLoop } from "./scan-steps.ts";

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
  const derived = (operands: readonly string[], bytes: number, make: (at: number) => Code): number => {
    const made = context.derived(operands, bytes, make);
    code.push(made.code);
    return made.at;
  };
  const pack = packPanels(m);
  const packedInput = derived(["weight_ih"], G * Hp * D * 4, (to) =>
    cell.gates.map((_, g) =>
      pack.call(...[address("weight_ih") + g * H * D * 4, 4, D * 4, D, H, to + g * Hp * D * 4].map(number)),
    ),
  );
  const packed = program.products.map((p) => {
    const columns = layout.size(program.operands[p.operand]!.width);
    return derived([matrixOperand(p)], layout.padded(p.width) * columns * 4, (to) =>
      pack.call(...[matrixAddress(context, p), 4, columns * 4, columns, layout.size(p.width), to].map(number)),
    );
  });
  // Biases in panels: of the input part, with that of the recurrent product where it is added to it; of products apart.
  const gates = recurrentGates(cell);
  const row = (from: string, block: number, to: number): Code =>
    copyRows(m, address(from) + block * H * 4, H * 4, to, H * 4, 1, H * 4);
  const zeroes = (to: number, bytes: number): Code => memory.fill(number(to), number(0), number(bytes));
  const fusedGates = new Set(program.products.filter((p) => p.fusedWith !== undefined).map((p) => p.name));
  const biases =
    cell.bias === "none"
      ? undefined
      : derived(gates.length > 0 ? ["bias_ih", "bias_hh"] : ["bias_ih"], G * Hp * 4, (to) => [
          zeroes(to, G * Hp * 4),
          cell.gates.map(({ name }, g) => [
            row("bias_ih", g, to + g * Hp * 4),
            fusedGates.has(name) ? addRow(m, address("bias_hh") + gates.indexOf(name) * H * 4, to + g * Hp * 4, H) : [],
          ]),
        ]);
  const productBias = program.products.map(({ block, fusedWith }) =>
    block === undefined || fusedWith !== undefined || cell.bias === "none"
      ? undefined
      : derived(["bias_hh"], Hp * 4, (to) => [zeroes(to, Hp * 4), row("bias_hh", block, to)]),
  );

  // Input products of all steps at once. The slots of the gates follow one another.
  const slotBytes = rows * Hp * 4;
  code.push(
    panelProduct(m, { blocked: false, fused }).call(
      ...[G * UB, rows, D, mem.input, D * 4, 4, packedInput, D * 64].map(number),
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
  const scan = m.func({ params: [] }, (f) => {
    const [t, panel] = [f.local("i32"), f.local("i32")];
    /** A product of step t: of one panel, right before its equations; or, for a single example, of all panels at once. */
    const product = (index: number, panels: Local | number): Code => {
      const p = program.products[index]!;
      const operand = program.operands[p.operand]!;
      const [k, rowBytes] = [layout.size(operand.width), layout.padded(operand.width) * 4];
      const fusedWith = p.fusedWith !== undefined;
      const bias = productBias[index];
      const [init, initPanel] = fusedWith
        ? [mem.slot(p.slot), rows * 64]
        : bias === undefined
          ? [zeros, 0]
          : [bias, 64];
      const step = i32.mul(t.get, number(B * 64));
      const a = i32.add(i32.mul(t.get, number(B * rowBytes)), number(mem.operand(p.operand)));
      const none = number(0);
      if (typeof panels === "number")
        return rowProduct(m, fused).call(
          ...[number(panels), number(k), a, number(4), number(packed[index]!), number(k * 64)],
          ...[i32.add(number(init), fusedWith ? step : none), number(initPanel)],
          ...[i32.add(number(mem.slot(p.slot)), step), number(rows * 64)],
        );
      return panelRows(m, { blocked: false, fused }).call(
        ...[number(B), number(k), a, number(rowBytes), number(4), at(none, panels, k * 64, packed[index]!)],
        ...[at(fusedWith ? step : none, panels, initPanel, init), number(fusedWith ? 64 : 0)],
        ...[at(step, panels, rows * 64, mem.slot(p.slot)), number(64)],
      );
    };
    const phases = program.forward.map((phase) => {
      const stores = phase.stores.filter(({ to }) => to.kind !== "trace" || traces.has(to.name));
      if (stores.length + phase.means.length + phase.products.length === 0) return [];
      const memory = mem.phase(phase.width, { trace: (name) => traces.get(name)!, meanSums: (k) => meanSums[k]! });
      const panelsOf = layout.panels(phase.width);
      const loop = printPhaseLoop(context, phase, {
        ...{ stores, memory, panel, t, meanOut: mem.mean },
        place: (n) => program.forwardPlace(n, phase.level),
        ...(B > 1 && { products: (at: Local) => phase.products.map((index) => product(index, at)) }),
      });
      return [B === 1 ? phase.products.map((index) => product(index, panelsOf)) : [], loop];
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
