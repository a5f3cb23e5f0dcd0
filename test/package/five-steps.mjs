// Runs in every host that the package promises, so it uses nothing but the package and the console.
import {
  adam,
  createParameters,
  crossEntropy,
  languageModel,
  layoutParameters,
  openMachine,
  openTrainingStep,
} from "longshort";

const [steps, batch, vocabularySize] = [12, 4, 11];
const machine = await openMachine("wasm");
const model = languageModel({ vocabularySize, embeddingSize: 8, hiddenSize: 16, cell: "lstm" });
const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
const step = await openTrainingStep({
  machine,
  parameters,
  optimizer: adam(),
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

const losses = [];
for (let update = 1; update <= 5; update++) {
  step.run(update, 0.02);
  losses.push((await step.read()).lossSum);
}
step.close();
parameters.close();
machine.close();

console.log(`losses ${JSON.stringify(losses)}`);
