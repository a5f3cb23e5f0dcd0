import { parentPort, workerData } from "node:worker_threads";
import { LongshortError } from "../../src/shared/errors.ts";
import { mutate, randomOf } from "./mutate.ts";
import { modelsBelow, PARSERS } from "./parsers.ts";

/** The inner loop of scripts/fuzz.mjs, which watches it from outside: a message before each file says where it is. */
const { from, milliseconds, parser, files } = workerData as {
  from: number;
  milliseconds: number;
  parser?: string;
  files?: string;
};
const port = parentPort!;
const all = files === undefined ? PARSERS : [...PARSERS, modelsBelow(files)];
const chosen = all.filter(({ name }) => parser === undefined || name === parser);
if (chosen.length === 0)
  throw new Error(`no parser named ${parser}; there are ${all.map(({ name }) => name).join(", ")}`);
const table = chosen.map((row) => ({ ...row, files: row.seeds(), counts: { read: 0, refused: 0 } }));
const prototype = Object.getOwnPropertyNames(Object.prototype).join();
const end = performance.now() + milliseconds;

for (let seed = from; performance.now() < end; seed++) {
  for (const { name, files, parse, counts } of table) {
    const random = randomOf(seed, name);
    const bytes = mutate(files[Math.floor(random() * files.length)]!, random);
    port.postMessage({ parser: name, seed });
    const start = process.cpuUsage();
    try {
      await parse(bytes);
      counts.read++;
    } catch (error) {
      if (error instanceof LongshortError) counts.refused++;
      else port.postMessage({ parser: name, seed, problem: String(error instanceof Error ? error.stack : error) });
    }
    // Of the processor: on a busy machine the clock runs on while this waits.
    const { user, system } = process.cpuUsage(start);
    const took = (user + system) / 1000;
    if (took > 2000) port.postMessage({ parser: name, seed, problem: `took ${Math.round(took)} ms` });
    if (Object.getOwnPropertyNames(Object.prototype).join() !== prototype)
      port.postMessage({ parser: name, seed, problem: "changed Object.prototype" });
  }
  if (seed % 100 === 0) report();
}
report();

function report(): void {
  port.postMessage({ counts: table.map(({ name, counts }) => [name, counts]) });
}
