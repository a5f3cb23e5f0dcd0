// Ceilings for what a page downloads, minified, brotli. A ceiling is raised only together with the reason for it, here.

const common = { brotli: true, path: "dist/index.js" };

/** A page's bundler takes the browser's half of the platform, from dist/ and not through the paths of tsconfig.json. */
const forBrowser = (config) => ({
  ...config,
  tsconfigRaw: {},
  platform: "browser",
  format: "esm",
  conditions: ["browser", "import", "default"],
  // Chunks that such a page never asks for: the other machine, the kernels that only training or weights of 8 bits ask for, and threads, which it has
  // in a worker only, for plans that are worth it.
  external: [
    "*/reference/machine.js",
    ...["scan-backward", "scatter-add", "random", "linear-cross-entropy", "quantized-matmul", "helpers"].map(
      (name) => `./${name}.js`,
    ),
  ],
});

const inference = "openMachine, languageModel, layoutParameters, createParameters, readSafetensors, openSession";

export default [
  {
    ...common,
    name: "one cell",
    import: "{ lstm }",
    modifyEsbuildConfig: (config) => ({ ...forBrowser(config), external: ["*/machine.js"] }),
    // A cell is its equations and the recorder they are written with; no derivative, printer or machine may come along. That it refuses
    // options that it does not know, with the nearest name of one that it does, is 0.5 kB: errors and the distance of two names. That
    // an equation is told what it got in place of an expression is 0.4 kB. That what an option is set to, a mask's rate and what a step
    // gives make sense is 0.3 kB. What an option of each name is, that an `await` is missing before it, and which options a machine given
    // by itself stands in place of, is 0.45 kB. That what a gate gives and what its matrix multiplies are expressions, parts of split gates
    // among them, is 0.1 kB. That biases and masks are of the kinds that there are is 0.2 kB. Names of states in types are a function of 0.01 kB.
    limit: "3.82 kB",
  },
  {
    ...common,
    name: "inference: weights from a file, a model, a session that answers with logits",
    import: `{ ${inference} }`,
    modifyEsbuildConfig: forBrowser,
    // The printers of kernels are most of it; an engine in a file of its own would be ten times as large. Sharing each kernel between
    // threads is 3.5 kB of it: barriers, shares, memory that can be shared. Weights of 8 bits are 1.3 kB: a step composed of products. A URL that tells
    // how much of it is there is 0.1 kB. What is trained in parts, rows of one and hosts without vectors are 0.5 kB; the names of the options of
    // each function, as unknown ones are refused, another 0.5 kB. Weights that go from a file to the machine part by part, gradients of embeddings row by row and values that
    // are held where somebody looks inside are 1.9 kB. That options which cannot be left out are asked for by name is 0.2 kB. That a server
    // answered with its own page in place of a file, and that errors keep their names, is 0.1 kB. That tensors are of one graph and have the axes
    // and sizes that they are asked for, and that options of cells make sense, is 0.4 kB. That whatever is open can be opened with `using`, and
    // that a machine that was closed is named, is 0.2 kB. Views of memory that are kept by range, panels that are fetched
    // ahead and gradients that are read as 0 where they vanish are 0.5 kB. That what records a layer's scans and what decides which values are kept
    // are functions of one idea each is 0.2 kB. That 8 bits are a property of parameters, whatever the task, is 0.7 kB. That options and tensors are
    // of the kind that they are called, promises and null none, is 0.7 kB. Few rows with several panels, sums between blocks, packing by rows and
    // windows of input products are 0.8 kB. Tables of small vocabularies, multiplied once for all steps, are 0.7 kB.
    // Matrices that are gone through there and back, a step that takes all products of its units at once, and registers that are left clean are
    // 0.6 kB; arithmetic of tensors by four names 0.2 kB. Parameters without gradients, and numbers that nobody kept, which are no zeros, are 0.2 kB.
    // Threads that have examples of their own are 0.7 kB; states that vanish, and numbers with their shapes that files are written from, 0.2 kB.
    // Hosts that do not compile, what they are to be told and modules that were compiled elsewhere are 0.3 kB; states of which two steps are kept, and an
    // output that is written as it is computed, 0.3 kB. That tensors are of one graph in every operation, plans and cells what they can be, and
    // memory that tells how much of it is in use, is 0.8 kB. That states are finite, that a compiled graph records no more, that classes are among
    // those that there are, and threads that are lost or loops of eight steps, are 0.5 kB. That numbers cut out of an input are held to the
    // bounds of what reads them, and that equations over tensors are checked where they are recorded, is 0.4 kB. That registers are left as they
    // are where nothing waits for them, and panels of few rows read ahead, is 0.3 kB. That parameters take the tensors of a file, and that a stack
    // times one matrix is told how it is written, is 0.1 kB. That a cell of code travels with its model, as its equations in words, is 0.7 kB; memory
    // of threads that lies apart, and stacks whose states have names, 0.4 kB.
    limit: "65 kB",
  },
  {
    ...common,
    name: "inference from text to text: the same with tokenizers and sampling",
    import: `{ ${inference}, tokenizerFromJSON, generate }`,
    modifyEsbuildConfig: forBrowser,
    // Tokenizers of five kinds with the format of their files, normal forms, byte pair encoding, the sampling of `generate`
    // with penalties and stop strings are 10 kB on top. What each option of writing must be, with the nearest name of one that is unknown,
    // is 0.6 kB: the schema that the commands have. The engine, files and names of options as above. That a module holds only the
    // tiles that the rows of a scan take is 0.1 kB. That a token is drawn without a list of all candidates, and that writing lets others have a
    // turn, is 0.3 kB. Stop strings that overlap are 0.07 kB. Of the engine
    // another 1.3 kB, of cells in words and memory apart 1 kB.
    limit: "76.6 kB",
  },
  {
    ...common,
    path: "dist/formats/index.js",
    name: "formats: PyTorch files",
    import: "{ readPyTorch }",
    modifyEsbuildConfig: forBrowser,
    // A zip reader, an inflater and a pickle interpreter of our own; no library comes along. That a page reads no Parquet is said in 0.03 kB, that an option is unknown in 0.2 kB, that a server sent a page instead of a file in 0.1 kB.
    // Types of storages and first bytes of files that writers share are 0.1 kB. Kinds of options are 0.45 kB.
    // Checkpoints of PyTorch Lightning with numbers of NumPy, and pruned weights, are 0.35 kB.
    // That reading can be aborted is 0.1 kB.
    limit: "16.1 kB",
  },
  {
    ...common,
    path: "dist/worker/index.js",
    name: "a page that talks to its worker",
    import: "{ connectWorker }",
    modifyEsbuildConfig: forBrowser,
    // Messages and errors; models, machines and training are the worker's. Calls that are aborted are 0.1 kB.
    limit: "0.67 kB",
  },
];
