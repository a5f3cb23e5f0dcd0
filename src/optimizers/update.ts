import type { Range } from "../compute/plan.ts";
import {
  abs,
  add,
  constant,
  div,
  type Expression,
  equal,
  isExpression,
  less,
  lessEqual,
  min,
  mul,
  select,
  sqrt,
  square,
  variable,
} from "../math/expression.ts";
import { clamp } from "../math/functions.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { LARGEST_FLOAT32 } from "../shared/finite.ts";
import { expectOptions } from "../shared/options.ts";
import { size } from "../shared/shapes.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import type { ParameterLayout } from "../tensor/parameter.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { inBlocks } from "../tensor/touched-blocks.ts";
import { momentsOf, type OptimizerChoice, optimizerOf } from "./by-parameter.ts";
import type { Optimizer } from "./define.ts";

/** Gradient clipping. */
export interface UpdateOptions {
  /** Gradients are scaled down together if their norm is larger (Pascanu et al. 2013, arXiv:1211.5063). Default: no clipping. */
  readonly clipNorm?: number | undefined;
  /** Each element is clamped to ±clipValue, after `clipNorm`. Default: no clipping. */
  readonly clipValue?: number | undefined;
}

/** What `updateParameters` recorded. */
export interface ParameterUpdate {
  /** √Σg² over all parameters, before clipping; shape []. Also the output "gradientNorm". */
  readonly gradientNorm: Tensor;
  /** 1 when the norm was not a finite number and the step changed nothing, otherwise 0; shape []. Also the output "skipped". */
  readonly skipped: Tensor;
  /** What a run must be given. `step` is 1 at the first update. @throws UsageError "not-a-number" where one is not finite */
  scalars(step: number, rate: number): Record<string, number>;
}

/** Arena of a moment: the layout of the parameters, like their gradients. */
export const momentArena = (moment: string): string => `moment.${moment}`;

/** Creates the arenas of an optimizer's moments, or resets them to their initial values. */
export function createMoments(store: ParameterStore, optimizer: OptimizerChoice): void {
  const initialOf = (name: string, moment: string): number => optimizerOf(optimizer, name).moments[moment] ?? 0;
  for (const moment of momentsOf(optimizer, store.layout)) {
    const arena = momentArena(moment);
    const isNew = !(arena in store.arenas);
    store.arena(arena);
    if (isNew && store.names.every((name) => initialOf(name, moment) === 0)) continue;
    for (const name of store.names)
      store.write(name, new Float64Array(size(store.shape(name))).fill(initialOf(name, moment)), arena);
  }
}

/**
 * Records the update of all parameters, after `graph.backward`: their norm, clipping, and one pass over parameters,
 * gradients and moments, whatever the number of parameters. Nothing is read back to decide: a step whose gradients are not
 * finite leaves parameters and moments alone, on the machine.
 *
 * The optimizer sees every parameter of the model; one that no gradient reached has the gradient 0. Where each parameter has an optimizer
 * of its own (`byParameter`) neighbours with the same one are one pass.
 */
