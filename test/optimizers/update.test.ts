import { expect, test } from "vitest";
import { mul, sub } from "../../src/math/expression.ts";
import { adadelta } from "../../src/optimizers/adadelta.ts";
import { adagrad } from "../../src/optimizers/adagrad.ts";
import { adam, adamW } from "../../src/optimizers/adam.ts";
import { adamax } from "../../src/optimizers/adamax.ts";
import { averaged } from "../../src/optimizers/averaged.ts";
import { defineOptimizer } from "../../src/optimizers/define.ts";
import { nadam } from "../../src/optimizers/nadam.ts";
import { radam } from "../../src/optimizers/radam.ts";
import {
  type OptimizerName,
  type OptimizerOptions,
  optimizerByName,
  optimizerNames,
} from "../../src/optimizers/registry.ts";
import { rmsprop } from "../../src/optimizers/rmsprop.ts";
import { sgd } from "../../src/optimizers/sgd.ts";
import { type UpdateOptions, updateParameters } from "../../src/optimizers/update.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { onMachines } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";
import { descend } from "./descend.ts";

const all = {
  sgd: sgd({ momentum: 0.9, dampening: 0.2, weightDecay: 0.1 }),
  adam: adam({ amsgrad: true }),
  adamW: adamW(),
  adamax: adamax(),
  nadam: nadam(),
  radam: radam(),
  rmsprop: rmsprop({ centered: true, momentum: 0.5 }),
  adagrad: adagrad({ initialAccumulator: 0.3 }),
  adadelta: adadelta(),
};

