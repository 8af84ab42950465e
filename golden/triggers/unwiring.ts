/** Triggers of giving wired pages up: DEV-6, DEV-18. */
import { isPageAligned, objectOffset, type VirtualAddress } from '../../contract/address.ts';
import type { ModelState, VmObject, VmPage } from '../../model/state.ts';
import { deletedRange } from './removals.ts';
import {
  entryAt,
  freesPages,
  type Piece,
  pagesOf,
  piecesIn,
  rangeToChange,
  residentPages,
  type Situation,
  type Trigger,
} from './situation.ts';

/** DEV-6: the 16-bit count of a page that nobody had wired wrapped to 65535. */
export const countWrap: Trigger = (situation) => (outcomeOf(situation).wrapped ? 'stop' : null);

/** DEV-18: a resident page without a page-table record stopped the machine. */
export const missingRecord: Trigger = (situation) => (outcomeOf(situation).unmapped ? 'stop' : null);

interface UnwiringOutcome {
  /** A page loses a wiring that it does not have, and outlives the operation. */
  readonly wrapped: boolean;
  /** A resident page has no record. */
  readonly unmapped: boolean;
}

const NOTHING: UnwiringOutcome = { wrapped: false, unmapped: false };

function outcomeOf(situation: Situation): UnwiringOutcome {
  const deleted = deletedRange(situation);
  const pieces = deleted === null ? unwiredPieces(situation) : piecesIn(deleted);
  return pieces.length === 0 ? NOTHING : follow(situation.state, pieces, deleted !== null);
}

/** The pieces that a successful unwiring call leaves unwired. */
function unwiredPieces(situation: Situation): Piece[] {
  const { operation } = situation;
  if (operation.kind !== 'vm_map_pageable' || !operation.pageable) return [];
  const range = rangeToChange(situation);
  if (range === null || !isPageAligned(range.start) || !isPageAligned(range.end)) return [];
  if (entryAt(range.map, range.start) === undefined) return [];
  const pieces = piecesIn(range);
  const whole = pieces.every(({ entry, end }, index) => {
    const next = pieces[index + 1];
    return entry.wiredCount > 0 && (next === undefined ? end === range.end : next.start === end);
  });
  return whole ? pieces.filter(({ entry }) => entry.wiredCount === 1) : [];
}

/** Goes through the pieces as fault_unwire and page_remove would, page by page, without touching the state. */
function follow(state: ModelState, pieces: readonly Piece[], deleting: boolean): UnwiringOutcome {
  const counts = new Map<VmPage, number>();
  const wrapped = new Set<VmPage>();
  const freed = new Set<VmPage>();
  for (const piece of pieces) {
    for (const va of piece.entry.wiredCount > 0 ? pagesOf(piece) : []) {
      const mapped = recordedPage(state, va);
      if (mapped === undefined || freed.has(mapped)) {
        const resident = residentPage(piece, va);
        // Without a page both machines stop here with the same text.
        if (resident === undefined || freed.has(resident)) return NOTHING;
        return { wrapped: wrapped.size > 0, unmapped: true };
      }
      const count = counts.get(mapped) ?? mapped.wireCount;
      if (count === 0) wrapped.add(mapped);
      else counts.set(mapped, count - 1);
    }
    const { object } = piece.entry;
    if (deleting && freesPages(state, object))
      for (const page of residentPages(object, piece.offset, piece.length)) freed.add(page);
  }
  const dying = deleting ? orphans(state, pieces) : [];
  for (const object of dying) for (const page of object.pages) freed.add(page);
  return { wrapped: [...wrapped].some((page) => !freed.has(page)), unmapped: false };
}

/** Anonymous objects that only entries deleted as a whole name: they go with all their pages (OBJ-3). */
function orphans(state: ModelState, pieces: readonly Piece[]): VmObject[] {
  const deleted = pieces
    .filter(({ entry, start, end }) => entry.start === start && entry.end === end)
    .map(({ entry }) => entry);
  const kept = state.maps.flatMap(({ entries }) => entries).filter((entry) => !deleted.includes(entry));
  return state.objects.filter(
    (object) =>
      object.baseReferences === 0 &&
      deleted.some((entry) => entry.object === object) &&
      !kept.some((entry) => entry.object === object),
  );
}

/** The page behind an address's page-table record, usable or not. */
function recordedPage(state: ModelState, va: VirtualAddress): VmPage | undefined {
  const frame = state.mappings.get(va)?.frame;
  if (frame === undefined) return undefined;
  for (const object of state.objects) {
    const page = object.pages.find((candidate) => candidate.frame === frame);
    if (page !== undefined) return page;
  }
  return undefined;
}

function residentPage({ entry, start, offset }: Piece, va: VirtualAddress): VmPage | undefined {
  const wanted = objectOffset(offset + (va - start));
  return entry.object?.pages.find((page) => page.offset === wanted);
}
