// A cell of your own: you write its equations. Gradients and kernels are derived from them, so it trains on every machine.
// Here: an LSTM in which one gate decides both what to forget and what to take in, and also sees the cell state.
import { add, defineCell, languageModel, mul, openMachine, sigmoid, sub, tanh, trainText } from "longshort";

const ownCell = defineCell({
  name: "own-cell",
  gates: { f: (x) => x, g: tanh, o: sigmoid },
  state: ["h", "c"],
  weights: { p: 0 },
  step({ f, g, o }, previous, { weights }) {
    const keep = sigmoid(add(f, mul(weights.p, previous.c)));
    const c = add(mul(keep, previous.c), mul(sub(1, keep), g));
    return { keep, c, h: mul(o, tanh(c)) };
  },
});

// After "ab" comes "c" or "d" in turns: to know which, a model must remember more than the letter before. With that letter
// alone the loss cannot fall below ln 2 / 3 = 0.231 nats per letter.
const train = Int32Array.from("abcabd".repeat(200), (letter) => letter.charCodeAt(0) - 97);

const options = { sequenceLength: 12, batchSize: 5, epochs: 5, learningRate: 0.02 };
for (const name of ["wasm", "reference"] as const) {
  const machine = await openMachine(name);
  const model = languageModel({ vocabularySize: 4, embeddingSize: 8, cell: ownCell, hiddenSize: 16 });
  const { trainer } = await trainText({ model, machine, train, ...options });
  for await (const event of trainer) {
    if (event.type === "epoch")
      console.log(`${name}, epoch ${event.epoch}: ${event.trainLoss.toFixed(4)} nats per letter`);
  }
  machine.close();
}
