/**
 * Looking inside: traces of every named value and of its gradient, what can be measured on them, units cut out.
 *
 * @module longshort/explain
 */

export type { HeldPlace } from "../layers/held-values.ts";
export { type Ablation, type AblationOptions, type GatePlace, openAblation, type UnitPlace } from "./ablation.ts";
export {
  changeRate,
  type DeadUnitsOptions,
  deadUnits,
  memoryLength,
  type Pace,
  pace,
  type Saturation,
  type SaturationOptions,
  saturation,
  unitsThatFollow,
} from "./analysis.ts";
export { type CellGraph, type CellGraphNode, cellGraph } from "./cell-graph.ts";
export { type Answers, areProbabilities, type Effect, effectOn } from "./effect.ts";
export { type GradientFlowOptions, gradientFlow } from "./gradient-flow.ts";
export { type HeatMapOptions, type HeatMapRow, heatMapLegend, renderHeatMap } from "./heat-map.ts";
export { type NearestPassage, type NearestPassagesOptions, nearestPassages } from "./nearest-passages.ts";
export { type NearestPlacesOptions, nearestPlaces, type StatePiece, type StatePlace } from "./nearest-places.ts";
export { type NearestStatesOptions, nearestStates } from "./nearest-states.ts";
export { normsOverTime } from "./norms.ts";
export type { ReadTrace, ReadTraceOptions } from "./read-trace.ts";
export {
  type Trace,
  type Traceable,
  type TraceInput,
  type TraceOptions,
  trace,
  traceInChunks,
  traceNames,
} from "./trace.ts";
export { type TraceClassifierOptions, traceClassifier } from "./trace-classifier.ts";
export { traceTensors, traceToJSON } from "./trace-files.ts";
export { type TraceForecasterOptions, traceForecaster } from "./trace-forecaster.ts";
export { type TraceTaggerOptions, traceTagger } from "./trace-tagger.ts";
export { type TextTrace, type TraceTextOptions, traceText } from "./trace-text.ts";
export {
  type ExampleOptions,
  seriesOf,
  type TraceAxis,
  type Traced,
  type TracedArray,
  traceKey,
} from "./traced-array.ts";
