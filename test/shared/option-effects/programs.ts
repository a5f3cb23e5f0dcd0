import type { Machine } from "../../../src/compute/machine.ts";
import { Network, type NetworkInput } from "../../../src/formats/canonical/network.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import { open } from "../../../src/formats/open.ts";
import { openNetwork } from "../../../src/formats/open-network.ts";
import type { Program, ProgramOptions, ProgramTraceOptions } from "../../../src/formats/program.ts";
import type { ProgramSession, ProgramSessionOptions } from "../../../src/formats/program-session.ts";
import type { ReadModelOptions } from "../../../src/formats/read-model.ts";
import { compareModels, type RandomInputsOptions, randomInputs } from "../../../src/formats/verify.ts";
import { size } from "../../../src/shared/shapes.ts";
import { chainOf, recurrentSpec } from "../../formats/networks.ts";
import { abortable, type EffectTable, outcomeOf, shows } from "./effects.ts";
import { type Numbers, standing } from "./layers.ts";
import { files, kerasConfig, kerasWeights, network, onnx, rnn, tfjs, told } from "./model-files.ts";
import { compute, machine, numbers, watchedMachine } from "./on-reference.ts";
import { withOwnCell } from "./run-folders.ts";

/** Numbers for the inputs of one example of so many steps. */
const inputsFor = ({ inputs }: Program, steps: number) =>
  Object.fromEntries(
    inputs
      .filter(({ optional }) => !optional)
      .map(({ name, shape }) => {
        const own = shape!.map((n) => (typeof n === "number" ? n : n === "time" ? steps : 1));
        return [name, { shape: own, data: numbers(size(own)) }];
      }),
  );

/** How many plans are made for inputs of one shape, of another one, and of the first once more. */
async function plansFor(make: (machine: Machine) => Program | Promise<Program>): Promise<unknown> {
  const watched = watchedMachine();
  using program = await make(watched.machine);
  for (const steps of [1, 2, 1]) await program.run(inputsFor(program, steps));
  return watched.calls.get("prepare");
}
type Plans = Pick<ProgramOptions, "plans">;

/** What a model that was opened says. */
const opened = ({ of = onnx, ...options }: ReadModelOptions & { readonly of?: Uint8Array }) =>
  outcomeOf(async () => {
    using model = await open(of, { machine, ...options });
    return await model.run(inputsFor(model, 2));
  });

const program = openNetwork(network, { machine });
const input = inputsFor(program, 3);
const outputGradients = { output: numbers(6) };
/** Steps of zeros are left out behind the first layer, and the first step is one. */
const layers = new Network(
  chainOf(
    [
      { kind: "masking", value: 0 },
      recurrentSpec({ cell: { name: "lstm" }, inputSize: 2, hiddenSize: 3, maskedOutput: "previous" }),
    ],
    { width: 2 },
  ),
);
const withoutFirst = numbers(12).map((value, k) => (k % 6 < 2 ? 0 : value));

export const programs: EffectTable = {
  openNetwork: shows(
    (options: Plans) => plansFor((watched) => openNetwork(network, { machine: watched, ...options })),
    {},
    { plans: [1] },
  ),
  openOnnx: shows(
    (options: Plans) => plansFor((watched) => openOnnx(onnx, { machine: watched, ...options })),
    {},
    { plans: [1] },
  ),
  open: shows(opened, {}, {
    plans: () =>
      Promise.all([{}, { plans: 1 }].map((more) => plansFor((watched) => open(onnx, { machine: watched, ...more })))),
    config: [kerasConfig, { of: kerasWeights }],
    files: [files, { of: tfjs }],
    nonlinearity: ["relu", { of: rnn }],
    signal: [AbortSignal.abort()],
    onProgress: told((onProgress) => open(onnx, { machine, onProgress })),
    cells: withOwnCell(async (folder, options) => {
      using model = await open(folder, { machine, ...options });
      return model.format;
    }),
  } as object),
  "new Program": { sameAs: "openNetwork", because: "it is what openNetwork makes" },
  "new Model": { sameAs: "open", because: "it is what open makes" },
  "Program.openSession": shows(
    async (options: ProgramSessionOptions) => {
      const watched = watchedMachine();
      using program = openNetwork(network, { machine: watched.machine });
      const sessions = await Promise.all([1, 2].map(() => program.openSession(options)));
      const [{ batchSize }] = sessions as [ProgramSession];
      const step = inputsFor(program, 1);
      if (batchSize === 1) await Promise.all(sessions.map((session) => session.next(step)));
      return [batchSize, watched.calls.get("run")];
    },
    {},
    { batchSize: [2], together: [true] },
  ),
  "Model.openSession": { sameAs: "Program.openSession", because: "a model is a program" },
  "new ProgramSession": { sameAs: "Program.openSession", because: "it is what openSession makes" },
  compareModels: abortable(async (options) => compareModels(program, program, await randomInputs(program), options)),
  randomInputs: shows((options: RandomInputsOptions) => randomInputs(program, options), {}, { seed: [1] }),
  "Program.trace": shows(
    (options: ProgramTraceOptions) => outcomeOf(() => program.trace(input, options)),
    {},
    {
      names: [["f"]],
      gradients: [true, { outputGradients }],
      outputGradients: [{ output: numbers(6, 1) }, { gradients: true, outputGradients }],
      hold: [[{ name: "layer0.f", value: 0 }]],
      maxBytes: [1],
    },
  ),
  "Model.trace": { sameAs: "Program.trace", because: "a model is a program" },
  "Network.forward": shows(
    ({ initial, hold, ...rest }: Pick<NetworkInput, "pieces" | "trace"> & { initial?: Numbers; hold?: number }) =>
      compute(
        (graph) => {
          const held = hold === undefined ? undefined : standing(graph, hold);
          const { outputs, final, traces } = layers.forward(
            { input: graph.constant([2, 3, 2], withoutFirst) },
            {
              ...rest,
              ...(initial && { initial: { "layer1.h": graph.constant(initial.shape, initial.data) } }),
              ...(held && { hold: (name, width) => held(name.replace("layer1.", ""), width) }),
            },
          );
          return { ...outputs, ...final, ...traces };
        },
        { of: layers },
      ),
    {},
    {
      initial: [{ shape: [2, 3], data: numbers(6) }],
      pieces: [true, { initial: { shape: [2, 3], data: numbers(6) } }],
      ...{ trace: [["f"]], hold: [0.25] },
    },
  ),
};
