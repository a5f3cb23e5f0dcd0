/** Milliseconds of a measurement: of one thread the processor's, which other programs disturb less than the clock's. */
export const spent = ({ medianMs, cpuMs }, threads) => (threads === 1 ? (cpuMs ?? medianMs) : medianMs);
