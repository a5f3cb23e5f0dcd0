/**
 * Which folder of src/ may import from which, from the data to the command line. dependency-cruiser checks it (`npm run layers`).
 *
 * A row is a folder, or one file written without its ending. It may import from itself and from the rows it names; a row inside another one
 * (`compute/wasm`) is not reached by naming the outer one (`compute`). `type:NAME` allows `import type` only: the row knows what a thing
 * looks like and is handed one, but cannot make one.
 *
 * @type {Record<string, readonly string[]>}
 */
export const layers = {
  // Errors, shapes, counter-based random numbers: needed everywhere, needs nothing.
  shared: [],
  // Files, threads and clock of Node and of the browser.
  platform: ["shared"],

  // Text becomes tokens.
  text: ["shared", "platform"],
  // What can be set, in training and in generation: description, default, range and error text of each option, once. Data only.
  schema: ["shared", "cells", "type:text", "type:layers", "type:optimizers"],
  // What is kept of a training for other programs: event files of TensorBoard.
  "run-log": ["shared", "formats", "type:train"],
  // Tables, series and tokens become batches.
  data: ["shared", "platform", "text"],

  // Synthetic tasks whose answers lie far back: sequences of numbers, and what is to be said of them.
  tasks: ["shared", "data"],

  // The expression language: record, evaluate, differentiate. Knows no cell and no machine.
  math: ["shared"],
  // Equations only, one file a cell.
  cells: ["shared", "math"],
  // From the equations of a cell to the program of one time step: stages, what is saved, adjoints.
  scan: ["shared", "math", "cells"],
  // Expressions as LaTeX and WebAssembly. Prints what it is given, runs nothing.
  print: ["shared", "math", "cells", "scan"],

  // The machine interface and the plan: what a machine is, without any of them.
  compute: ["shared", "math", "cells", "scan", "print"],
  // float64 interpreter, compared with every other machine, so it shares no kernel with them.
  "compute/reference": ["shared", "math", "cells", "scan", "compute"],
  // WebAssembly kernels. Workers come from the platform.
  "compute/wasm": ["shared", "platform", "math", "cells", "scan", "print", "compute", "compute/wasm/module-name"],
  // The names of modules, also for the command that saves them.
  "compute/wasm/module-name": [],
  // What this host can do and what the WebAssembly machine chose, for `longshort doctor`.
  "compute/diagnose": ["shared", "print", "compute", "compute/wasm"],
  // The one file that knows all machines by name.
  "compute/open": ["shared", "platform", "compute", "compute/reference", "compute/wasm"],

  // Tensors, scopes and the tape that records plans.
  tensor: ["shared", "math", "cells", "compute"],
  // Never choose a machine: they see the shape of its interface and record through the tape.
  layers: ["shared", "math", "cells", "scan", "tensor", "type:compute"],
  // Equations over predictions and targets.
  losses: ["shared", "math", "tensor", "type:compute"],
  // Equations over a parameter, its gradient and its moments.
  optimizers: ["shared", "math", "tensor", "type:compute"],
  // The wiring: embedding, recurrent stack, head, loss. Knows no optimizer.
  models: ["shared", "math", "cells", "tensor", "layers", "losses", "type:compute"],

  // Forward, backward, update, checkpoint. A model is measured by what serves it.
  train: [
    ...[
      "shared",
      "schema",
      "platform",
      "text",
      "data",
      "math",
      "cells",
      "tensor",
      "layers",
      "losses",
      "optimizers",
      "models",
      "checkpoint",
      "run",
    ],
    "type:compute",
  ],
  // Named arrays to files and back. A checkpoint holds the state of training but does not train.
  checkpoint: ["shared", "platform", "tensor", "type:models", "type:compute"],
  // Weights of other frameworks; each becomes the named arrays of a checkpoint. A cell that a format has no operator for is written as its equations.
  formats: [
    "shared",
    "platform",
    "data",
    "math",
    "cells",
    "scan",
    "tensor",
    "layers",
    "models",
    "checkpoint",
    "type:compute",
  ],

  // Sessions, sampling. Serving never imports training.
  run: [
    "shared",
    "schema",
    "platform",
    "text",
    "data",
    "math",
    "cells",
    "tensor",
    "layers",
    "models",
    "checkpoint",
    "type:compute",
  ],
  // Traces, gradient flow, equations: looks at models, never changes them. Of the platform only the turns that long searches give to others.
  explain: [
    "explain/cell-graph",
    "shared",
    "platform",
    "text",
    "data",
    "math",
    "cells",
    "scan",
    "print",
    "tensor",
    "layers",
    "losses",
    "models",
    "checkpoint",
    "run",
    "type:compute",
  ],

  // Trials of long memory: a cell on a task, from a seed until it meets the criterion. Cells of its own are written as a user writes them.
  study: [...["shared", "tasks", "math", "cells", "layers", "losses", "tensor", "train", "explain"], "type:compute"],

  // What a diagram draws: equations as a graph, with values.
  "explain/cell-graph": ["shared", "math", "cells", "scan"],
  // Elements for pages. They draw numbers that they are given and equations; they know no model.
  components: ["type:cells", "explain/cell-graph"],

  // What a page's worker answers: opens, reads and trains models there. It may train, so serving must not import it.
  worker: [
    ...[
      "shared",
      "text",
      "data",
      "cells",
      "layers",
      "losses",
      "compute",
      "compute/open",
      "tensor",
      "optimizers",
      "models",
      "train",
    ],
    ...["checkpoint", "run", "explain", "formats", "tasks"],
  ],

  // One file a command: the outermost layer, everything is below it.
  cli: [
    ...[
      "shared",
      "schema",
      "platform",
      "text",
      "data",
      "math",
      "cells",
      "scan",
      "print",
      "compute",
      "compute/open",
      "compute/diagnose",
      "compute/wasm/module-name",
      "tensor",
      "layers",
      "losses",
    ],
    ...[
      "optimizers",
      "models",
      "train",
      "checkpoint",
      "formats",
      "run",
      "explain",
      "type:components",
      "run-log",
      "tasks",
      "study",
    ],
  ],
};

/**
 * What must not be reached even in several steps, with the reason that is shown. The rows above already forbid the direct way.
 *
 * @type {readonly { from: readonly string[], never: readonly string[], why: string }[]}
 */
export const unreachable = [
  { from: ["run", "explain"], never: ["train", "optimizers"], why: "Serving never imports training." },
  { from: ["math", "cells", "scan"], never: ["print", "compute"], why: "Mathematics never imports a kernel." },
  {
    from: ["layers", "losses", "optimizers", "models"],
    never: ["compute/reference", "compute/wasm"],
    why: "Layers never choose a machine.",
  },
];
