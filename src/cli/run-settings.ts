import type { RunConfig } from "../checkpoint/run-folder.ts";

/** The settings that a run was trained with, as its command noted them; none of a run that a program made, which notes what it likes. */
export const settingsIn = <S>({ training }: RunConfig): Partial<S> =>
  typeof training === "object" && training !== null ? training : {};
