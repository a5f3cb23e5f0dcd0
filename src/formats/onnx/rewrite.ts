import type { OwnBytes } from "../../shared/own-bytes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { readMessage } from "../protobuf.ts";
import { writeMessage } from "../protobuf-write.ts";
import { branchPrefix } from "./learned.ts";
import { type GraphMessage, type ModelMessage, modelSpec } from "./messages.ts";
import type { OnnxGraph, OnnxModel } from "./model.ts";
import { encodeTensor } from "./tensor-data.ts";

export interface GraphToWrite {
  readonly graph: OnnxModel;
  /** The file that it was read from. */
  readonly bytes: Uint8Array;
  /** Weights that have changed since, by the names of the parameters. */
  readonly weights?: ReadonlyMap<string, NamedTensor>;
}

/** The file of a graph again, with the weights that it has now: operators and names stay as they are. */
export function rewriteOnnx({ graph, bytes, weights }: GraphToWrite): OwnBytes {
  if (!weights || weights.size === 0) return bytes.slice();
  const message = readMessage(bytes, modelSpec) as unknown as ModelMessage;
  return writeMessage({ ...message, graph: rewritten(message.graph!, graph.graph, "", weights) }, modelSpec);
}

function rewritten(
  message: GraphMessage,
  graph: OnnxGraph,
  prefix: string,
  weights: ReadonlyMap<string, NamedTensor>,
): GraphMessage {
  return {
    ...message,
    initializer: message.initializer.map((tensor) => {
      const { name = "" } = tensor;
      const now = weights.get(prefix + name);
      return now ? (encodeTensor(name, graph.initializers.get(name)!.type, now.shape, now.data) as never) : tensor;
    }),
    node: message.node.map((node, k) => ({
      ...node,
      attribute: node.attribute.map((attribute) => {
        const own = graph.nodes[k]!;
        const inner = own.attributes.get(attribute.name ?? "");
        if (!attribute.g || typeof inner !== "object" || !("nodes" in inner)) return attribute;
        return {
          ...attribute,
          g: rewritten(attribute.g, inner, branchPrefix(prefix, own.name, attribute.name ?? ""), weights),
        };
      }),
    })),
  };
}
