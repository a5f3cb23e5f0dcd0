/**
 * `node bench/traced.mjs [ROUNDS]`: what it costs to be able to look inside, as CPU time of a recurrent layer over a batch, forward, on one
 * thread, alternating:
 *
 * - "beside": the untraced run on a machine that has also compiled and run the traced kernel, against one that never did; 1 says that the
 *   untraced kernel is not slower for it (they are one kernel: what is traced is a second printing of the cell);
 * - "traced": the run that writes every gate and state, against the untraced one.
 */
import { ensureBuilt } from "../scripts/bootstrap.mjs";

const rounds = Number(process.argv[2] ?? 25);
const [inputSize, hiddenSize, steps, batch] = [64, 128, 64, 16];

ensureBuilt();
const { cellByName, compile, createParameters, Graph, layoutParameters, openMachine, recurrent } = await import(
  "../dist/index.js"
);
const { traceNames } = await import("../dist/explain/index.js");
const { median } = await import("../dist/cli/bench/statistics.js");

/** A run of the layer on a machine. */
async function prepared(machine, cell, names) {
  const layers = recurrent({ cell, inputSize, hiddenSize });
  const parameters = await createParameters({ machine, layout: layoutParameters(layers), seed: 1 });
  const graph = new Graph({ machine, parameters: parameters.layout });
  const x = graph.input("x", [steps, batch, inputSize]);
  const { output, traces } = layers.forward(x, { trace: names(layers) });
  graph.output("output", output);
  for (const [name, tensor] of Object.entries(traces)) graph.output(`trace.${name}`, tensor);
  const executable = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
  executable.write(
    "x",
    Float32Array.from({ length: steps * batch * inputSize }, (_, k) => Math.sin(k)),
  );
  return executable;
}

/** Microseconds of CPU of a run, of so many at once that it can be measured. */
function timed(executable) {
  const before = process.cpuUsage();
  for (let k = 0; k < 20; k++) executable.run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 20;
}

for (const name of ["rnn", "lstm", "gru"]) {
  const cell = cellByName(name);
  const [alone, both] = [await openMachine("wasm", { threads: 1 }), await openMachine("wasm", { threads: 1 })];
  const none = () => [];
  const runs = {
    plain: await prepared(alone, cell, none),
    traced: await prepared(both, cell, traceNames),
    beside: await prepared(both, cell, none),
  };
  const times = { plain: [], traced: [], beside: [] };
  for (let round = 0; round < rounds + 3; round++)
    for (const key of round % 2 ? ["plain", "beside", "traced"] : ["traced", "beside", "plain"]) {
      const time = timed(runs[key]);
      // The first rounds compile.
      if (round >= 3) times[key].push(time);
    }
  const ratio = (key) => median(times[key].map((time, k) => time / times.plain[k]));
  console.log(
    `${name}: ${(median(times.plain) / 1000).toFixed(2)} ms a run; untraced beside traced ${ratio("beside").toFixed(3)}, traced ${ratio("traced").toFixed(2)}`,
  );
  alone.close();
  both.close();
}
