import type { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_ } from "../../print/wasm/control.ts";
import { f32, i32, memory } from "../../print/wasm/instructions.ts";
import { packPanels } from "../../print/wasm/pack.ts";
import { panelProduct } from "../../print/wasm/panel-product.ts";
import { panelRows } from "../../print/wasm/product.ts";
import { recurrentGates } from "../../scan/widths.ts";
import type { Scan } from "../plan.ts";
import { scanLayout } from "./scan-layout.ts";
import {
  at,
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
