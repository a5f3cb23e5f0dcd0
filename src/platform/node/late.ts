/*
 * Modules of Node that few programs need and that take milliseconds to load: gotten when they are first used.
 */

export const zlib = () => process.getBuiltinModule("node:zlib");
export const streams = () => process.getBuiltinModule("node:stream");
export const threads = () => process.getBuiltinModule("node:worker_threads");
export const programs = () => process.getBuiltinModule("node:child_process");
export const hashes = () => process.getBuiltinModule("node:crypto");
