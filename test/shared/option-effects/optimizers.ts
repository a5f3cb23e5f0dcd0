import { add, sub } from "../../../src/math/expression.ts";
import { type AdadeltaOptions, adadelta } from "../../../src/optimizers/adadelta.ts";
import { type AdagradOptions, adagrad } from "../../../src/optimizers/adagrad.ts";
import { type AdamOptions, adam, adamW } from "../../../src/optimizers/adam.ts";
import { adamax } from "../../../src/optimizers/adamax.ts";
import { defineOptimizer, type Optimizer } from "../../../src/optimizers/define.ts";
import { nadam } from "../../../src/optimizers/nadam.ts";
import { radam } from "../../../src/optimizers/radam.ts";
import { type RmspropOptions, rmsprop } from "../../../src/optimizers/rmsprop.ts";
import { type SgdOptions, sgd } from "../../../src/optimizers/sgd.ts";
import { createMoments, type UpdateOptions, updateParameters } from "../../../src/optimizers/update.ts";
import { mul } from "../../../src/tensor/arithmetic.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { type EffectTable, shows } from "./effects.ts";
import { machine } from "./on-reference.ts";

/** A parameter after seven updates with gradients that shrink, of which one is 0 every other time. */
async function descend(optimizer: Optimizer, options?: UpdateOptions): Promise<unknown> {
  const p = { shape: [3], initialize: () => [1, -2, 3] };
  const layout = layoutParameters({ parts: { p } });
  const store = await createParameters({ machine, layout });
  createMoments(store, optimizer);
  const graph = new Graph({ machine, parameters: layout, training: true });
  const x = graph.input("x", [3]);
  const y = mul(graph.parameter(p), x);
  graph.backward([[y, 1]]);
  const update = updateParameters(graph, optimizer, options);
  const executable = await compile(graph, { machine, arenas: { ...store.arenas } });
  for (let step = 1; step <= 7; step++) {
    executable.write("x", [step % 2, 2 / step, -0.5 / step]);
    executable.run(update.scalars(step, 0.1));
  }
  const after = await store.read("p");
  executable.close();
  store.close();
  return after;
}

const common = { epsilon: [0.5], weightDecay: [0.3], lazy: [true] } as const;
const adams = { betas: [[0.5, 0.9]], ...common } as const;
type Amsgrad = AdamOptions & { amsgrad?: boolean };

export const optimizers: EffectTable = {
  sgd: shows(
    (options: SgdOptions) => descend(sgd(options)),
    {},
    {
      momentum: [0.9],
      dampening: [0.5, { momentum: 0.9 }],
      nesterov: [true, { momentum: 0.9 }],
      weightDecay: [0.3],
      lazy: [true, { momentum: 0.9 }],
    },
  ),
  adam: shows((options: Amsgrad) => descend(adam(options)), {}, { ...adams, amsgrad: [true] }),
  adamW: shows((options: Amsgrad) => descend(adamW(options)), {}, { ...adams, amsgrad: [true] }),
  adamax: shows((options: AdamOptions) => descend(adamax(options)), {}, adams),
  radam: shows((options: AdamOptions) => descend(radam(options)), {}, adams),
  nadam: shows(
    (options: Parameters<typeof nadam>[0] & object) => descend(nadam(options)),
    {},
    { ...adams, momentumDecay: [0.1] },
  ),
  adagrad: shows(
    (options: AdagradOptions) => descend(adagrad(options)),
    {},
    {
      ...common,
      rateDecay: [0.5],
      initialAccumulator: [1],
      // Without decay an element whose gradient is 0 stays in any case.
      lazy: [true, { weightDecay: 0.3 }],
    },
  ),
  adadelta: shows((options: AdadeltaOptions) => descend(adadelta(options)), {}, { ...common, rho: [0.5] }),
  rmsprop: shows(
    (options: RmspropOptions) => descend(rmsprop(options)),
    {},
    {
      ...common,
      ...{ alpha: [0.5], momentum: [0.9], centered: [true] },
    },
  ),
  updateParameters: shows(
    (options: UpdateOptions) => descend(sgd(), options),
    {},
    { clipNorm: [0.1], clipValue: [0.1] },
  ),
  defineOptimizer: shows(
    async (definition: Parameters<typeof defineOptimizer<string, string>>[0]) => {
      const made = defineOptimizer(definition);
      return [made.name, made.rests, await descend(made)];
    },
    {
      name: "own",
      moments: { m: 0 },
      scalars: (_, rate) => ({ rate }),
      update: ({ p, g, m }, { rate }) => ({ p: sub(p!, mul(rate!, add(m!, g!))), m: add(m!, g!) }),
    },
    {
      name: ["other"],
      moments: [{ m: 1 }],
      scalars: [(step, rate) => ({ rate: rate / step })],
      update: [({ p, m }) => ({ p: mul(2, p!), m: m! })],
      // That rows whose gradient is 0 are passed by: test/train/touched-rows.
      rests: [true],
    },
  ),
};
