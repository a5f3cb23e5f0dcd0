import type { ByteSource } from "../../platform/platform.ts";
import { FailureError } from "../../shared/errors.ts";
import type { GraphMessage, TensorMessage } from "./messages.ts";
import { isExternal } from "./tensor-data.ts";

/** Bytes of the tensors that a file does not hold itself. */
export type ExternalData = ReadonlyMap<TensorMessage, Uint8Array>;

/** Opens the file of a name that a model gives, which may be anything. The source is closed by who gave it. */
export type OpenExternal = (location: string) => Promise<ByteSource>;

/**
 * The bytes of all tensors that lie beside a model: PyTorch's exporter writes `model.onnx.data` so, and whatever is larger than a
 * message of protocol buffers may be. Only their part of a file is read.
 *
 * @throws FailureError "damaged-onnx"; what opening and reading files throws
 */
export async function externalData(graph: GraphMessage | undefined, open: OpenExternal): Promise<ExternalData> {
  const found = new Map<TensorMessage, Uint8Array>();
  const sources = new Set<ByteSource>();
  let left = 2 ** 27;
  for (const tensor of graph ? tensorsOf(graph) : []) {
    if (!isExternal(tensor)) continue;
    const entries = new Map(tensor.externalData.map(({ key = "", value = "" }) => [key, value]));
    const source = await open(entries.get("location") ?? "");
    const offset = whole(entries.get("offset") ?? "0");
    const length = whole(entries.get("length") ?? String(source.size - offset));
    if (!(offset + length <= source.size))
      throw new FailureError(
        "damaged-onnx",
        `tensor ${JSON.stringify(tensor.name ?? "")} lies at byte ${entries.get("offset") ?? 0} of ${source.name}, which has ${source.size}: it needs ${length}`,
      );
    // Tensors may share their place, but not without end.
    left += (sources.has(source) ? 0 : 8 * source.size) - length;
    sources.add(source);
    if (left < 0)
      throw new FailureError("damaged-onnx", "the tensors of the model hold far more than the files in which they lie");
    found.set(tensor, await source.read(offset, length));
  }
  return found;
}

const whole = (text: string): number => (/^\d+$/.test(text) ? Number(text) : Number.NaN);

/** Of a graph, and of the branches and bodies in it. */
function* tensorsOf(graph: GraphMessage): Generator<TensorMessage> {
  yield* graph.initializer;
  for (const { attribute } of graph.node)
    for (const { t, g } of attribute) {
      if (t) yield t;
      if (g) yield* tensorsOf(g as unknown as GraphMessage);
    }
}
