import { type Corpus, openCorpus } from "../data/corpus.ts";
import { LongshortError, UsageError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Io } from "./io.ts";
import { corpusOptions, type TextSettings } from "./text-settings.ts";

/** A whole text as `train`, with nothing kept back. */
export const wholeText = (
  files: readonly string[],
  tokenizer: Tokenizer,
  { documents }: Partial<TextSettings>,
): Promise<Corpus> => openCorpus({ ...corpusOptions({ files, validation: 0, documents }), tokenizer });

/** The text that the run was trained on, cut as it was then; undefined with a note when it is gone and not needed. */
export async function trainedOn(
  { files, validation, ...more }: Partial<TextSettings>,
  tokenizer: Tokenizer,
  { needed, io }: { readonly needed: boolean; readonly io: Io },
): Promise<Corpus | undefined> {
  try {
    if (files === undefined || validation === undefined)
      throw new UsageError("no-training-text", "the run does not say which text it was trained on");
    return await openCorpus({ ...corpusOptions({ files, validation, ...more }), tokenizer });
  } catch (error) {
    if (!(error instanceof LongshortError)) throw error;
    if (needed)
      throw new UsageError("no-training-text", `${error.message}\nName a file to evaluate on.`, { cause: error });
    await io.stderr.write(
      `Note: no baselines, because the training text cannot be read again (${error.message}); give one with --baseline FILE.\n`,
    );
    return undefined;
  }
}

export const noValidation = (folder: string): UsageError =>
  new UsageError(
    "no-validation",
    `${folder}: the run was trained without a validation part; name a file to evaluate on`,
  );
