/** What the recipes of language models have in common: train with one seed, measure the test part once, read as one text. */
import {
  createParameters,
  evaluateText,
  languageModel,
  layoutParameters,
  multiStepRate,
  openCorpus,
  openMachine,
  RandomStream,
  sgd,
  trainText,
} from "../../dist/index.js";

/**
 * @param {object} given
 * @param {{ model: object, tokenizer: object, uniform?: number, rate?: { first: number, flat: number, factor: number } }} given.settings
 *   `uniform`: all parameters begin between ± that; `rate`: plain gradient descent at `first` for `flat` epochs, then times `factor` an
 *   epoch. All else is of `trainText`.
 * @returns perplexities of the validation and the test part
 */
export async function language({ settings, seed, data, log }) {
  const { model: sizes, tokenizer: kind, uniform, rate, ...options } = settings;
  const files = { files: [data.train], validation: [data.validation] };
  const { tokenizer, train, validation } = await openCorpus({ ...files, tokenizer: kind });
  const machine = await openMachine("wasm");
  try {
    const model = languageModel({ ...sizes, vocabularySize: tokenizer.vocabularySize });
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed });
    if (uniform) await drawAll(parameters, uniform, seed);
    const falling = rate && { optimizer: sgd(), schedule: rateByEpoch(rate, train.length, options) };
    const { trainer } = await trainText({
      model,
      machine,
      parameters,
      train,
      validation,
      seed,
      ...falling,
      ...options,
    });
    let last;
    await trainer.run({
      epoch: ({ epoch, trainLoss, validationLoss, seconds }) => {
        last = validationLoss;
        log(
          `  epoch ${epoch}: perplexity ${Math.exp(trainLoss).toFixed(2)}, validation ${Math.exp(validationLoss).toFixed(2)}; ${seconds.toFixed(0)} s`,
        );
      },
    });
    const test = await openCorpus({ files: [data.test], tokenizer, validation: 0 });
    const { perplexity } = await evaluateText({ model, parameters, machine, tokens: test.train, batchSize: 1 });
    return {
      measures: { testPerplexity: perplexity, validationPerplexity: Math.exp(last) },
      details: { parameters: parameters.count, vocabulary: tokenizer.vocabularySize },
    };
  } finally {
    machine.close();
  }
}

async function drawAll(parameters, bound, seed) {
  for (const [name, { shape, data }] of await parameters.toTensors()) {
    const drawn = new RandomStream(seed, `uniform ${name}`).uniform(data.length);
    parameters.write(name, { shape, data: drawn.map((u) => bound * (2 * u - 1)) });
  }
}

function rateByEpoch({ first, flat, factor }, tokens, { batchSize, sequenceLength, epochs }) {
  const windows = Math.floor(Math.floor((tokens - 1) / batchSize) / sequenceLength);
  const milestones = Array.from({ length: epochs - flat }, (_, k) => (flat + k) * windows);
  return multiStepRate({ learningRate: first, milestones, gamma: factor });
}
