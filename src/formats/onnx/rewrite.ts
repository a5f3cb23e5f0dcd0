import type { OwnBytes } from "../../shared/own-bytes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { type MessageSpec, readMessage } from "../protobuf.ts";
import { changeMessage, writeMessage } from "../protobuf-write.ts";
import { branchPrefix } from "./learned.ts";
import { attributeSpec, graphSpec, modelSpec, nodeSpec, tensorSpec } from "./messages.ts";
import { isGraph, isTensor, type OnnxGraph, type OnnxModel } from "./model.ts";
import { encodeTensor, isExternal, type OnnxTensor } from "./tensor-data.ts";

export interface GraphToWrite {
  readonly graph: OnnxModel;
  /** The file that it was read from. */
  readonly bytes: Uint8Array;
  /** Weights that have changed since, by the names of the parameters. */
  readonly weights?: ReadonlyMap<string, NamedTensor> | undefined;
}

/**
 * The file of a graph again, with the weights that it has now and with those of other files in it: everything else stays as it is, byte by
 * byte.
 */
export function rewriteOnnx({ graph, bytes, weights = new Map() }: GraphToWrite): OwnBytes {
  return changeMessage(bytes, modelSpec, { graph: (payload) => rewritten(payload, graph.graph, "", weights) });
}

function rewritten(
  bytes: Uint8Array,
  graph: OnnxGraph,
  prefix: string,
  weights: ReadonlyMap<string, NamedTensor>,
): OwnBytes {
  return changeMessage(bytes, graphSpec, {
    initializer(tensor) {
      const name = nameOf(tensor, tensorSpec);
      return rewrittenTensor(tensor, graph.initializers.get(name)!, weights.get(prefix + name));
    },
    node(node, k) {
      const own = graph.nodes[k]!;
      return changeMessage(node, nodeSpec, {
        attribute(attribute) {
          const name = nameOf(attribute, attributeSpec);
          const inner = own.attributes.get(name);
          if (isTensor(inner))
            return changeMessage(attribute, attributeSpec, { t: (tensor) => rewrittenTensor(tensor, inner) });
          if (!isGraph(inner)) return attribute;
          const inside = branchPrefix(prefix, own.name, name);
          return changeMessage(attribute, attributeSpec, { g: (body) => rewritten(body, inner, inside, weights) });
        },
      });
    },
  });
}

const { externalData, dataLocation } = tensorSpec;

/** A tensor with other numbers, or with its own where they lie in another file. */
function rewrittenTensor(bytes: Uint8Array, held: OnnxTensor, now?: NamedTensor): Uint8Array {
  if (!now && !isExternal(readMessage(bytes, { externalData, dataLocation }))) return bytes;
  const { shape, data } = now ?? held;
  return writeMessage(encodeTensor(held.name, held.type, shape, data), tensorSpec);
}

const nameOf = (bytes: Uint8Array, { name }: MessageSpec): string =>
  (readMessage(bytes, { name: name! }).name ?? "") as string;
