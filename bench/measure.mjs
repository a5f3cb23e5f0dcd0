/** Times something in this process: repeats it for about `seconds`, after a warm-up, and prints what the harness reads. */

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/**
 * @param {() => void} run One repetition, synchronous. @param {() => number[]} check Numbers that must agree between systems.
 * @param {{ seconds?: number, together?: number }} [options] `together`: repetitions a measurement, for very short ones.
 */
export async function measure(run, check, { seconds = 3, together = 1, version = process.version, more = {} } = {}) {
  const agree = await check();
  const start = performance.now();
  while (performance.now() - start < 400) for (let k = 0; k < together; k++) await run();
  const [wall, cpu] = [[], []];
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000 || wall.length < 5) {
    const before = process.cpuUsage();
    const at = performance.now();
    for (let k = 0; k < together; k++) await run();
    wall.push((performance.now() - at) / together);
    const used = process.cpuUsage(before);
    cpu.push((used.user + used.system) / 1000 / together);
  }
  const sorted = [...wall].sort((a, b) => a - b);
  const result = {
    ...{
      medianMs: median(wall),
      cpuMs: median(cpu),
      count: wall.length,
      version,
      node: process.version,
      agree,
      ...more,
    },
    ...{ p99Ms: sorted[Math.floor(sorted.length * 0.99)], fastestMs: sorted[0] },
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}
