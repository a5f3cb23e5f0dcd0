import { expectOneOf } from "../shared/errors.ts";
import { isHighSurrogate } from "./windows.ts";

/**
 * A change to text before it is split into tokens. "nfc", "nfd", "nfkc", "nfkd": the normal forms of Unicode Standard Annex #15.
 * "lowercase": each letter by itself, so "Σ" always becomes "σ". "strip-accents": removes combining marks; put "nfd" or "nfkd" before
 * it to separate them from letters. "trim": removes white space at both ends.
 */
export type NormalizeStep = "nfc" | "nfd" | "nfkc" | "nfkd" | "lowercase" | "strip-accents" | "trim";

export const NORMALIZE_STEPS: readonly NormalizeStep[] = [
  ...(["nfc", "nfd", "nfkc", "nfkd"] as const),
  ...(["lowercase", "strip-accents", "trim"] as const),
];

/** Text that comes in pieces, changed; the pieces together are what the whole text would become. */
export interface TextStage {
  push(text: string): string;
  end(): string;
}

/** @throws UsageError "unknown-choice" */
export function expectSteps(argument: string, steps: readonly unknown[]): NormalizeStep[] {
  return steps.map((step, k) => expectOneOf(`${argument}[${k}]`, step, NORMALIZE_STEPS));
}

/** The steps one after the other, on a stream of text. */
export function normalizer(steps: readonly NormalizeStep[]): TextStage {
  const stages = [wholeCharacters(), ...steps.map((step) => STAGES[step]())];
  return {
    push: (text) => stages.reduce((value, stage) => stage.push(value), text),
    end: () => stages.reduce((value, stage) => stage.push(value) + stage.end(), ""),
  };
}

const form = (name: "NFC" | "NFD" | "NFKC" | "NFKD") => (): TextStage => cutSafely((text) => text.normalize(name));
const everywhere = (change: (text: string) => string) => (): TextStage => ({ push: change, end: () => "" });

const STAGES: { readonly [S in NormalizeStep]: () => TextStage } = {
  nfc: form("NFC"),
  nfd: form("NFD"),
  nfkc: form("NFKC"),
  nfkd: form("NFKD"),
  lowercase: everywhere(smallLetters),
  "strip-accents": everywhere((text) => text.replace(/\p{M}/gu, "")),
  trim: trimEnds,
};

/** Each letter for itself: JavaScript looks at the letters around "Σ", which other software and a stream do not. */
export function smallLetters(text: string): string {
  return text.replaceAll("Σ", "σ").toLowerCase();
}

/** Holds the first half of a surrogate pair back until the second has come. */
export function wholeCharacters(): TextStage {
  let high = "";
  return {
    push(text) {
      const all = high + text;
      high = all !== "" && isHighSurrogate(all.charCodeAt(all.length - 1)) ? all.slice(-1) : "";
      return high === "" ? all : all.slice(0, -1);
    },
    end: () => high,
  };
}

/**
 * Characters that may combine with what stands before them: marks, and the vowels and finals of Korean syllables with their
 * compatible forms, voiced sound marks of half width. Before any other one text may be cut.
 */
const GOES_ON = /[\p{M}\u1160-\u11ff\u3131-\u318e\ud7b0-\ud7ff\uff9e-\uffdc]/u;
/** So long a run of marks is no text; it is cut all the same. */
const LONGEST_HELD = 1 << 16;

function cutSafely(change: (text: string) => string): TextStage {
  let held = "";
  return {
    push(text) {
      const all = held + text;
      let cut = startOfLast(all, all.length);
      while (cut > 0 && GOES_ON.test(String.fromCodePoint(all.codePointAt(cut)!))) cut = startOfLast(all, cut);
      if (all.length - cut > LONGEST_HELD) cut = all.length;
      held = all.slice(cut);
      return change(all.slice(0, cut));
    },
    end: () => change(held),
  };
}

/** Where the last code point before `end` begins. */
function startOfLast(text: string, end: number): number {
  if (end <= 1) return 0;
  return end - (text.codePointAt(end - 2)! > 0xffff ? 2 : 1);
}

function trimEnds(): TextStage {
  let begun = false;
  let space = "";
  return {
    push(text) {
      const body = begun ? text : text.replace(/^\p{White_Space}+/u, "");
      if (body === "") return "";
      begun = true;
      const all = space + body;
      // From the end by hand: the expression for it takes the square of the length of a run in the middle.
      let end = all.length;
      while (end > 0 && /\p{White_Space}/u.test(all[end - 1]!)) end--;
      space = all.slice(end);
      return all.slice(0, end);
    },
    end: () => "",
  };
}
