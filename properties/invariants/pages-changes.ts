/** Where a step changed what maps say about addresses. */
import type { EntrySnapshot, MapName } from '../../contract/vm-map.ts';
import { isMapCell, mapOfCell } from '../cells.ts';
import type { View } from '../view.ts';
import { type ChangedEntries, changedEntries } from './map-changed.ts';
import { overlay } from './overlay.ts';
import { sameBacking } from './phrase.ts';

/** A range of a map that was and is under one entry each; null: not allocated. */
export interface MapPiece {
  readonly map: MapName;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly was: EntrySnapshot | null;
  readonly is: EntrySnapshot | null;
}

/** Several invariants ask for the same changes after each step: the last answer is kept. */
let kept: {
  readonly view: View;
  readonly touched: View['touched'];
  readonly pieces: readonly MapPiece[];
} | null = null;

/**
 * Pieces of all maps that the last step allocated or freed, or whose backing, protection or wired count it changed.
 * A null object that becomes an anonymous one counts; a clip or a merge of equal entries does not.
 */
export function mapChanges(view: View): readonly MapPiece[] {
  // A view that goes along with its kernel lists the touched cells of each step in a fresh array.
  if (kept !== null && kept.view === view && kept.touched === view.touched) return kept.pieces;
  const pieces: MapPiece[] = [];
  for (const cell of view.touched) {
    if (!isMapCell(cell)) continue;
    const map = mapOfCell(cell);
    addDifferingPieces(pieces, map, changedEntries(view.before(cell), view.maps.get(map) ?? null));
  }
  kept = { view, touched: view.touched, pieces };
  return pieces;
}

function addDifferingPieces(pieces: MapPiece[], map: MapName, { before, after }: ChangedEntries): void {
  if (before.length === 0 && after.length === 0) return;
  overlay(before, after, (start, end, was, is) => {
    if (start < end && differs(was, is)) pieces.push({ map, start, end, was, is });
  });
}

function differs(was: EntrySnapshot | null, is: EntrySnapshot | null): boolean {
  if (was === null || is === null) return was !== is;
  return was.wiredCount !== is.wiredCount || was.protection !== is.protection || !sameBacking(was, is);
}

/** True when the step may have changed what maps say of any address. */
export const changedMaps = (view: View): boolean =>
  view.touchedMaps.length > 0 && mapChanges(view).length > 0;
/** True when the step may have changed a page. */
export const touchedPages = ({ touchedObjects }: View): boolean => touchedObjects.length > 0;
/** True when the step touched a map that exists now. */
export const touchesMaps = ({ touchedMaps }: View): boolean => touchedMaps.length > 0;
