// Trains a small LSTM on a text, saves it, loads it again and lets it write.
import { argv, stdout } from "node:process";
import { generate, languageModel, loadRun, openCorpus, openMachine, openSession, saveRun, trainText } from "longshort";

const [text = "examples/text/longshort-v1.txt", folder = "runs/example", epochs = "1"] = argv.slice(2);
const machine = await openMachine("wasm");
const { tokenizer, train, validation } = await openCorpus({ files: [text] });
const model = languageModel({ vocabularySize: tokenizer.vocabularySize, cell: "lstm", hiddenSize: 128 });
const { trainer, parameters } = await trainText({ model, machine, train, validation, epochs: Number(epochs) });
for await (const event of trainer) {
  if (event.type === "progress") stdout.write(`\rstep ${event.step}: ${event.loss.toFixed(3)} nats per token `);
  if (event.type !== "epoch") continue;
  console.log(`\nepoch ${event.epoch}: validation ${event.validationLoss?.toFixed(3)}`);
  if (event.best) await saveRun(folder, { model, tokenizer, parameters });
}
const run = await loadRun(folder, { machine });
const session = await openSession(run);
const writing = generate({ session, tokenizer: run.tokenizer, prompt: "The ", length: 200, temperature: 0.8 });
for await (const piece of writing) stdout.write(piece);
machine.close();
