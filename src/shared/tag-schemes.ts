/** Tokens start … end − 1 of a sentence with one label: a name, a slot. */
export interface Span {
  readonly label: string;
  readonly start: number;
  /** Index after the last token. */
  readonly end: number;
}

/**
 * How spans are written as one tag a token: a letter, "-" and the label, or "O" outside. `first`, `inside` and `last` are the letters of
 * a span of several tokens, `single` that of a span of one.
 *
 * "iob1" writes B- only where a span follows one of the same label at once, "iob2" at the start of every span.
 */
const LETTERS = {
  iob1: { first: "I", inside: "I", last: "I", single: "I" },
  iob2: { first: "B", inside: "I", last: "I", single: "B" },
  bioes: { first: "B", inside: "I", last: "E", single: "S" },
  bmes: { first: "B", inside: "M", last: "E", single: "S" },
  bilou: { first: "B", inside: "I", last: "L", single: "U" },
} as const;

/** How tags say where a span begins and ends: `B-`, `I-`, … (`TAG_SCHEMES`). */
export type TagScheme = keyof typeof LETTERS;
/** The names of all schemes. */
export const TAG_SCHEMES = Object.keys(LETTERS) as readonly TagScheme[];
export const OUTSIDE = "O";

const TAG = /^([BIMELSU])-(.+)$/su;
const OPENS = new Set(["B", "S", "U"]);
const CLOSES = new Set(["E", "L", "S", "U"]);

/** Undefined: the tag is outside of spans, or says nothing about them. */
function parse(tag: string | undefined): { readonly letter: string; readonly label: string } | undefined {
  const match = tag === undefined ? null : TAG.exec(tag);
  return match ? { letter: match[1]!, label: match[2]! } : undefined;
}

/** Whether a tag says where spans are, in whatever scheme. */
export const isOfSpans = (tag: string): boolean => tag === OUTSIDE || parse(tag) !== undefined;

/**
 * The spans of a sentence, by the rules of conlleval, whatever the scheme: a span begins at B- (S-, U-), after a token outside, after the
 * end of another span (E-, L-, S-, U-) and where the label changes, so an I- with nothing before it begins one too.
 *
 * @see Tjong Kim Sang & Buchholz, "Introduction to the CoNLL-2000 shared task: chunking" (2000)
 */
export function spansOf(tags: readonly string[]): Span[] {
  const spans: { label: string; start: number; end: number }[] = [];
  for (const [t, tag] of tags.entries()) {
    const own = parse(tag);
    if (!own) continue;
    const before = parse(tags[t - 1]);
    const begins = !before || before.label !== own.label || OPENS.has(own.letter) || CLOSES.has(before.letter);
    if (begins) spans.push({ label: own.label, start: t, end: t + 1 });
    else spans.at(-1)!.end = t + 1;
  }
  return spans;
}

/** Returns the tags of spans, which must not overlap and must be in order. */
export function tagsOf(spans: readonly Span[], length: number, scheme: TagScheme): string[] {
  const letters = LETTERS[scheme];
  const tags = new Array<string>(length).fill(OUTSIDE);
  for (const [k, { label, start, end }] of spans.entries()) {
    const before = spans[k - 1];
    const touches = before?.end === start && before.label === label;
    for (let t = start; t < end; t++) {
      const place = end - start === 1 ? "single" : t === start ? "first" : t === end - 1 ? "last" : "inside";
      tags[t] = `${scheme === "iob1" && touches && t === start ? "B" : letters[place]}-${label}`;
    }
  }
  return tags;
}

/** Detects the scheme of tags; undefined if they are not spans (parts of speech, for example). */
export function schemeOf(sentences: readonly (readonly string[])[]): TagScheme | undefined {
  const letters = new Set<string>();
  const begins = { I: 0, B: 0 };
  for (const tags of sentences) {
    for (const tag of tags) {
      const own = parse(tag);
      if (!own && tag !== OUTSIDE) return undefined;
      if (own) letters.add(own.letter);
    }
    for (const { start, label } of spansOf(tags)) {
      const letter = tags[start]![0];
      // Behind a span of the same label both schemes write B-.
      if (parse(tags[start - 1])?.label !== label && (letter === "I" || letter === "B")) begins[letter] += 1;
    }
  }
  if (letters.size === 0) return undefined;
  if (letters.has("M")) return "bmes";
  if (letters.has("L") || letters.has("U")) return "bilou";
  if (letters.has("E") || letters.has("S")) return "bioes";
  return begins.I > begins.B ? "iob1" : "iob2";
}

/** What may begin, follow and end in a scheme, by the names of tags: nothing goes on that did not begin, or begins that does not end. */
export function schemeRules(scheme: TagScheme) {
  const { inside, last, single } = LETTERS[scheme];
  const goesOn = (tag: string): string | undefined => {
    const own = parse(tag);
    return own && scheme !== "iob1" && (own.letter === inside || own.letter === last) ? own.label : undefined;
  };
  /** The label that has to go on, or may, behind this tag. */
  const open = (tag: string): string | undefined => {
    const own = parse(tag);
    const closed = !own || (last !== inside && (own.letter === last || own.letter === single));
    return closed ? undefined : own.label;
  };
  const mustGoOn = (tag: string): boolean => last !== inside && open(tag) !== undefined;
  return {
    start: (tag: string): boolean => goesOn(tag) === undefined,
    follow: (before: string, tag: string): boolean =>
      goesOn(tag) === undefined ? !mustGoOn(before) : goesOn(tag) === open(before),
    end: (tag: string): boolean => !mustGoOn(tag),
  };
}
