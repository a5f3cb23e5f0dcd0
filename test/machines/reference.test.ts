import { openReference } from "../../src/compute/reference/machine.ts";
import { conformance } from "./conformance.ts";

conformance({ name: "reference", open: async () => openReference(), tolerance: 1e-13, skips: {} });
