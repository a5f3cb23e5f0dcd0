import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local, larger, smaller } from "../../print/wasm/control.ts";
import { f32, i32, memory } from "../../print/wasm/instructions.ts";
import { alone, type Share, share, shareOf, solo } from "../../print/wasm/team.ts";
import type { LinearCrossEntropy } from "../plan.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";
import { layout, SLICE } from "./linear-cross-entropy-memory.ts";
import { Rows } from "./linear-cross-entropy-rows.ts";
import { type Classes, Steps } from "./linear-cross-entropy-steps.ts";

const number = (n: number): Code => i32.const(n);

/**
 * Prints a linear map with softmax cross entropy and its gradients.
 *
 * Rows of the batch are worked on in blocks whose logits Z lie as [rows / 16][V][16]. So no weight is ever packed or turned: W is the
 * left operand of both its products as it lies (Z = W xᵀ; dxᵀ = Wᵀ Z), the packed right operands are x, a few kilobytes, and Z
 * itself, which is also the left operand, in panels, of dW = Z x.
 *
 * Threads share the work in one of two ways. Where the weights are near, each takes blocks of rows by itself: what one core wrote reaches
 * another so slowly that two threads which shared a block of 128 rows and 65 classes took longer than one. Where the weights come from
 * afar, each takes a part of the classes, with all rows of a block.
 */
export const printLinearCrossEntropy: LaunchPrinter<LinearCrossEntropy> = (context) => {
  const { m, kernel, team } = context;
  if (kernel.rows * kernel.classes === 0) return emptyLoss(context);
  const mem = layout(context);
  const steps = new Steps(context, mem);
  const body = m.func({ params: [] }, (f) => [
    alone(team, steps.weighRows(f)),
    team.barrier,
    mem.near ? blocksOfOwn(f, steps) : blocksOfAll(f, steps),
    team.barrier,
    steps.putWeightGradient(f),
    steps.putBiasGradient(f),
    alone(team, steps.putLoss(f)),
  ]);
  return body.call();
};

/** Nothing to sum up: a sum is 0, a mean NaN, gradients are 0. */
function emptyLoss({ kernel, address }: LaunchContext<LinearCrossEntropy>): Code {
  const lengths = { x: kernel.rows * kernel.columns, weight: kernel.classes * kernel.columns, bias: kernel.classes };
  return [
    f32.store(number(address("loss")), f32.const(kernel.mean ? Number.NaN : 0)),
    kernel.gradients.map((name) => memory.fill(number(address(`d.${name}`)), number(0), number(lengths[name] * 4))),
  ];
}

/** Loops over slices of the classes: number `slice`, the classes `from … to − 1`. */
function overSlices({ slice, from, to }: Classes, classes: number, slices: Share, body: Code): Code {
  return forRange(slice, slices.from, slices.to, 1, [
    from.set(i32.mul(slice.get, number(SLICE))),
    to.set(smaller(i32.add(from.get, number(SLICE)), number(classes))),
    body,
  ]);
}

/** Each thread takes groups of blocks of rows, with all classes, and meets nobody. */
function blocksOfOwn(f: FunctionBuilder, steps: Steps): Code {
  const { kernel, team } = steps.context;
  const { together, groups } = steps.mem;
  const { rows, classes: V } = kernel;
  const [group, first, end, row0] = [0, 1, 2, 3].map(() => f.local("i32")) as [Local, Local, Local, Local];
  const at = { slice: f.local("i32"), from: f.local("i32"), to: f.local("i32") };
  const own = new Rows(f);
  const blocks = Math.ceil(rows / together);
  const start = (group: Code): Code =>
    smaller(i32.mul(i32.div_u(i32.mul(group, number(blocks)), number(groups)), number(together)), number(rows));
  const slices = share(solo, Math.ceil(V / SLICE));
  const mine = share(team, groups);
  // Where there are fewer groups than threads, those of them that work have one each.
  const place = i32.mul(groups < team.threads ? group.get : team.thread, number(together));
  const block: Code = [
    own.set(row0.get, smaller(i32.sub(end.get, row0.get), number(together)), place),
    steps.takeRows(f, own),
    overSlices(at, V, slices, steps.softmax(f, own, at)),
    steps.finishRows(own),
    kernel.gradients.length === 0
      ? []
      : [
          overSlices(at, V, slices, [
            steps.weightGradient(f, own, at, { group: group.get, begins: i32.eq(row0.get, first.get) }),
            steps.inputGradient(own, at, share(solo, kernel.columns)),
          ]),
          steps.putInputGradient(f, own, share(solo, kernel.columns)),
        ],
  ];
  return forRange(group, mine.from, mine.to, 1, [
    first.set(start(group.get)),
    end.set(start(i32.add(group.get, number(1)))),
    forRange(row0, first.get, end.get, together, block),
  ]);
}

/** Of every block of rows each thread takes some classes, of the gradient of x some columns: never a part of a sum. */
function blocksOfAll(f: FunctionBuilder, steps: Steps): Code {
  const { kernel, team } = steps.context;
  const { together } = steps.mem;
  const { rows, classes: V } = kernel;
  const row0 = f.local("i32");
  const at = { slice: f.local("i32"), from: f.local("i32"), to: f.local("i32") };
  const { from, to } = at;
  const [all, own] = [new Rows(f), new Rows(f)];
  const slices = Math.ceil(V / SLICE);
  const columns = share(team, kernel.columns);
  const ownClasses = share(team, V);
  const overOwnClasses = (body: Code): Code => {
    const some = {
      from: i32.div_u(ownClasses.from, number(SLICE)),
      to: i32.div_u(i32.add(ownClasses.to, number(SLICE - 1)), number(SLICE)),
    };
    return overSlices(at, V, some, [
      from.set(larger(from.get, ownClasses.from)),
      to.set(smaller(to.get, ownClasses.to)),
      if_(i32.lt_u(from.get, to.get), body),
    ]);
  };
  const difference = steps.weightGradient(f, all, at, { group: number(0), begins: i32.eqz(row0.get) });
  const inputs = steps.inputGradient(all, at, columns);
  const gradients: Code = [
    team.barrier,
    // A single thread takes each slice while it is in the cache.
    team.threads === 1
      ? overSlices(at, V, share(solo, slices), [difference, inputs])
      : [overOwnClasses(difference), team.barrier, overSlices(at, V, share(solo, slices), inputs)],
    steps.putInputGradient(f, all, columns),
  ];
  return forRange(row0, number(0), number(rows), together, [
    all.set(row0.get, smaller(i32.sub(number(rows), row0.get), number(together)), number(0)),
    own.setPart(all, shareOf(team, all.panels)),
    steps.takeRows(f, own),
    team.barrier,
    overSlices(at, V, share(team, slices), steps.softmax(f, all, at)),
    team.barrier,
    steps.finishRows(own),
    kernel.gradients.length === 0 ? [] : gradients,
  ]);
}
