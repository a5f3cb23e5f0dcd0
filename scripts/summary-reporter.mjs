/**
 * A vitest reporter that counts results and writes them, with the reason of every skipped test, to the file that
 * LONGSHORT_TEST_SUMMARY names. `scripts/test.mjs` prints them after vitest has ended, so that they are the last lines.
 */
import { writeFileSync } from "node:fs";

/** A skip says why with `context.skip("reason")`, or in a title: "skipped: why", "needs what". */
function reasonOf(test) {
  return test.result().note ?? /(?:skipped: |\b(?=needs ))(.*)$/.exec(test.fullName)?.[1];
}

export default class SummaryReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const summary = { passed: 0, skipped: [], failures: [] };
    const fail = (name) => summary.failures.push(name);
    for (const module of modules) {
      let counted = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        if (state === "passed") summary.passed++;
        else if (state === "skipped" && reasonOf(test)) summary.skipped.push({ name, reason: reasonOf(test) });
        else if (state === "skipped") fail(`${name} (skipped without a reason: call context.skip(reason))`);
        else fail(name);
        if (state === "failed") counted++;
      }
      // A file that does not load, or a hook that throws, has no failed test to be counted by.
      if (counted === 0 && module.state() === "failed") fail(module.relativeModuleId);
    }
    for (const error of unhandledErrors) fail(`unhandled error: ${error.message}`);
    const file = process.env.LONGSHORT_TEST_SUMMARY;
    if (file) writeFileSync(file, JSON.stringify(summary));
  }
}
