/**
 * Parts of the playground for pages of your own. Nothing is registered when it is imported.
 *
 * @module longshort/components
 */

export {
  CellElement,
  type CellGiven,
  type CellJoined,
  type CellLetter,
  type CellNodeEvent,
  defineCellDiagram,
} from "./cell.ts";
export { colorOf, inkOn, legendOf, type Scale, scaleOf } from "./color.ts";
export { formatNumber, formatPower, formatToken } from "./format.ts";
export { gateColor } from "./gate-color.ts";
export { defineGates, type GatesContent, GatesElement, type GatesWords } from "./gates.ts";
export { type Band, defineHeatMap, type HeatMapContent, HeatMapElement, type HeatMapPlace } from "./heat-map.ts";
export type { Series } from "./series-canvas.ts";
