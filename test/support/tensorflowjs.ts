import { createRequire } from "node:module";

interface Tensor {
  readonly shape: readonly number[];
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}
interface LayersModel {
  predict(input: Tensor): Tensor | Tensor[];
  dispose(): void;
}
/** The little of TensorFlow.js that tests use. */
interface TensorflowJs {
  enableProdMode(): void;
  setBackend(name: "cpu"): Promise<boolean>;
  tensor(data: ArrayLike<number>, shape: readonly number[], type?: "float32" | "int32"): Tensor;
  loadLayersModel(handler: { load(): Promise<unknown> }): Promise<LayersModel>;
}

const tensorflowJs = ((): TensorflowJs | undefined => {
  try {
    const tf = createRequire(new URL("../../bench/peers/", import.meta.url))("@tensorflow/tfjs") as TensorflowJs;
    // Otherwise it advises on the console to use its native build.
    tf.enableProdMode();
    return tf;
  } catch {
    return undefined;
  }
})();

/** Runs a layers model on one input in TensorFlow.js, where `npm run bench` has installed it; else undefined. */
export const runTensorflowJs =
  tensorflowJs &&
  (async (
    files: ReadonlyMap<string, Uint8Array>,
    input: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  ): Promise<{ readonly shape: readonly number[]; readonly data: ArrayLike<number> }[]> => {
    const tf = tensorflowJs;
    await tf.setBackend("cpu");
    const json = JSON.parse(new TextDecoder().decode(files.get("model.json")));
    const weights = files.get("weights.bin")!;
    const model = await tf.loadLayersModel({
      load: async () => ({
        ...json,
        weightSpecs: json.weightsManifest[0].weights,
        weightData: weights.slice().buffer,
      }),
    });
    const x = tf.tensor(Float32Array.from(input.data), input.shape);
    const outputs = [model.predict(x)].flat();
    const results = await Promise.all(outputs.map(async (y) => ({ shape: y.shape, data: await y.data() })));
    for (const t of [x, ...outputs]) t.dispose();
    model.dispose();
    return results;
  });
