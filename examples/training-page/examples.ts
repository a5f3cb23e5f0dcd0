import type { Examples } from "longshort";

/** Lines `kind: text` as examples. @throws Error that names the line without a kind */
export function examplesOf(lines: string): Examples {
  const rows = lines.split("\n").flatMap((spaced, k) => {
    const line = spaced.trim();
    if (line === "") return [];
    const found = /^([^:]*[^:\s])\s*:\s*(.+)$/.exec(line);
    if (!found) throw new Error(`Line ${k + 1}: expected “kind: text”, got “${line}”.`);
    return [{ label: found[1]!, input: found[2]! }];
  });
  return { inputs: rows.map(({ input }) => input), labels: rows.map(({ label }) => label) };
}
