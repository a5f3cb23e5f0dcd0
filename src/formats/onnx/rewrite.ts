import type { OwnBytes } from "../../shared/own-bytes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { type MessageSpec, readMessage } from "../protobuf.ts";
import { changeMessage, writeMessage } from "../protobuf-write.ts";
import { branchPrefix } from "./learned.ts";
import { attributeSpec, graphSpec, modelSpec, nodeSpec, tensorSpec } from "./messages.ts";
import type { OnnxGraph, OnnxModel } from "./model.ts";
import { encodeTensor } from "./tensor-data.ts";

export interface GraphToWrite {
  readonly graph: OnnxModel;
  /** The file that it was read from. */
  readonly bytes: Uint8Array;
  /** Weights that have changed since, by the names of the parameters. */
  readonly weights?: ReadonlyMap<string, NamedTensor>;
}

/** The file of a graph again, with the weights that it has now: everything else stays as it is, byte by byte. */
export function rewriteOnnx({ graph, bytes, weights = new Map() }: GraphToWrite): OwnBytes {
  if (weights.size === 0) return bytes.slice();
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
      const now = weights.get(prefix + name);
      if (!now) return tensor;
      return writeMessage(encodeTensor(name, graph.initializers.get(name)!.type, now.shape, now.data), tensorSpec);
    },
    node(node, k) {
      const own = graph.nodes[k]!;
      return changeMessage(node, nodeSpec, {
        attribute(attribute) {
          const name = nameOf(attribute, attributeSpec);
          const inner = own.attributes.get(name);
          if (typeof inner !== "object" || !("nodes" in inner)) return attribute;
          const inside = branchPrefix(prefix, own.name, name);
          return changeMessage(attribute, attributeSpec, { g: (body) => rewritten(body, inner, inside, weights) });
        },
      });
    },
  });
}

const nameOf = (bytes: Uint8Array, { name }: MessageSpec): string =>
  (readMessage(bytes, { name: name! }).name ?? "") as string;
