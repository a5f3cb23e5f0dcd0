import { type SafeTensor, safeTensor } from "../../../src/checkpoint/safe-tensor.ts";
import { type ByteOptions, bytesSource, openBytes } from "../../../src/formats/byte-source.ts";
import { type ReadKerasOptions, readKeras } from "../../../src/formats/keras/read.ts";
import { openNpz, readNpz } from "../../../src/formats/npz.ts";
import { type ReadModelOptions, readModel } from "../../../src/formats/read-model.ts";
import { loadStateDict, matchStateDict, type StateDictOptions } from "../../../src/formats/state-dict.ts";
import { type BasicLstmOptions, basicLstmModel } from "../../../src/formats/tensorflow1/basic-lstm.ts";
import { readTensorFlowBundle } from "../../../src/formats/tensorflow1/bundle.ts";
import { type ReadTensorFlow1Options, readTensorFlow1 } from "../../../src/formats/tensorflow1/manifest.ts";
import { type ReadTensorFlowJsOptions, readTensorFlowJs } from "../../../src/formats/tfjs/read.ts";
import type { OpenZipOptions } from "../../../src/formats/zip.ts";
import { linear } from "../../../src/layers/linear.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { type EffectTable, outcomeOf, shows } from "./effects.ts";
import {
  bundleFiles,
  bundleIndex,
  deflatedNpz,
  files,
  kerasConfig,
  kerasWeights,
  manifest,
  manifestFiles,
  npzWithoutChecksum,
  onnx,
  rnn,
  tfjs,
  told,
  variables,
} from "./model-files.ts";
import { machine } from "./on-reference.ts";
import { withOwnCell } from "./run-folders.ts";

const head = { parts: { head: linear({ inputSize: 1, outputSize: 1 }) } };
/** Where a state dictionary has the weights of the head. */
const places = { twice: ["a.head.", "b.head."], bare: [""], among: ["head.", "other."] };
interface Where {
  readonly at?: keyof typeof places;
}
const tensorsAt = (at: keyof typeof places): Map<string, SafeTensor> =>
  new Map(
    places[at].flatMap((prefix, k) => [
      [`${prefix}weight`, safeTensor("F32", [1, 1], [k + 1])] as const,
      [`${prefix}bias`, safeTensor("F32", [1], [k + 2])] as const,
    ]),
  );
const beginnings = { prefix: ["b."], into: ["head.", { at: "bare" }] } as const;

const unzips = (read: (bytes: Uint8Array, options: OpenZipOptions) => Promise<{ toFloat64(): Float64Array }>) =>
  shows(
    ({ of = deflatedNpz, ...options }: OpenZipOptions & { readonly of?: Uint8Array }) =>
      outcomeOf(async () => (await read(of, options)).toFloat64()),
    {},
    { maxBytes: [1], zeroCrcIsNone: [true, { of: npzWithoutChecksum }] },
  );

export const importing: EffectTable = {
  openBytes: shows(
    (options: ByteOptions) =>
      outcomeOf(async () => {
        const source = await openBytes(onnx, options);
        return source.read(0, 4);
      }),
    {},
    {
      signal: [AbortSignal.abort()],
      onProgress: told(async (onProgress) => (await openBytes(onnx, { onProgress })).read(0, 4)),
    },
  ),
  openNpz: unzips(async (bytes, options) => (await openNpz(bytesSource(bytes), options)).read("a")),
  readNpz: unzips(async (bytes, options) => (await readNpz(bytes, options)).get("a")!),
  readModel: shows(
    ({ of = onnx, ...options }: ReadModelOptions & { readonly of?: Uint8Array }) =>
      outcomeOf(async () => {
        const { format, content } = await readModel(of, options);
        return [format, content.kind === "network" ? content.network : content.kind];
      }),
    {},
    {
      config: [kerasConfig, { of: kerasWeights }],
      files: [files, { of: tfjs }],
      nonlinearity: ["relu", { of: rnn }],
      signal: [AbortSignal.abort()],
      onProgress: told((onProgress) => readModel(onnx, { onProgress })),
      cells: withOwnCell(async (folder, options) => (await readModel(folder, options)).format),
    },
  ),
  readKeras: shows(
    (options: ReadKerasOptions) => outcomeOf(() => readKeras(kerasWeights, options)),
    {},
    { config: [kerasConfig] },
  ),
  readTensorFlowJs: shows(
    (options: ReadTensorFlowJsOptions) => outcomeOf(() => readTensorFlowJs(tfjs, options)),
    {},
    {
      files: [files],
      signal: [AbortSignal.abort(), { files }],
      onProgress: told((onProgress) => readTensorFlowJs(tfjs, { files, onProgress })),
    },
  ),
  readTensorFlow1: shows(
    (options: ReadTensorFlow1Options) => outcomeOf(() => readTensorFlow1(manifest, options)),
    {},
    {
      files: [manifestFiles],
      forgetBias: [0, { files: manifestFiles }],
      signal: [AbortSignal.abort(), { files: manifestFiles }],
      onProgress: told((onProgress) => readTensorFlow1(manifest, { files: manifestFiles, onProgress })),
    },
  ),
  readTensorFlowBundle: shows(
    (options: ReadTensorFlow1Options) => outcomeOf(() => readTensorFlowBundle(bundleIndex, options)),
    {},
    {
      files: [bundleFiles],
      forgetBias: [0, { files: bundleFiles }],
      signal: [AbortSignal.abort(), { files: bundleFiles }],
      onProgress: told((onProgress) => readTensorFlowBundle(bundleIndex, { files: bundleFiles, onProgress })),
    },
  ),
  basicLstmModel: shows((options: BasicLstmOptions) => basicLstmModel(variables, options), {}, { forgetBias: [0] }),
  matchStateDict: shows(
    ({ at = "twice", ...options }: StateDictOptions & Where) =>
      outcomeOf(() => matchStateDict(layoutParameters(head).names.keys(), tensorsAt(at).keys(), options)),
    {},
    beginnings,
  ),
  loadStateDict: shows(
    ({ at = "twice", ...options }: StateDictOptions & { strict?: boolean } & Where) =>
      outcomeOf(async () => {
        const parameters = await createParameters({ machine, layout: layoutParameters(head), seed: 1 });
        return [await loadStateDict(parameters, tensorsAt(at), options), [...(await parameters.toTensors())]];
      }),
    {},
    { ...beginnings, strict: [false, { at: "among" }] },
  ),
};
