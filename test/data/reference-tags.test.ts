import { expect, test } from "vitest";
import { readSentenceRows } from "../../src/data/sentence-rows.ts";
import { readTokenColumns } from "../../src/data/token-columns.ts";
import { spanScores } from "../../src/run/span-scores.ts";
import { schemeOf } from "../../src/shared/tag-schemes.ts";
import { describeWithReferenceData } from "../support/reference-data.ts";

const count = (lists: readonly (readonly string[])[]): number => lists.reduce((sum, { length }) => sum + length, 0);

describeWithReferenceData("sentences with tags", "datasets/tagging", (folder) => {
  test("CoNLL-2003: as many sentences, tokens and names as its authors count", async () => {
    const { tokens, tags } = await readTokenColumns(`${folder}/conll2003.test.txt.gz`, { token: 1, tag: 4 });
    // Tjong Kim Sang & De Meulder (2003), tables 1 and 2; empty sentences of -DOCSTART- lines are not counted here.
    expect([tokens.length, count(tokens)]).toEqual([3453, 46435]);
    expect(schemeOf(tags)).toBe("iob1");
    const { expected: there, byLabel } = spanScores(tags, tags);
    expect(there).toBe(5648);
    expect(Object.fromEntries(byLabel.map((one) => [one.label, one.expected]))).toEqual({
      ...{ LOC: 1668, MISC: 702, ORG: 1661, PER: 1617 },
    });
  });

  test("UD English EWT and résumés", async () => {
    const ewt = await readTokenColumns(`${folder}/ud-english-ewt.test.tsv.gz`, { token: 1, tag: 2 });
    expect([ewt.tokens.length, new Set(ewt.tags.flat()).size, schemeOf(ewt.tags)]).toEqual([2077, 17, undefined]);
    const resume = await readTokenColumns(`${folder}/resume-zh.test.bmes.gz`, { token: 1 });
    expect(schemeOf(resume.tags)).toBe("bmes");
    expect(resume.tokens.every((own) => own.every((token) => Array.from(token).length === 1))).toBe(true);
  });
});

describeWithReferenceData("sentences with slots", "datasets/slots", (folder) => {
  test("ATIS", async () => {
    const atis = await readSentenceRows(`${folder}/atis.test.tsv.gz`, { tokens: 1, tags: 2, intent: 3 });
    expect([atis.tokens.length, atis.intents!.length, schemeOf(atis.tags)]).toEqual([893, 893, "iob2"]);
  });
});
