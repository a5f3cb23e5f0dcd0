import { sha256, sha256Parts } from "../platform/sha256.ts";
import { takeTurns } from "../platform/turns.ts";
import { FailureError } from "../shared/errors.ts";
import { firstNotFinite } from "../shared/finite.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import type { Abortable } from "../shared/signal.ts";
import type { NamedTensor, ParameterStore } from "../tensor/parameter-store.ts";
import type { QuantizedWeights } from "../tensor/quantized.ts";
import { ofFile } from "./of-file.ts";
import { putQuantized, takeQuantized } from "./quantized-weights.ts";
import { SafeTensor, safeTensor } from "./safe-tensor.ts";
import { type SafetensorsFile, safetensorsHead, safetensorsParts, writeSafetensors } from "./safetensors.ts";
import { numbersOf } from "./tensor-numbers.ts";

/** Among the metadata of a file of weights: SHA-256 of the file that its tensors alone make. */
export const CHECKSUM = "sha256";

export interface WeightsFileOptions extends Abortable {
  /** What the file says besides. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Default: what the machine computes in. */
  readonly dtype?: "F16" | "F32" | "F64" | undefined;
}

/**
 * Parameters as a safetensors file with a checksum, of 8 bits where they have them.
 * @throws FailureError "not-finite"; the reason of `signal`
 */
export async function weightsFile(
  parameters: ParameterStore,
  { signal, metadata, dtype = parameters.machine.limits.float === "float64" ? "F64" : "F32" }: WeightsFileOptions = {},
): Promise<OwnBytes> {
  const turns = takeTurns(signal);
  const tensors = new Map<string, SafeTensor>();
  for (const [name, { shape, data }] of await parameters.toTensors()) {
    await turns();
    const wrong = firstNotFinite(data);
    if (wrong >= 0)
      throw new FailureError(
        "not-finite",
        `parameter "${name}": element ${wrong} is ${data[wrong]}; such weights are not saved, because they would replace good ones`,
      );
    tensors.set(name, safeTensor(dtype, shape, data));
  }
  putQuantized(tensors, parameters.quantized);
  const checksum = await sha256(safetensorsParts(tensors));
  return writeSafetensors(tensors, {
    metadata: { format: "pt", ...metadata, ...(checksum && { [CHECKSUM]: checksum }) },
  });
}

/** The weights of a run: checked, but left in their file until they are needed. */
export interface RunWeights {
  /** All weights; quantized ones as the numbers that they stand for. */
  readonly weights: ReadonlyMap<string, NamedTensor>;
  /** The 8-bit matrices; undefined if there are none. */
  readonly quantized: QuantizedWeights | undefined;
}

/**
 * The weights of a file, if they are those that were saved, and numbers.
 * @param path for messages
 * @throws FailureError "altered-file", "not-finite", "bad-run"; the reason of `signal`
 */
export async function soundWeights(
  path: string,
  { tensors, metadata }: SafetensorsFile,
  signal?: AbortSignal,
): Promise<RunWeights> {
  const checksum = Object.hasOwn(metadata, CHECKSUM) ? metadata[CHECKSUM] : undefined;
  await expectSound(path, tensors, checksum, takeTurns(signal));
  const weights = new Map([...tensors].map(([name, tensor]) => [name, numbersOf(tensor)]));
  return { weights, quantized: ofFile(path, () => takeQuantized(tensors, weights)) };
}

/** The checksum is that of the file which the tensors alone make: names, types, shapes, numbers. */
async function expectSound(
  path: string,
  tensors: ReadonlyMap<string, SafeTensor>,
  expected: string | undefined,
  turns: () => Promise<void>,
): Promise<void> {
  const { head, order, size } = safetensorsHead(tensors);
  const hash = expected === undefined ? undefined : sha256Parts(head.length + size);
  hash?.add(head);
  let broken: string | undefined;
  for (const name of order) {
    const tensor = tensors.get(name)!;
    let before = 0;
    for (const { elements, bytes } of tensor.parts()) {
      await turns();
      hash?.add(bytes);
      const part = new SafeTensor(tensor.dtype, [elements], bytes);
      const { data } = ofFile(`${path}: tensor "${name}"`, () => numbersOf(part));
      const wrong = firstNotFinite(data);
      if (wrong >= 0) broken ??= `element ${before + wrong} of tensor "${name}" is ${data[wrong]}`;
      before += elements;
    }
  }
  const found = await hash?.digest();
  if (found !== undefined && found !== expected)
    throw new FailureError(
      "altered-file",
      `${path}: the weights are not those that were saved (their checksum differs): the file was altered or damaged; get it again, or train again`,
    );
  if (broken !== undefined)
    throw new FailureError(
      "not-finite",
      `${path}: ${broken}, expected finite numbers: the file is damaged or its training broke down`,
    );
}