export function updateParameters(
  graph: Graph,
  optimizer: OptimizerChoice,
  options: UpdateOptions = {},
): ParameterUpdate {
  expectOptions("updateParameters", options, { clipNorm: 1, clipValue: 1 });
  const layout = trainedLayout(graph);
  for (const name of ["clipNorm", "clipValue"] as const)
    if (options[name] !== undefined && !(options[name] > 0))
      throw new UsageError("out-of-range", `${name}: expected a number above 0, got ${describe(options[name])}`);
  const clip = clipping(graph, { arena: "gradients", offset: 0, length: layout.length, type: "float" }, options);

  const stretches = stretchesOf(optimizer, layout);
  const owners = [...new Set(stretches.map((one) => one.optimizer))];
  for (const moment of momentsOf(optimizer, layout)) graph.reserve(momentArena(moment), layout.length);
  // One for all has the plain names, which a run is given.
  const label = (owner: Optimizer): string => (owners.length === 1 ? "" : `${owners.indexOf(owner)}.`);
  const recorded = new Map(owners.map((owner) => [owner, recordEquations(graph, owner, label(owner), clip)] as const));
  if (![...recorded.values()].some(({ changed }) => changed))
    throw new UsageError(
      "nothing-to-train",
      "optimizer: expected one that changes a parameter, got frozen() for all of them",
    );
  for (const { optimizer: owner, offset, length } of stretches) {
    const { changed, launch } = recorded.get(owner)!;
    const gradients: Range = { arena: "gradients", offset, length, type: "float" };
    if (changed) for (const part of inBlocks(graph.touched, gradients)) launch(part);
  }
  return {
    gradientNorm: clip.norm,
    skipped: clip.skipped,
    scalars: (step, rate) =>
      Object.assign({}, ...owners.map((owner) => scalarsOf(owner, label(owner), step, rate))) as Record<string, number>,
  };
}

/** Neighbouring parameters with one optimizer, and the gap behind each, which holds zeros. */
interface Stretch {
  readonly optimizer: Optimizer;
  readonly offset: number;
  readonly length: number;
}

function stretchesOf(choice: OptimizerChoice, { names, offsets, length }: ParameterLayout): Stretch[] {
  const starts = [...names]
    .map(([name, parameter]) => ({ optimizer: optimizerOf(choice, name), offset: offsets.get(parameter)! }))
    .sort((a, b) => a.offset - b.offset);
  const first = starts.filter(({ optimizer }, k) => optimizer !== starts[k - 1]?.optimizer);
  return first.map((one, k) => ({ ...one, length: (first[k + 1]?.offset ?? length) - one.offset }));
}

/** The equations of one optimizer, and how they are launched on a stretch. */
function recordEquations(graph: Graph, optimizer: Optimizer, label: string, clip: ReturnType<typeof clipping>) {
  const moments = Object.keys(optimizer.moments);
  const elements = ["p", "g", ...moments];
  const arenaOf = (name: string): string =>
    name === "p" ? "parameters" : name === "g" ? "gradients" : momentArena(name);
  const scalars = Object.keys(optimizer.scalars(1, 0));
  const all = [...elements, ...Object.keys(clip.ranges), ...scalars];
  const twice = all.find((name, k) => all.indexOf(name) !== k);
  if (twice !== undefined)
    throw new UsageError(
      "duplicate-name",
      `optimizer "${optimizer.name}": "${twice}" names two things: the moments and scalars, "p" and "g" each need a name of their own`,
    );
  const numbers = { ...clip.ranges, ...mapNames(scalars, (name) => graph.scalar(scalarName(label + name)).range) };

  const values = mapNames(elements, variable);
  const next = optimizer.update({ ...values, g: clip.gradient }, mapNames(Object.keys(numbers), variable));
  const changes = ["p", ...moments];
  for (const name of changes)
    if (!isExpression(next[name]))
      throw new UsageError(
        "bad-optimizer",
        `optimizer "${optimizer.name}": update: expected ${changes.join(", ")} as expressions, got ${describe(next[name])} for ${name}`,
      );
  const launch = ({ offset, length, words }: ReturnType<typeof inBlocks>[number]): void => {
    const range = (name: string): Range => ({ arena: arenaOf(name), offset, length, type: "float" });
    graph.launch(
      {
        op: "pointwise",
        shape: [length],
        inputs: { ...mapNames(elements, () => [1]), ...mapNames(Object.keys(numbers), () => [0]) },
        ...(words && { touched: { input: "g", rests: optimizer.rests ?? false } }),
        outputs: Object.fromEntries(
          changes.map((name) => {
            const value = name === "p" ? next.p! : settled(next[name]!);
            return [`new ${name}`, { value: clip.unlessSkipped(value, values[name]!), strides: [1] }];
          }),
        ),
      },
      {
        ...{ ...mapNames(elements, range), ...numbers },
        ...Object.fromEntries(changes.map((name) => [`new ${name}`, range(name)])),
        ...(words && { touched: words }),
      },
    );
  };
  return { changed: changes.some((name) => next[name] !== values[name]), launch };
}

