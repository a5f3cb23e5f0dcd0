/**
 * Parts of the playground for pages of your own. Nothing is registered when it is imported.
 *
 * @module longshort/components
 */

export {
  CellElement,
  type CellEvents,
  type CellGiven,
  type CellJoined,
  type CellLetter,
  type CellNodeEvent,
  defineCellDiagram,
} from "./cell.ts";
export { colorOf, inkOn, legendOf, type Scale, scaleOf } from "./color.ts";
export type { ElementWith } from "./element.ts";
export { formatNumber, formatPower, formatToken } from "./format.ts";
export { gateColor } from "./gate-color.ts";
export { defineGates, type GatesContent, GatesElement, type GatesWords } from "./gates.ts";
export {
  type Band,
  defineHeatMap,
  type HeatMapContent,
  HeatMapElement,
  type HeatMapPlace,
  type PlaceEvents,
} from "./heat-map.ts";
export type { Series } from "./series-canvas.ts";
