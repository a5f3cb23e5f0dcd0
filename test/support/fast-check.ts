import { createRequire } from "node:module";
import type fastCheck from "fast-check";

// vitest.config.ts puts this in the place of fast-check. The same examples in every run: what passed here passes wherever the change is
// judged. `LONGSHORT_TEST_SEED=random npm test` looks for new ones.

const fc: typeof fastCheck = createRequire(import.meta.url)("fast-check");
const { LONGSHORT_TEST_SEED: seed = "1" } = process.env;
if (seed !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });

// biome-ignore lint/style/noDefaultExport: as fast-check has one.
export default fc;
