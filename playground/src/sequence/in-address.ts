import { among, countOf, unless } from "../address.ts";
import { SHIPPED_READERS, type Shipped } from "../models.ts";
import { FEATURES } from "./features.ts";
import { ORDERS } from "./order.ts";
import { type Pane, room } from "./pane.ts";

/** A longer text makes no address that can be passed on. */
const LONGEST = 1500;

const first = { ...room };

/** What an address asks of the room: `?model=text-gru&unit=3&step=20&cut=3`. @returns the model that is asked for */
export function takeRoom(asked: URLSearchParams): Shipped | undefined {
  for (const key of ["text", "series"] as const) {
    const said = asked.get(key);
    if (said) room[key] = said;
  }
  room.sort = among(asked.get("order"), ORDERS) ?? room.sort;
  if (asked.has("follow")) room.feature = among(asked.get("follow"), FEATURES);
  return among(asked.get("model"), SHIPPED_READERS);
}

/** What an address asks of the first model: where it is looked at, which units are cut and which gates held. */
export function takePlace(asked: URLSearchParams): Pane["asked"] {
  const [layer, unit, step] = ["layer", "unit", "step"].map((key) => countOf(asked.get(key)));
  return {
    ...{ layer, unit, step, value: asked.get("value") ?? undefined },
    cut: (asked.get("cut") ?? "").split(",").flatMap((part) => countOf(part) ?? []),
    hold: (asked.get("hold") ?? "").split(",").flatMap((part) => {
      const [, gate, value] = /^(\w+):([01])$/.exec(part) ?? [];
      return gate === undefined ? [] : [{ gate, value: Number(value) }];
    }),
  };
}

/** What an address says of the room. A file of one's own is not in it. */
export function roomInAddress(panes: readonly Pane[]): Readonly<Record<string, string | undefined>> {
  const [pane] = panes;
  const { place, cut, gates, layer, bands, source, moved } = pane!;
  if (source === "own") return {};
  const short = (key: "text" | "series"): string | undefined =>
    room[key].length <= LONGEST ? unless(room[key], first[key]) : undefined;
  return {
    model: unless(source, "text-lstm"),
    ...{ text: short("text"), series: short("series") },
    order: unless(room.sort, first.sort),
    follow: room.feature === first.feature ? undefined : (room.feature ?? "none"),
    cells: panes.length > 1 ? String(panes.length) : undefined,
    layer: layer > 0 ? String(layer) : undefined,
    ...(moved && { value: bands[place.band]?.name, unit: String(place.unit), step: String(place.step) }),
    cut: cut.size > 0 ? [...cut].join(",") : undefined,
    hold: gates.length > 0 ? gates.map(({ gate, value }) => `${gate}:${value}`).join(",") : undefined,
  };
}
