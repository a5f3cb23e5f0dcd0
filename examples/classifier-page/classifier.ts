import { openMachine } from "longshort";
import { type Model, type OpenOptions, open } from "longshort/formats";

/** What the numbers of the model stand for; `train.py` writes it beside the weights. */
export interface Meaning {
  readonly alphabet: string;
  readonly languages: readonly string[];
  /** The share of names kept out of training that the model classifies correctly. */
  readonly right: number;
}

export interface Classifier {
  /** Letters that the model knows, in the order they were given: lower case, without accents. */
  letters(name: string): string;
  /** The probability of each language, in their order, after the last letter. */
  classify(name: string): Promise<readonly number[]>;
  readonly model: Model;
  close(): void;
}

/** Opens weights that PyTorch saved. What they are of shows in their names and shapes; what they mean is told. */
export async function openClassifier(
  file: URL | Blob,
  { alphabet, languages }: Meaning,
  onProgress?: OpenOptions["onProgress"],
): Promise<Classifier> {
  const machine = await openMachine("wasm");
  const model = await open(file, { machine, plans: 32, ...(onProgress && { onProgress }) });
  const letters = (name: string): string =>
    [...name.normalize("NFD").toLowerCase()].filter((letter) => alphabet.includes(letter)).join("");
  return {
    letters,
    async classify(name) {
      // Token 0 is the beginning; one row of scores comes back for it and for every letter, of which the last counts.
      const data = Int32Array.from(["", ...letters(name)], (letter) => (letter ? 1 + alphabet.indexOf(letter) : 0));
      const { output } = await model.run({ tokens: { shape: [1, data.length], data } });
      return softmax(Array.from(output!.data).slice(-languages.length));
    },
    model,
    close() {
      model.close();
      machine.close();
    },
  };
}

function softmax(scores: readonly number[]): number[] {
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
