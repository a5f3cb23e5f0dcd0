/** What the address says: `#/cell/lstm?step=5` is the room, what stands behind it, and what is looked at there. */
interface Address {
  readonly room: string;
  readonly rest: readonly string[];
  readonly asked: string;
}

/** Milliseconds after which what is looked at stands in the address; browsers refuse more than a few changes a second. */
const TELL_AFTER = 400;

export function readAddress(): Address {
  const [path = "", ...query] = location.hash.replace(/^#\/?/, "").split("?");
  const [room = "", ...rest] = path.split("/");
  return { room, rest, asked: query.join("?") };
}

let taken: string | undefined;
let telling = false;
let latest: (() => void) | undefined;

/** What the address asks of the room, once for each address; undefined when it asks for nothing new. */
export function takeAsked(): URLSearchParams | undefined {
  if (location.hash === taken) return undefined;
  taken = location.hash;
  latest = undefined;
  const { asked } = readAddress();
  return asked === "" ? undefined : new URLSearchParams(asked);
}

/**
 * Puts what is looked at into the address, so that it can be passed on; what is as at first is not named. It makes no step in the
 * history.
 *
 * @param path the room and what stands behind it
 */
export function tellAddress(
  path: string,
  state: Readonly<Record<string, string | readonly string[] | undefined>>,
): void {
  latest = () => {
    const said = Object.entries(state).flatMap(([key, value]) => [value ?? []].flat().map((one) => [key, one]));
    const query = new URLSearchParams(said).toString();
    const hash = `#/${path}${query && `?${query}`}`;
    const { room, rest } = readAddress();
    // Another room may have been gone to meanwhile.
    if (hash === location.hash || [room, ...rest].join("/") !== path) return;
    taken = hash;
    history.replaceState(history.state, "", hash);
  };
  if (telling) return;
  telling = true;
  setTimeout(() => {
    telling = false;
    latest?.();
    latest = undefined;
  }, TELL_AFTER);
}

/** A value for the address if it is another one than at first. */
export const unless = <T extends string | number>(value: T, first: T): string | undefined =>
  value === first ? undefined : String(value);

/** The value among those that there are; undefined for any other. */
export const among = <T extends string>(value: string | null, all: readonly T[]): T | undefined =>
  all.find((one) => one === value);

/** A whole number from 0; undefined for anything else. */
export const countOf = (value: string | null): number | undefined =>
  value !== null && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
