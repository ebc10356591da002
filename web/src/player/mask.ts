/** Masks of the picture as `background_segmentation` tells them: grids of cells over the whole picture; pure. */

import { numberOf, recordOf, textOf } from "../api/value";

export interface Mask {
  width: number;
  height: number;
  /** Row by row from the upper left. */
  cells: boolean[];
}

/** No grid of an analyser is as fine; a larger one is a mistake that must not fill the memory. */
const CELLS_MAX = 256 * 256;

/** From `value.mask`: `{width, height, bits}`, Base64, the first cell in the highest bit. */
export function maskOf(value: unknown): Mask | undefined {
  const mask = recordOf(recordOf(value).mask);
  const [width, height] = [numberOf(mask.width) ?? 0, numberOf(mask.height) ?? 0];
  const count = width * height;
  if (!Number.isInteger(count) || width < 1 || height < 1 || count > CELLS_MAX) return undefined;
  const bits = textOf(mask.bits);
  const cells = bits === undefined ? undefined : fromBits(bits, count);
  return cells && { width, height, cells };
}

function fromBits(bits: string, count: number): boolean[] | undefined {
  let bytes: string;
  try {
    bytes = atob(bits);
  } catch {
    return undefined;
  }
  if (bytes.length !== Math.ceil(count / 8)) return undefined;
  return Array.from({ length: count }, (_, at) => ((bytes.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1) === 1);
}

/** A path over the set cells in the source's pixels: one rectangle per run of a row. */
export function maskPath({ width, height, cells }: Mask, source: { width: number; height: number }): string {
  const [across, down] = [source.width / width, source.height / height];
  const parts: string[] = [];
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      if (!cells[row * width + column]) continue;
      const from = column;
      while (column < width && cells[row * width + column]) column += 1;
      parts.push(`M${round(from * across)} ${round(row * down)}h${round((column - from) * across)}v${round(down)}h${round((from - column) * across)}z`);
    }
  }
  return parts.join("");
}

/** The edges between set and other cells, as a path in the source's pixels. */
export function maskOutline({ width, height, cells }: Mask, source: { width: number; height: number }): string {
  const [across, down] = [source.width / width, source.height / height];
  const is = (column: number, row: number) => column >= 0 && row >= 0 && column < width && row < height && cells[row * width + column] === true;
  const parts: string[] = [];
  for (let row = 0; row <= height; row += 1) {
    for (let column = 0; column <= width; column += 1) {
      const [x, y] = [round(column * across), round(row * down)];
      if (is(column, row) !== is(column - 1, row)) parts.push(`M${x} ${y}v${round(down)}`);
      if (is(column, row) !== is(column, row - 1)) parts.push(`M${x} ${y}h${round(across)}`);
    }
  }
  return parts.join("");
}

function round(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}
