/** From measurements to the rows of the report. */
import { disagreement, median, spread } from "../dist/cli/bench/statistics.js";

/** Largest relative difference of results that count as the same; quantized weights are rounded differently by each. */
const AGREE = 1e-4;
const AGREE_INT8 = 2e-2;

/** What several processes measured of one system with one number of threads, as one. */
export function combine({ system, threads, results }) {
  const good = results.filter((r) => !r.error);
  if (good.length === 0) return { system, threads, error: results[0]?.error ?? "not measured" };
  const times = good.map((r) => r.medianMs);
  const numbers = (key) => good.map((r) => r[key]).filter((x) => typeof x === "number");
  return {
    ...{ system, threads, rounds: good.length, medianMs: median(times) },
    // Of one process there is only what it saw itself.
    spread: good.length > 1 ? spread(times) : (good[0].within ?? 0),
    cpuMs: numbers("cpuMs").length > 0 ? median(numbers("cpuMs")) : null,
    p99Ms: numbers("p99Ms").length > 0 ? median(numbers("p99Ms")) : null,
    first: good[0],
    limit: middleLimit(good),
  };
}

/** Of the limits that were measured beside each round that of the round whose share is in the middle. */
function middleLimit(results) {
  const all = results.map((r) => r.limit).filter((limit) => limit !== undefined);
  const middle = median(all.map(({ share }) => share));
  return all.find(({ share }) => share === middle);
}

/**
 * Rows of one case: for each number of our threads ours, then every peer at its best setting, its time over ours.
 *
 * @param {{ name: string, ours: object[], peers: { system: string, runs: object[], error?: string }[], int8?: boolean, about: object }} measured
 *   `ours` and `runs` as `combine` gives them; `error`: why a peer could not be installed
 */
export function rowsOf({ name, ours, peers, int8 = false, about }) {
  const rows = [];
  for (const own of ours) {
    const { threads } = own;
    const common = { case: name, threads, ...about };
    rows.push({
      ...common,
      system: "longshort",
      ...(own.error ? { error: own.error } : { ...times(own), ...facts(own) }),
    });
    for (const { system, runs, error } of peers) {
      const best = fastest(runs);
      if (!best) {
        rows.push({ ...common, system, error: error ?? runs[0]?.error ?? "not measured" });
        continue;
      }
      const difference = own.error ? undefined : disagreement(own.first.agree, best.first.agree);
      rows.push({
        ...{ ...common, system, peerThreads: best.threads, ...times(best) },
        ratio: own.error ? null : best.medianMs / own.medianMs,
        ...sameThreads(own, runs, best),
        agrees: difference === undefined ? null : difference <= (int8 ? AGREE_INT8 : AGREE),
        difference: difference ?? null,
        ...(best.first.note ? { note: best.first.note } : {}),
      });
    }
  }
  return rows;
}

/** The peer on as many threads as ours, where that is not its best setting and was measured as often. */
function sameThreads(own, runs, best) {
  const same = runs.find((run) => run.threads === own.threads && run !== best && run.rounds === best.rounds);
  if (!same || own.error) return {};
  return { sameThreadsMs: same.medianMs, sameThreadsRatio: same.medianMs / own.medianMs };
}

/** The setting of a peer with the shortest time; undefined when none worked. */
const fastest = (runs) => runs.filter((r) => !r.error).sort((a, b) => a.medianMs - b.medianMs)[0];

const times = ({ medianMs, cpuMs, p99Ms, spread: s, rounds, first }) => ({
  ...{ version: first.version, node: first.node ?? null, medianMs, cpuMs, spread: s, rounds },
  ...(p99Ms === null ? {} : { p99Ms }),
});

const facts = ({ first, limit }) => ({
  ...{ family: first.family, wide: first.wide },
  ...(first.bytes ? { bytes: first.bytes } : {}),
  ...(limit ?? {}),
});

/** Whether the command has failed: ours did, a peer that can be had did, or results differ. */
export const failed = (rows) => rows.some((row) => row.error !== undefined || row.agrees === false);