/** As the descriptions say. */
const family = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 } as const;
const defaults = {
  sgd: { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
  adam: { ...family, amsgrad: false },
  adamW: { ...family, amsgrad: false, weightDecay: 0.01 },
  adamax: family,
  nadam: { ...family, momentumDecay: 0.004 },
  radam: family,
  rmsprop: { alpha: 0.99, epsilon: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
  adagrad: { rateDecay: 0, initialAccumulator: 0, epsilon: 1e-10, weightDecay: 0 },
  adadelta: { rho: 0.9, epsilon: 1e-6, weightDecay: 0 },
} satisfies { readonly [N in OptimizerName]: OptimizerOptions<N> };

onMachines("the update of all parameters", (machine, tolerance) => {
  test.each(Object.entries(all))("%s: a step whose gradients are not finite changes nothing", async (_, optimizer) => {
    const run = (scale: (step: number) => number, steps: number) =>
      descend(machine(), optimizer, { rate: 0.01, steps, scale });
    const before = await run(() => 1, 3);
    for (const broken of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const after = await run((step) => (step < 3 ? 1 : broken), 5);
      expect(after.skipped).toEqual([0, 0, 0, 1, 1]);
      expect(after.parameters).toEqual(before.parameters);
      expect(after.moments).toEqual(before.moments);
    }
    const on = await run((step) => (step === 3 ? Number.NaN : 1), 5);
    expect(on.skipped).toEqual([0, 0, 0, 1, 0]);
    expect(on.parameters).not.toEqual(before.parameters);
    expect(on.parameters.every(Number.isFinite)).toBe(true);
  });

  test.each(optimizerNames)("lazy %s: what has no gradient rests, all else is as without it", async (name) => {
    const [lazy, eager] = [true, false].map((on) => optimizerByName(name, { lazy: on }));
    const run = (optimizer = lazy!, scale = (_: number) => 1) =>
      descend(machine(), optimizer, { rate: 0.01, steps: 4, scale });
    const right = await run(eager);
    const came = await run(lazy);
    expect([came.parameters, came.moments]).toEqual([right.parameters, right.moments]);
    // From the third step on every gradient is 0: momentum would go on.
    const rested = await run(lazy, (step) => (step < 2 ? 1 : 0));
    const before = await descend(machine(), eager!, { rate: 0.01, steps: 2 });
    expect([rested.parameters, rested.moments]).toEqual([before.parameters, before.moments]);
  });

  test("a moment that fades for long ends at 0, and not at the least number there is", async () => {
    const { moments } = await descend(machine(), adam(), {
      rate: 0.01,
      steps: 900,
      scale: (step) => (step < 1 ? 1 : 0),
    });
    expect(moments.m!.every((m) => m === 0)).toBe(true);
    expect(moments.v!.some((v) => v > 0)).toBe(true);
  });

  test("the norm is over all parameters and before clipping, and gaps between parameters hold zeros", async () => {
    const free = await descend(machine(), sgd(), { rate: 0.1, steps: 1 });
    const gradient = free.start.map((p, k) => p * free.curvature[k]!);
    const norm = Math.hypot(...gradient);
    expect(difference(free.norms, [norm])).toBeLessThan(tolerance.output);
    expect(Array.from(free.gradients).filter((g) => g !== 0)).toHaveLength(5);
    expect(free.gradients.length % 16).toBe(0);
    for (const clipNorm of [1, 100]) {
      const { parameters, norms } = await descend(machine(), sgd(), { rate: 0.1, steps: 1, clipNorm });
      const factor = Math.min(1, clipNorm / (norm + 1e-6));
      expect(difference(norms, [norm])).toBeLessThan(tolerance.output);
      const expected = free.start.map((p, k) => p - 0.1 * factor * gradient[k]!);
      expect(difference(parameters, expected)).toBeLessThan(tolerance.output);
    }
    const both = await descend(machine(), sgd(), { rate: 0.1, steps: 1, clipNorm: 1, clipValue: 0.1 });
    const expected = free.start.map((p, k) => p - 0.1 * Math.max(-0.1, Math.min(0.1, gradient[k]! / (norm + 1e-6))));
    expect(difference(both.parameters, expected)).toBeLessThan(tolerance.output);
  });

  test("one pass, whatever the number of parameters; a parameter without gradient only decays", async () => {
    const { passes, unused } = await descend(machine(), sgd({ weightDecay: 0.5 }), { rate: 0.1, steps: 1 });
    expect(passes).toBe(1);
    expect(unused).toBeCloseTo(7 * (1 - 0.05), 5);
    expect((await descend(machine(), adam(), { rate: 0.1, steps: 2 })).unused).toBe(7);
  });

  test.each(optimizerNames)("%s: what is left out is what the description says", async (name) => {
    const run = (options: object) => descend(machine(), optimizerByName(name, options), { rate: 0.1, steps: 3 });
    expect(await run({})).toEqual(await run(defaults[name]));
  });

  test.each(optimizerNames.filter((name) => name !== "adamW"))("%s: weight decay is a penalty ½λp²", async (name) => {
    const [options, weightDecay] = [{ rate: 0.1, steps: 3 }, 0.25];
    const decays = await descend(machine(), optimizerByName(name, { weightDecay }), options);
    const penalized = await descend(machine(), optimizerByName(name), { ...options, more: weightDecay });
    expect(difference(decays.parameters, penalized.parameters)).toBeLessThan(tolerance.output);
    expect(decays.parameters).not.toEqual((await descend(machine(), optimizerByName(name), options)).parameters);
  });

  test("a mean of the weights goes 9 / (step + 8) of the way at first, and 1 − decay later", async () => {
    const steps = (from: number, count: number) =>
      descend(machine(), averaged(sgd(), 0.9), { rate: 0.1, steps: count, from });
    for (const from of [1, 500]) {
      let mean = [0, 0, 0, 0, 0];
      for (let count = 1; count <= 3; count++) {
        const { parameters, moments } = await steps(from, count);
        const share = Math.max(0.1, 9 / (from + count - 1 + 8));
        mean = mean.map((m, k) => m + share * (parameters[k]! - m));
        expect(difference(moments.average!, mean)).toBeLessThan(tolerance.output);
      }
    }
    for (const decay of [0, 1, Number.NaN])
      expect(() => averaged(sgd(), decay)).toThrow(`average: expected a number above 0 and below 1, got ${decay}`);
  });

  test("AdamW shrinks the parameters and lets the gradient be", async () => {
    const options = { rate: 0.1, steps: 1 };
    const [plain, decays] = [await descend(machine(), adam(), options), await descend(machine(), adamW(), options)];
    const expected = plain.parameters.map((p, k) => p - 0.1 * 0.01 * plain.start[k]!);
    expect(difference(decays.parameters, expected)).toBeLessThan(tolerance.output);
    expect(decays.moments).toEqual(plain.moments);
  });

  test("momentum starts with the whole first gradient, dampened or not", async () => {
    const dampened = sgd({ momentum: 0.9, dampening: 0.5 });
    const first = await descend(machine(), dampened, { rate: 0.1, steps: 1 });
    const expected = first.start.map((p, k) => p * first.curvature[k]!);
    expect(difference(first.moments.velocity!, expected)).toBeLessThan(tolerance.output);
    const later = await descend(machine(), dampened, { rate: 0.1, steps: 1, from: 2 });
    expect(
      difference(
        later.moments.velocity!,
        expected.map((g) => g / 2),
      ),
    ).toBeLessThan(tolerance.output);
  });

  test("a moment starts where the optimizer says", async () => {
    const { moments, start, curvature } = await descend(machine(), adagrad({ initialAccumulator: 2 }), {
      rate: 0,
      steps: 1,
    });
    const expected = start.map((p, k) => 2 + (p * curvature[k]!) ** 2);
    expect(difference(moments.sum!, expected)).toBeLessThan(tolerance.output);
  });

  test("an optimizer of one's own is its equations", async () => {
    const own = defineOptimizer({
      name: "own",
      moments: { last: 5 },
      scalars: (step, rate) => ({ size: rate / step }),
      update: ({ p, g, last }, { size }) => ({ p: sub(p, mul(size, last)), last: g }),
    });
    const { parameters, moments, start, curvature } = await descend(machine(), own, { rate: 0.5, steps: 2 });
    const g1 = start.map((p, k) => p * curvature[k]!);
    const p1 = start.map((p) => p - 0.5 * 5);
    expect(
      difference(
        parameters,
        p1.map((p, k) => p - 0.25 * g1[k]!),
      ),
    ).toBeLessThan(tolerance.output);
    expect(
      difference(
        moments.last!,
        p1.map((p, k) => p * curvature[k]!),
      ),
    ).toBeLessThan(tolerance.output);
  });

  test("what does not fit is refused in words", () => {
    const model = { parts: { w: { shape: [2], initialize: () => [1, 2] } } };
    const parameters = layoutParameters(model);
    const update = (...[optimizer, options]: [Parameters<typeof updateParameters>[1], UpdateOptions?]) =>
      updateParameters(new Graph({ machine: machine(), parameters, training: true }), optimizer, options);
    expect(() => update(sgd(), { clipNorm: 0 })).toThrow("clipNorm: expected a number above 0, got 0");
    expect(() => update(sgd(), { clipValue: Number.NaN })).toThrow("clipValue: expected a number above 0");
    expect(() => updateParameters(new Graph({ machine: machine(), parameters }), sgd())).toThrow("`training: true`");
    const clash = defineOptimizer({
      name: "clash",
      moments: { m: 0 },
      scalars: () => ({ m: 1 }),
      update: ({ p, m }) => ({ p, m }),
    });
    expect(() => update(clash)).toThrow('optimizer "clash": "m" names two things');
    for (const name of ["p", "g", "clip factor"])
      expect(() => update({ ...clash, moments: { [name]: 0 } }, { clipNorm: 1 })).toThrow(`"${name}" names two things`);
    for (const none of [undefined, adam])
      expect(() => update(none as never)).toThrow("optimizer: expected what adam(), sgd() and others");
    const lacks = { ...clash, name: "lacks", scalars: () => ({}), update: ({ p }: { p: unknown }) => ({ p }) };
    expect(() => update(lacks as never)).toThrow(
      'optimizer "lacks": update: expected p, m as expressions, got nothing for m',
    );
    expect(() => update(sgd()).scalars(1, Number.NaN)).toThrow("the learning rate is NaN");
  });
});

test.each(optimizerNames)("%s: options out of range are refused in words", (name) => {
  const { betas, ...numbers }: Record<string, unknown> = defaults[name];
  const refused = (option: string, value: unknown, told = option) =>
    expect(() => optimizerByName(name, { [option]: value })).toThrow(`${name}: ${told}: expected a number`);
  for (const option of Object.keys(numbers).filter((one) => typeof numbers[one] === "number"))
    for (const value of [
      -0.1,
      Number.NaN,
      ["momentum", "dampening", "alpha", "rho"].includes(option) ? 1 : Number.POSITIVE_INFINITY,
    ])
      refused(option, value);
  for (const value of betas ? [-0.1, Number.NaN, 1] : []) {
    refused("betas", [value, 0.9], "betas[0]");
    refused("betas", [0.9, value], "betas[1]");
  }
});

test("Nesterov's momentum is one without dampening", () => {
  for (const options of [{}, { momentum: 0.9, dampening: 0.1 }])
    expect(() => sgd({ nesterov: true, ...options })).toThrow("nesterov needs momentum above 0 and no dampening");
});

test("optimizers by name", () => {
  expect(optimizerByName("adamW", { weightDecay: 0.1 }).name).toBe("adamW");
  for (const name of optimizerNames) expect(optimizerByName(name).name).toBe(name);
  // @ts-expect-error a name that is none
  expect(() => optimizerByName("adamw")).toThrow('did you mean "adamW"?');
});

test.each(optimizerNames)("%s: a learning rate is refused with the place where it belongs", (name) => {
  for (const rate of ["lr", "learningRate"])
    expect(() => optimizerByName(name, { [rate]: 0.1 } as never)).toThrow(
      `${name}: ${rate}: the learning rate is an option of the training, { optimizer: ${name}()`,
    );
});
