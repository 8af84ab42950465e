/** What failed operations may leave behind: clips and references of clips, empty objects, a rotated free queue. */
import type { Operation } from '../../contract/operation.ts';
import type { CellName } from '../../contract/snapshot.ts';
import type { MapName } from '../../contract/vm-map.ts';
import type { ObjectName } from '../../contract/vm-object.ts';
import { isMapCell, isObjectCell, mapOfCell, objectOfCell, readCell } from '../cells.ts';
import type { View } from '../view.ts';
import { sameMembers, sameValue } from './changes.ts';

/**
 * How a changed cell goes beyond the residue of the failed operation; null: it does not. What addresses of a map
 * mean is left to INV-MAP-CLIPNEUTRAL.
 */
export function beyondResidue(view: View, cell: CellName): string | null {
  const allowed = view.step?.outcome.kind !== 'rejected' && isResidue(view, cell);
  if (allowed) return null;
  return `${cell} went from ${JSON.stringify(view.before(cell))} to ${JSON.stringify(readCell(view, cell))}`;
}

function isResidue(view: View, cell: CellName): boolean {
  const { subject } = view;
  if (cell === 'sched') return hasOnlyReturned(view);
  if (cell === 'queue:free')
    return subject?.kind === 'kmem_malloc' && sameMembers(view.before(cell), view.queues.free);
  if (!leavesClips(subject)) return false;
  if (isMapCell(cell)) return isOnlyClipped(view, mapOfCell(cell));
  if (isObjectCell(cell)) return isOnlyReferenced(view, objectOfCell(cell));
  return cell === 'pools' && hasOnlyTakenEntries(view);
}

/** Protect, wire and unwire clip before the check that fails (MAP-CLIP-4). */
const leavesClips = (subject: Operation | null): boolean =>
  subject?.kind === 'vm_map_protect' || subject?.kind === 'vm_map_pageable';

function isOnlyClipped(view: View, name: MapName): boolean {
  const was = view.mapBefore(name);
  const now = view.maps.get(name);
  if (was === null || now === undefined) return false;
  const { entries, entryCount, references } = was;
  return (
    now.references >= references &&
    now.entryCount >= entryCount &&
    sameValue({ ...now, entries, entryCount, references }, was)
  );
}

/** Pieces of a clipped entry hold references; only a wire makes new objects, and leaves them empty. */
function isOnlyReferenced(view: View, name: ObjectName): boolean {
  const was = view.objectBefore(name);
  const now = view.objects.get(name);
  if (now === undefined) return false;
  if (was === null) return isWire(view.subject) && now.pages.length === 0;
  return now.references >= was.references && sameValue({ ...now, references: was.references }, was);
}

const isWire = (subject: Operation | null): boolean =>
  subject?.kind === 'vm_map_pageable' && !subject.pageable;

function hasOnlyTakenEntries(view: View): boolean {
  const was = view.before('pools');
  const { pools } = view;
  if (pools.freeMaps !== was.freeMaps) return false;
  return was.freeEntries === null ? pools.freeEntries === null : Number(pools.freeEntries) <= was.freeEntries;
}

/** Nothing happened to sleepers but that a resumed operation left the runnable ones. */
function hasOnlyReturned(view: View): boolean {
  const resumed = view.step?.resumed;
  const was = view.before('sched');
  const runnable = was.runnable.filter((operation) => operation !== resumed);
  return resumed !== undefined && sameValue(view.sched, { asleep: was.asleep, runnable });
}
