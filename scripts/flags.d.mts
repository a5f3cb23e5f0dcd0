/** V8 flags to start Node with, for full speed of WebAssembly. Empty when none applies. */
export function engineFlags(node?: { execPath?: string; version?: string }): string[];

/** Whether this process was started with every flag that {@link engineFlags} names. */
export function hasEngineFlags(): boolean;
