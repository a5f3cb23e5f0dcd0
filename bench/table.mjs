/** Rows as text: one line each while they are measured, and a table for the README. */

/** A time in the unit that suits it. */
export function time(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${digits(ms * 1000)} µs`;
  return ms < 10_000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`;
}
/** Three digits that count, without an exponent. */
const digits = (value) => Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 3 });
const threads = (count) => `${count} thread${count === 1 ? "" : "s"}`;
const percent = (part) => `${(100 * part).toFixed(0)} %`;

/** One row in one line. */
export function sayRow(row) {
  const own = row.system === "longshort";
  const head = `${row.case.padEnd(18)} ${`${row.system}${own ? `, ${threads(row.threads)}` : ""}`.padEnd(22)}`;
  if (row.error) return `${head} ERROR ${row.error}`;
  if (row.points) return `${head} ${row.summary}`;
  const parts = [time(row.medianMs), `cpu ${time(row.cpuMs)}`, `spread ${percent(row.spread)}`];
  if (row.p99Ms) parts.push(`p99 ${time(row.p99Ms)}`);
  if (row.gflops)
    parts.push(`${row.gflops.toFixed(0)} GFLOP/s, ${percent(row.share)} of ${row.limitGflops.toFixed(0)}`);
  if (row.timesBound) parts.push(`${row.timesBound.toFixed(2)} × the bound ${time(row.boundMs)}`);
  if (row.bundleBytes) parts.push(`bundle ${kilobytes(row.bundleBrotliBytes)} brotli`);
  if (own) return `${head} ${parts.join(", ")}`;
  const ratio = row.ratio === null ? "no ratio" : `ratio ${row.ratio.toFixed(2)} to ours on ${threads(row.threads)}`;
  const same = row.sameThreadsRatio
    ? `; on ${threads(row.threads)} like ours ${time(row.sameThreadsMs)} → ${row.sameThreadsRatio.toFixed(2)}`
    : "";
  const differs = row.agrees === false ? `  RESULTS DIFFER by ${row.difference.toExponential(1)}` : "";
  return `${head} ${parts.join(", ")}, on ${threads(row.peerThreads)} → ${ratio}${same}${differs}`;
}
export const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

/** Rows of a report by case and number of our threads, in their order. */
export function byCase(rows) {
  const cases = new Map();
  for (const row of rows) {
    const one = cases.get(row.case) ?? { name: row.case, ours: new Map(), peers: new Map() };
    if (row.system === "longshort") one.ours.set(row.threads, row);
    else one.peers.set(row.system, [...(one.peers.get(row.system) ?? []), row]);
    cases.set(row.case, one);
  }
  return [...cases.values()];
}

/** A Markdown table: a line a case and peer; how near our fewest threads come to their limit, how many times faster we are on each number, and with one thread each. */
export function markdown(rows) {
  const measured = byCase(rows.filter((row) => !row.points));
  const counts = [...new Set(rows.filter((r) => r.system === "longshort").map((r) => r.threads))].sort((a, b) => a - b);
  const lines = measured.flatMap(({ name, ours, peers }) => {
    const own = [...counts.map((count) => cell(ours.get(count))), share(ours.get(counts[0]))];
    if (peers.size === 0) return [[`\`${name}\``, ...own, "", "", ...counts.map(() => ""), ""]];
    return [...peers].map(([system, [first, ...more]], k) => {
      const all = [first, ...more];
      const ratio = (count) => all.find((row) => row.threads === count)?.ratio;
      const theirs = first.error
        ? [first.error, ...counts.map(() => ""), ""]
        : [cell(first), ...counts.map(ratio).map(times), times(oneThreadEach(all))];
      return [...(k === 0 ? [`\`${name}\``, ...own] : ["", ...own.map(() => "")]), system, ...theirs];
    });
  });
  const head = [
    "case",
    ...counts.map((count) => `ours, ${threads(count)}`),
    ...["of the limit", "beside", "its best"],
    ...counts.map((count) => `ratio, ${threads(count)}`),
    "one thread each",
  ];
  return [head, head.map((_, k) => (k === 0 || k === counts.length + 2 ? "---" : "--:")), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** The peer on one thread over ours on one; undefined where that was not measured. */
function oneThreadEach(rows) {
  const row = rows.find((one) => one.threads === 1);
  return row?.peerThreads === 1 ? row.ratio : row?.sameThreadsRatio;
}

const share = (row) => (row?.share ? percent(row.share) : "–");
const times = (ratio) => (ratio ? `${ratio.toFixed(2)} ×` : "–");
const cell = (row) => (row === undefined || row.error ? "–" : time(row.medianMs));
