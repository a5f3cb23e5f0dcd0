/*
 * Modules of Node, gotten when they are first used: what few programs need takes milliseconds to load. Of the file system that is every
 * `import` of it, which loads its half with promises and the streams that this is made of.
 */

export const fs = () => process.getBuiltinModule("node:fs");
export const os = () => process.getBuiltinModule("node:os");
export const paths = () => process.getBuiltinModule("node:path");
export const urls = () => process.getBuiltinModule("node:url");
export const modules = () => process.getBuiltinModule("node:module");
export const zlib = () => process.getBuiltinModule("node:zlib");
export const streams = () => process.getBuiltinModule("node:stream");
export const threads = () => process.getBuiltinModule("node:worker_threads");
export const programs = () => process.getBuiltinModule("node:child_process");
export const hashes = () => process.getBuiltinModule("node:crypto");
