// The entries come from package.json, so that a new one cannot be forgotten here.
import { entries } from "./scripts/entries.mjs";

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  name: "Longshort",
  entryPoints: entries.map(({ source }) => source),
  tsconfig: "tsconfig.build.json",
  out: "docs/api",
  readme: "none",
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  disableGit: true,
  // The type check is a stage of its own.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  // How expressions and plans are made inside; users are handed them and pass them on.
  intentionallyNotExported: [
    ...["Node", "AnyNode", "PointwiseOperation", "MixingOperation", "Comparison", "Leaf", "Function1", "Inputs", "Key"],
    ...["Plan", "Kernel", "InputBounds", "ScanShape", "Piece", "Print", "Lookup"],
    // What a pickle or an ONNX file is made of; open unions that users take as they come.
    ...["Value", "SafetensorsEntry", "OnnxTensor"],
    // What trainers, runs and opened models are made with inside; only their own functions make them.
    ...["Setup", "Sums", "BestState", "TrainingPlan", "Learner", "RunLock", "LaunchPlace"],
    ...["Runnable", "SessionContext", "LoadedText", "StreamQueue"],
    // Named arrays, and what a reader gives for what it was asked.
    ...["Arrays", "Results", "Read"],
    // Tables whose names are the type.
    ...["activations", "initializations", "ELEMENT_TYPES", "TARGETS", "ANCHORS", "ROUNDS", "DECODINGS", "HEADS"],
    ...["POINT_LOSSES", "SCALINGS", "LETTERS", "TRANSFORMS"],
    // What forecasts are prepared with inside; only their own functions make them.
    ...["src/data/forecast-windows.ts:Span", "ForecastSpans", "WordCharacters"],
    ...["src/run/forecast-distribution.ts:Parameters"],
  ],
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  requiredToBeDocumented: ["Class", "Function", "Interface", "TypeAlias", "Variable"],
};
