import { SafeTensor } from "../../checkpoint/safe-tensor.ts";
import type { ByteSource } from "../../platform/platform.ts";
import { expectOptions } from "../../shared/options.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { type ByteInput, type ByteOptions, withBytes } from "../byte-source.ts";
import type { OpenedModel } from "../canonical.ts";
import { fileNamed } from "../files-beside.ts";
import { Config, damaged } from "../keras/config.ts";
import { type BasicLstmOptions, basicLstmModel } from "./basic-lstm.ts";

/** Options of `readTensorFlow1`. */
export interface ReadTensorFlow1Options extends BasicLstmOptions, ByteOptions {
  /** The files of the variables by name, for a manifest given as bytes or a Blob. Default: the files beside it. */
  readonly files?: Readonly<Record<string, ByteInput>> | undefined;
}

const MAXIMUM_JSON = 2 ** 20;
const MAXIMUM_NUMBERS = 2 ** 29;

/**
 * Reads a folder of TensorFlow 1 variables as ml5 and deeplearn.js publish them: `manifest.json` with the name, file and shape of every
 * variable, each file little-endian float32.
 * @param input a path or URL of manifest.json, or its bytes with `files` beside them
 * @throws as `basicLstmModel`; FailureError "damaged-keras" for a manifest that does not hold together; and what reading files throws
 */
export async function readTensorFlow1(input: ByteInput, options: ReadTensorFlow1Options = {}): Promise<OpenedModel> {
  expectOptions("readTensorFlow1", options, { files: 1, forgetBias: 1, onProgress: 1, signal: 1 });
  const manifest = await withBytes(input, (source) => Config.read(source, "manifest.json", MAXIMUM_JSON), {
    signal: options.signal,
  });
  const variables = new Map<string, NamedTensor>();
  let numbers = 0;
  for (const name of manifest.keys()) {
    const entry = manifest.object(name);
    const shape = entry.wholes("shape", 1, "sizes");
    numbers += size(shape);
    if (!(numbers <= MAXIMUM_NUMBERS)) throw damaged(`the variables have more than ${MAXIMUM_NUMBERS} numbers`);
    const file = fileNamed(entry.text("filename"), input, {
      ...{ files: options.files, names: "manifest.json", refuse: damaged },
    });
    const read = async (source: ByteSource): Promise<Float32Array> => {
      if (source.size !== 4 * size(shape))
        throw damaged(
          `${name}: its file has ${source.size} bytes, float32 of shape ${formatShape(shape)} takes ${4 * size(shape)}`,
        );
      return new SafeTensor("F32", shape, await source.read(0, source.size)).toFloat32();
    };
    variables.set(name, { shape, data: await withBytes(file, read, options) });
  }
  return basicLstmModel(variables, { forgetBias: options.forgetBias });
}
