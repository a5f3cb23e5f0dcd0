import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, runName } from "../checkpoint/read-run.ts";
import { FailureError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";

/** The tokenizer of a run; undefined where the model reads no tokens. @throws FailureError "bad-run" where it is not the model's */
export function tokenizerOfRun(source: RunSource, json: unknown, vocabularySize: number): Tokenizer;
export function tokenizerOfRun(source: RunSource, json: unknown, vocabularySize?: number): Tokenizer | undefined;
export function tokenizerOfRun(source: RunSource, json: unknown, vocabularySize?: number): Tokenizer | undefined {
  const tokenizer =
    json === undefined ? undefined : ofFile(runName(source, "tokenizer.json"), () => tokenizerFromJSON(json));
  if (tokenizer?.vocabularySize === vocabularySize) return tokenizer;
  throw new FailureError(
    "bad-run",
    `${runName(source)}: its tokenizer has ${tokenizer?.vocabularySize ?? "no"} tokens, its model ${vocabularySize ?? "none"}: these files do not belong to one run`,
  );
}
