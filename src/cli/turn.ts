/** Lets what was written go out, and Ctrl-C come in: machines compute in this thread. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
