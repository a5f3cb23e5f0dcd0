/** usage: node start.mjs. From importing the library to the first result of an LSTM layer, and its parts. */
import { report } from "./report.mjs";

const phases = {};
/** Of this thread where Node tells it (23.9 and newer), in milliseconds. */
const thread = () => {
  const used = process.threadCpuUsage?.();
  return used ? (used.user + used.system) / 1000 : Number.NaN;
};
const start = performance.now();
const cpu = process.cpuUsage();
let [clock, own] = [start, thread()];
/** Ends a part: its time by the clock and of this thread's processor. */
const done = (name) => {
  const [now, used] = [performance.now(), thread()];
  phases[name] = { ms: now - clock, cpuMs: used - own };
  [clock, own] = [performance.now(), thread()];
};
const { openMachine, recurrent, lstm, layoutParameters, createParameters, Graph, compile } = await import("longshort");
done("import");
const machine = await openMachine("wasm");
done("machine");
const layer = recurrent({ cell: lstm(), inputSize: 64, hiddenSize: 64 });
const parameters = await createParameters({ machine, layout: layoutParameters(layer) });
done("weights");
const graph = new Graph({ machine, parameters: parameters.layout });
graph.output("output", layer.forward(graph.input("input", [16, 1, 64])).output);
const plan = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
done("plan");
plan.write("input", new Float32Array(16 * 64).fill(1));
plan.run();
const output = await plan.read("output");
done("run");
const medianMs = performance.now() - start;
const used = process.cpuUsage(cpu);
// Only now: the file system of Node is not to be there before, as it would not be in a program of these lines.
const { readFileSync } = await import("node:fs");
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
report({ version, medianMs, cpuMs: (used.user + used.system) / 1000, phases, agree: [output[0]] });
