// Trains a small model for fifty updates in portable arithmetic and says what came of it: a hash of all weights, which is to be the same
// everywhere. Runs as a program, in a Node worker, in a page, and in a worker of a page; nothing but the package is used.
import {
  adam,
  createParameters,
  crossEntropy,
  languageModel,
  layoutParameters,
  openMachine,
  openTrainingStep,
} from "longshort";

const [steps, batch, vocabularySize] = [24, 16, 29];

/** @param {number} threads how many are asked for. @returns {Promise<{ hash: string, threads: number, loss: number }>} */
export async function fiftyUpdates(threads) {
  const machine = await openMachine("wasm", { fused: false, threads });
  const model = languageModel({
    ...{ vocabularySize, embeddingSize: 24, hiddenSize: 50, numLayers: 2, cell: "lstm", dropout: 0.2 },
  });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
  const step = await openTrainingStep({
    machine,
    parameters,
    optimizer: adam(),
    clipNorm: 1,
    record(graph) {
      const tokens = graph.input("tokens", [steps, batch], { type: "int", below: vocabularySize });
      const targets = graph.input("targets", [steps, batch], { type: "int", below: vocabularySize });
      return { loss: crossEntropy(model.forward(tokens).logits, targets) };
    },
  });
  // Each sequence counts up, from its own number and by its own stride.
  const numbers = (ahead) =>
    Int32Array.from({ length: steps * batch }, (_, k) => {
      const [t, b] = [Math.floor(k / batch) + ahead, k % batch];
      return (b + t * (b + 1)) % vocabularySize;
    });
  step.executable.write("tokens", numbers(0));
  step.executable.write("targets", numbers(1));
  for (let update = 1; update <= 50; update++) step.run(update, 0.01);
  const { lossSum } = await step.read();
  // FNV-1a over the bytes of all weights: a page without a secure connection has no crypto.subtle.
  let hash = 0xcbf29ce484222325n;
  for (const name of parameters.names)
    for (const byte of new Uint8Array((await parameters.read(name)).buffer))
      hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  const result = { hash: hash.toString(16), threads: machine.limits.threads, loss: lossSum / (steps * batch) };
  step.close();
  parameters.close();
  machine.close();
  return result;
}

// Where it is told to: as data of a Node worker, as an argument of a program, as the address of a page's worker.
if (globalThis.process) {
  const { parentPort, workerData } = await import("node:worker_threads");
  if (parentPort) parentPort.postMessage(await fiftyUpdates(workerData));
  else console.log(JSON.stringify(await fiftyUpdates(Number(process.argv[2]))));
} else {
  const { searchParams } = new URL(import.meta.url);
  if (searchParams.has("threads")) globalThis.postMessage(await fiftyUpdates(Number(searchParams.get("threads"))));
}
