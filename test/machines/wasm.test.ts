import { openWasm } from "../../src/compute/wasm/machine.ts";
import { conformance } from "./conformance.ts";

const held = { tolerance: 2e-6, skips: {} };
conformance({ name: "wasm", open: () => openWasm(), ...held });
// The same machine where the host has no fused multiply-add.
conformance({ name: "wasm, portable arithmetic", open: () => openWasm({ fused: false }), ...held });
// Every launch that can be shared is shared, however small, in the tiles of an engine that joins vectors.
const all = { launch: 0, plan: 0 };
conformance({ name: "wasm, three threads, wide", open: () => openWasm({ threads: 3, wide: true }, all), ...held });
