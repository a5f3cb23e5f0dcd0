import type { LayerSpec } from "../canonical.ts";
import type { MakeLayer } from "./layer.ts";
import {
  activationLayer,
  combineLayer,
  concatenateLayer,
  dropoutLayer,
  flattenLayer,
  foldStepsLayer,
  identityLayer,
  lengthsLayer,
  maskingLayer,
  permuteLayer,
  poolingLayer,
  repeatLayer,
  reshapeLayer,
  timeDistributed,
  unfoldStepsLayer,
} from "./plain.ts";
import { bidirectionalLayer, recurrentLayer } from "./recurrent.ts";
import {
  attentionPoolLayer,
  batchNormLayer,
  convolutionLayer,
  denseLayer,
  embeddingLayer,
  layerNormLayer,
} from "./weighted.ts";

/** How each kind of layer is made. */
const makers: { [K in LayerSpec["kind"]]: MakeLayer<Extract<LayerSpec, { kind: K }>> } = {
  activation: activationLayer,
  "attention-pool": attentionPoolLayer,
  "batch-norm": batchNormLayer,
  bidirectional: bidirectionalLayer,
  combine: combineLayer,
  concatenate: concatenateLayer,
  convolution: convolutionLayer,
  dense: denseLayer,
  dropout: dropoutLayer,
  embedding: embeddingLayer,
  flatten: flattenLayer,
  "fold-steps": foldStepsLayer,
  identity: identityLayer,
  "layer-norm": layerNormLayer,
  lengths: lengthsLayer,
  masking: maskingLayer,
  permute: permuteLayer,
  pooling: poolingLayer,
  recurrent: recurrentLayer,
  repeat: repeatLayer,
  reshape: reshapeLayer,
  "time-distributed": timeDistributed((spec, weight) => makeLayer(spec, weight)),
  "unfold-steps": unfoldStepsLayer,
};

/** The layer that a description names. */
export const makeLayer: MakeLayer<LayerSpec> = (spec, weight) =>
  (makers[spec.kind] as MakeLayer<LayerSpec>)(spec, weight);
