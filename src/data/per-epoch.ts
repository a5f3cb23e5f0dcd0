/** What `make` gives for an epoch, made again only when another epoch is asked for. */
export function perEpoch<T>(make: (epoch: number) => T): (epoch: number) => T {
  let known: { readonly epoch: number; readonly made: T } | undefined;
  return (epoch) => {
    if (known?.epoch !== epoch) known = { epoch, made: make(epoch) };
    return known.made;
  };
}
