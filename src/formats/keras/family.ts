import { unsupported } from "./config.ts";

/** Which of the programs that share Keras' format wrote a file: they give the same names to different functions. */
export interface Family {
  /** For messages: "Keras 2.3.1". */
  readonly name: string;
  readonly kind: "keras-2" | "keras-3" | "tfjs";
  /** Slope of the hard sigmoid. */
  readonly hardSigmoid: number;
  /** Recurrent activation of a layer that names none. */
  readonly recurrentActivation: string;
  /** Whether a bidirectional layer that gives out all steps gives zeros at masked ones. */
  readonly bidirectionalZeros: boolean;
  readonly maskedOutput: "previous" | "previous-or-initial";
}

/** @see `docs/semantics.md` §5 and §6 */
export function kerasFamily(version: string): Family {
  const [, major, minor] = (/^(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  if (major === undefined || minor === undefined || major < 1 || major > 3)
    throw unsupported(`the file says that Keras ${JSON.stringify(version)} wrote it; versions 1 to 3 are known`);
  const name = `Keras ${version}`;
  if (major === 3)
    return {
      ...{ name, kind: "keras-3", hardSigmoid: 1 / 6, recurrentActivation: "sigmoid" },
      ...{ bidirectionalZeros: true, maskedOutput: "previous" },
    };
  // The Keras inside TensorFlow, which from 2.4 on is the only one.
  const inTensorFlow = version.includes("tf") || (major === 2 && minor >= 4);
  const sigmoid = inTensorFlow || (major === 2 && minor === 3);
  return {
    ...{ name, kind: "keras-2", hardSigmoid: 0.2, recurrentActivation: sigmoid ? "sigmoid" : "hard_sigmoid" },
    ...{ bidirectionalZeros: inTensorFlow, maskedOutput: "previous" },
  };
}

export const tfjsFamily = (generatedBy: string): Family => ({
  ...{ name: generatedBy, kind: "tfjs", hardSigmoid: 0.2, recurrentActivation: "hard_sigmoid" },
  ...{ bidirectionalZeros: false, maskedOutput: "previous-or-initial" },
});
