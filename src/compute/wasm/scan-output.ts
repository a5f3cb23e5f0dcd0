import type { Func } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { doWhile, forRange, if_, type Local } from "../../print/wasm/control.ts";
import { f32, i32, memory } from "../../print/wasm/instructions.ts";
import { alone, share } from "../../print/wasm/team.ts";
import type { Scan, ScanBackward, ScanShape } from "../plan.ts";
import { type Division, type Examples, toRow } from "./scan-division.ts";
import type { ScanLayout } from "./scan-layout.ts";
import { copyLines, copyRows, isSeen, overSteps, rowCopier, type ScanContext, type ScanMemory } from "./scan-memory.ts";

const number = (n: number): Code => i32.const(n);

/** The output, out of padded rows of a state. */
export function emitOutput(
  context: ScanContext<Scan>,
  division: Division,
  from: readonly [rows: number, stride: number],
  bytes: number,
): Code {
  const { kernel, address } = context;
  return kernel.masked
    ? emitMasked(context, from, bytes).call()
    : copyStepRows(context, division, from, [address("output"), kernel.outputStride * 4], bytes);
}

/**
 * The output of one step, out of the state in turn that it is, where each thread has examples of its own: rows written by the equations, some units
 * of all rows at a time, have the rows of the next thread fetched ahead again and again. Measured (Zen 4, `sequence-64` on two threads): 384 µs in
 * place of 380, but 558 in place of 674 where the host had put the two processors far from one another.
 */
export function emitStep(
  { m, kernel, address }: ScanContext<Scan>,
  mem: ScanMemory,
  bytes: number,
  t: Local,
  { first, count }: Examples,
): Code {
  const stride = kernel.outputStride * 4;
  const to = i32.add(number(address("output")), toRow(t.get, first, { batch: kernel.batch, bytes: stride }));
  const from = mem.outputRow(t.get, first);
  const end = i32.add(from, i32.mul(count, number(bytes)));
  if (stride === bytes) return copyLines(m).call(to, from, end);
  const rows = m.memo(`emitStep ${bytes} ${stride}`, () =>
    m.func({ params: ["i32", "i32", "i32"] }, (f, target, source, end) => {
      const next = f.local("i32");
      return doWhile(
        [
          next.set(i32.add(source.get, number(bytes))),
          copyLines(m).call(target.get, source.get, next.get),
          target.set(i32.add(target.get, number(stride))),
          source.set(next.get),
        ],
        i32.ne(source.get, end.get),
      );
    }),
  );
  return rows.call(to, from, end);
}

/** Of a masked scan: a step that was not seen gives zeros or what the step before gave. */
function emitMasked(
  { m, team, kernel, address }: ScanContext<Scan>,
  [rowsFrom, rowBytes]: readonly [number, number],
  bytes: number,
): Func {
  const { batch: B, outputStride, maskedOutput, reverse, steps: T } = kernel;
  const stride = outputStride * 4;
  const examples = share(team, B);
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
      forRange(b, examples.from, examples.to, 1, [
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

/** The adjoint of the output in rows of padded width. Of a masked step it goes nowhere, or to the step whose output was repeated. */
export function stageOutput(
  context: ScanContext<ScanBackward>,
  { layout, division, to }: { layout: ScanLayout; division: Division; to: number },
): Code {
  const { m, kernel, address, workspace, team } = context;
  const { batch: B, outputStride, maskedOutput } = kernel;
  const { width } = kernel.cell.states[0]!;
  const [own, full, stride] = [layout.size(width) * 4, layout.padded(width) * 4, outputStride * 4];
  if (!kernel.masked) return copyStepRows(context, division, [address("d.output"), stride], [to, full], own);
  const waiting = workspace(B * full);
  const examples = share(team, B);
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
      forRange(b, examples.from, examples.to, 1, [
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
  return [alone(team, memory.fill(number(waiting), number(0), number(B * full))), team.barrier, stage.call()];
}

/** Copies rows [T·B], each thread those of its own steps: nothing comes out of another one's cache. */
export function copyStepRows(
  context: ScanContext<ScanShape>,
  division: Division,
  [from, fromStride]: readonly [number, number],
  [to, toStride]: readonly [number, number],
  bytes: number,
): Code {
  const { m, kernel } = context;
  const { steps, batch } = kernel;
  if (!division.byExamples) return copyRows(context, [from, fromStride], [to, toStride], steps * batch, bytes);
  const copy = m.func({ params: [] }, (f) => {
    const t = f.local("i32");
    const { code, examples } = division.examples(f);
    const at = (base: number, stride: number): Code =>
      i32.add(i32.const(base), toRow(t.get, examples.first, { batch, bytes: stride }));
    const [source, target] = [at(from, fromStride), at(to, toStride)];
    return [
      code,
      forRange(t, i32.const(0), i32.const(steps), 1, [
        fromStride === bytes && toStride === bytes
          ? memory.copy(target, source, i32.mul(examples.count, i32.const(bytes)))
          : rowCopier(m).call(
              ...[source, i32.const(fromStride), target, i32.const(toStride)],
              ...[examples.count, i32.const(bytes)],
            ),
      ]),
    ];
  });
  return copy.call();
}
