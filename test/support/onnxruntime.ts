import { createRequire } from "node:module";

interface RuntimeTensor {
  readonly data: ArrayLike<number> | ArrayLike<bigint>;
  readonly dims: readonly number[];
}
/** The little of ONNX Runtime that tests use. */
export interface OnnxRuntime {
  readonly Tensor: new (type: string, data: Float32Array | BigInt64Array, dims: readonly number[]) => RuntimeTensor;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options?: { logSeverityLevel: 0 | 1 | 2 | 3 | 4; intraOpNumThreads?: number },
    ): Promise<{
      run(inputs: Record<string, RuntimeTensor>): Promise<Record<string, RuntimeTensor>>;
      release(): Promise<void>;
    }>;
  };
}

/** ONNX Runtime; undefined on systems that it was not built for, such as those of musl. */
export const onnxRuntime = ((): OnnxRuntime | undefined => {
  try {
    return createRequire(import.meta.url)("onnxruntime-node") as OnnxRuntime;
  } catch {
    return undefined;
  }
})();

/** For titles of tests that need it. */
export const withoutOnnxRuntime = onnxRuntime
  ? ""
  : " (skipped: needs onnxruntime-node, which does not load on this system)";
