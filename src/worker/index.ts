/**
 * A worker for pages: models are opened, read and trained in it, and the page asks by a small typed protocol.
 *
 * @module longshort/worker
 */

export { type CallOptions, connectWorker, type WorkerClient, type WorkerHandle } from "./connect.ts";
export {
  type AbortMessage,
  type CallMessage,
  type CallName,
  type Calls,
  type CutReading,
  type Given,
  MAX_MODEL_BYTES,
  MAX_TOKENS,
  type ModelFacts,
  type NearestPlace,
  type NumbersChoice,
  type Reading,
  type ReadOutput,
  type ReadValue,
  type TokenPrediction,
  type TrainingChoice,
  type TrainingProgress,
  type TrainingRequest,
  type WorkerMessage,
} from "./protocol.ts";
export type { OpenedText } from "./reading.ts";
export { serveWorker, type WorkerScope } from "./serve.ts";
