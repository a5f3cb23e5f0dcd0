/** usage: node start.mjs. From importing the library to the first result of an LSTM layer. */
import { report } from "./report.mjs";

const start = performance.now();
const cpu = process.cpuUsage();
const { openMachine, recurrent, lstm, layoutParameters, createParameters, Graph, compile } = await import("longshort");
const imported = performance.now();
const machine = await openMachine("wasm");
const opened = performance.now();
const layer = recurrent({ cell: lstm(), inputSize: 64, hiddenSize: 64 });
const parameters = await createParameters({ machine, layout: layoutParameters(layer) });
const graph = new Graph({ machine, parameters: parameters.layout });
graph.output("output", layer.forward(graph.input("input", [16, 1, 64])).output);
const plan = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
const prepared = performance.now();
plan.write("input", new Float32Array(16 * 64).fill(1));
plan.run();
const output = await plan.read("output");
const medianMs = performance.now() - start;
const used = process.cpuUsage(cpu);
// Only now: the file system of Node is not to be there before, as it would not be in a program of these lines.
const { readFileSync } = await import("node:fs");
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const phases = { import: imported - start, open: opened - imported, prepare: prepared - opened };
report({ version, medianMs, cpuMs: (used.user + used.system) / 1000, phases, agree: [output[0]] });
