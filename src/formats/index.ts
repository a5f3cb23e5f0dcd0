/**
 * Files of other programs: `open` runs a model of any of them; NPY and NPZ, PyTorch's `.pt`, ONNX, safetensors in parts.
 *
 * @module longshort/formats
 */

export { openSafetensors, type SlicedSafetensors } from "../checkpoint/safetensors-file.ts";
export { asFloat32 } from "../checkpoint/tensor-numbers.ts";
export type { HeldPlace } from "../layers/held-values.ts";
export type { NamedActivation } from "../math/activations.ts";
export type { ByteSource } from "../platform/platform.ts";
export { type ByteInput, type ByteOptions, type ByteProgress, bytesSource, openBytes } from "./byte-source.ts";
export { Network, type NetworkInput, type NetworkOutput } from "./canonical/network.ts";
export type {
  AttentionPoolSpec,
  BatchNormSpec,
  BidirectionalSpec,
  CanonicalInput,
  CanonicalModel,
  CanonicalNode,
  ConvolutionSpec,
  DenseSpec,
  EmbeddingSpec,
  LayerNormSpec,
  LayerSpec,
  OpenedModel,
  PlainSpec,
  PoolingSpec,
  RecurrentSpec,
  TimeDistributedSpec,
} from "./canonical.ts";
export { type Converted, type ConvertOptions, convertModel, type Target } from "./convert.ts";
export { type ReadKerasOptions, readKeras, readKerasWeights } from "./keras/read.ts";
export type { LayerArrays } from "./keras/weights.ts";
export { writeKeras, writeKerasH5 } from "./keras/write.ts";
export type { WriteKerasOptions } from "./keras/write-topology.ts";
export type { ModelContent, ModelFile, ModelFormat, NamedContent } from "./model-file.ts";
export { readArrays, writeArrays } from "./named-arrays.ts";
export { type NpyFile, openNpy, readNpy, writeNpy } from "./npy.ts";
export { type NpzFile, openNpz, readNpz, writeNpz } from "./npz.ts";
export {
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  readOnnx,
} from "./onnx/model.ts";
export { onnxOperators } from "./onnx/operators/table.ts";
export { openOnnx } from "./onnx/program.ts";
export { type WriteOnnxOptions, writeOnnx } from "./onnx/write.ts";
export { Model, type OpenOptions, open } from "./open.ts";
export { openNetwork } from "./open-network.ts";
export type { ModelArray, ModelResult } from "./plans.ts";
export { Program, type ProgramOptions, type ProgramTrace, type ProgramTraceOptions } from "./program.ts";
export { ProgramSession, type ProgramSessionOptions, type ProgramState } from "./program-session.ts";
export { type PyTorchFile, readPyTorch } from "./pytorch/read.ts";
export type { ReadableTensor, StateDictTensor } from "./pytorch/reparametrized.ts";
export type { Storage, StorageBytes, TensorView } from "./pytorch/storage.ts";
export { writePyTorch } from "./pytorch/write.ts";
export { type ReadModelOptions, readModel } from "./read-model.ts";
export type { ModelPort, StatePair } from "./runnable.ts";
export { exportModel, type SaveOptions, save } from "./save.ts";
export {
  loadStateDict,
  matchStateDict,
  type StateDictMatch,
  type StateDictOptions,
} from "./state-dict.ts";
export { type BasicLstmOptions, basicLstmModel } from "./tensorflow1/basic-lstm.ts";
export { readTensorFlowBundle } from "./tensorflow1/bundle.ts";
export { type ReadTensorFlow1Options, readTensorFlow1 } from "./tensorflow1/manifest.ts";
export { type ReadTensorFlowJsOptions, readTensorFlowJs } from "./tfjs/read.ts";
export { type WriteTensorFlowJsOptions, writeTensorFlowJs } from "./tfjs/write.ts";
export {
  type CompareModelsOptions,
  type Comparison,
  compareModels,
  type RandomInputsOptions,
  randomInputs,
} from "./verify.ts";
export type { OpenZipOptions } from "./zip.ts";
