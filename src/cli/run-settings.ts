import type { RunConfig } from "../checkpoint/run-folder.ts";
import { LongshortError } from "../shared/errors.ts";
import type { Io } from "./io.ts";

/** The settings that a run was trained with, as its command noted them; none of a run that a program made, which notes what it likes. */
export const settingsIn = <S>({ training }: RunConfig): Partial<S> =>
  typeof training === "object" && training !== null ? training : {};

/** The part of its own data that a run is measured on. */
export const ownPart = ({ test }: { readonly test?: string | undefined }): "test" | "validation" =>
  test === undefined ? "validation" : "test";

/** What figures on such a part have to be read with. */
export const chosenBy = (part: "test" | "validation"): string =>
  part === "validation" ? ", which also chose the weights" : "";

/** What a run learned from, of its own data; undefined, with a note, where these cannot be read again. */
export async function readAgain<T>(io: Io, own: Promise<{ readonly train: T }>): Promise<T | undefined> {
  try {
    return (await own).train;
  } catch (error) {
    if (!(error instanceof LongshortError)) throw error;
    await io.stderr.write(
      `Note: no baseline, because what was learned from cannot be read again (${error.message}).\n`,
    );
    return undefined;
  }
}