/** What a run must be given for one optimizer. */
function scalarsOf(optimizer: Optimizer, label: string, step: number, rate: number): Record<string, number> {
  const own = Object.entries(optimizer.scalars(step, rate));
  // One that is no number would make all parameters so.
  for (const [name, value] of own)
    if (!Number.isFinite(value))
      throw new UsageError(
        "not-a-number",
        `optimizer "${optimizer.name}": at step ${step} the learning rate is ${rate}, which makes its scalar "${name}" ${value}; expected finite numbers`,
      );
  return Object.fromEntries(own.map(([name, value]) => [scalarName(label + name), value]));
}

/**
 * A moment that has faded below this is 0 (2⁻¹²⁰; what is no number stays so). It would become the least denormal number and, rounded, stay it:
 * so do those of every row of an embedding that no batch has chosen for some 800 updates of Adam, and then an update of all rows takes some
 * processors thirteen times as long.
 */
const LEAST_MOMENT = 2 ** -120;
const settled = (moment: Expression): Expression => select(less(abs(moment), LEAST_MOMENT), 0, moment);

/** Norm of all gradients (gaps hold zeros and add nothing), the factor that brings it down to `clipNorm`, and whether it is finite. */
function clipping(graph: Graph, gradients: Range, { clipNorm, clipValue }: UpdateOptions) {
  const one = (): Tensor => graph.empty([]);
  const [sum, norm, factor, skipped] = [one(), one(), one(), one()];
  const g = variable("g");
  graph.launch(
    {
      ...{
        op: "reduce",
        shape: [gradients.length],
        inputs: { g: [1] },
        value: square(g),
        combine: "sum",
        over: [true],
      },
      ...(graph.touched && { touched: true }),
    },
    { g: gradients, out: sum.range, ...(graph.touched && { touched: graph.touched }) },
  );
  const root = sqrt(variable("sum"));
  // PyTorch's clip_grad_norm_: never larger than 1, and no division by 0.
  const scale = clipNorm === undefined ? constant(1) : min(1, div(clipNorm, add(root, 1e-6)));
  const write = (value: Expression) => ({ value, strides: [1] });
  graph.launch(
    {
      op: "pointwise",
      shape: [1],
      inputs: { sum: [1] },
      outputs: {
        norm: write(root),
        factor: write(scale),
        skipped: write(select(lessEqual(root, LARGEST_FLOAT32), 0, 1)),
      },
    },
    { sum: sum.range, norm: norm.range, factor: factor.range, skipped: skipped.range },
  );
  graph.output("gradientNorm", norm);
  graph.output("skipped", skipped);
  const scaled = clipNorm === undefined ? g : mul(g, variable("clip factor"));
  return {
    norm,
    skipped,
    ranges: { "step skipped": skipped.range, ...(clipNorm !== undefined && { "clip factor": factor.range }) },
    gradient: clipValue === undefined ? scaled : clamp(-clipValue, clipValue)(scaled),
    unlessSkipped: (next: Expression, old: Expression) => select(equal(variable("step skipped"), 0), next, old),
  };
}

function trainedLayout(graph: Graph): ParameterLayout {
  const { parameters, training } = graph;
  if (!parameters || !training || parameters.length === 0)
    throw new UsageError(
      "nothing-to-train",
      "updateParameters: expected a graph with parameters and `training: true`; give `new Graph` the layout of a model that has parameters",
    );
  return parameters;
}

const scalarName = (name: string): string => `optimizer.${name}`;
const mapNames = <A>(names: readonly string[], value: (name: string) => A): Record<string, A> =>
  Object.fromEntries(names.map((name) => [name, value(name)]));
