/** What a step may do to the meaning of addresses, by the operation it answers and how it ended. */
import { PAGE_SIZE } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { KERN_SUCCESS, type Outcome } from '../../contract/outcome.ts';
import type { ObjectSnapshot } from '../../contract/vm-object.ts';
import type { View } from '../view.ts';
import { mapChanges } from './pages-changes.ts';
import { freedPages, isFreeing, type Range, requestLength } from './ranges.ts';

export interface Effect {
  /** Where the step may change what addresses mean; null: nowhere. */
  readonly range: Range | null;
  /** True if in that range nothing but wired counts may change. */
  readonly wires: boolean;
  /** True if null entries anywhere may get their anonymous object. */
  readonly givesObjects: boolean;
}

/** The effect that a step is entitled to; a failed operation is entitled to none on any range. */
export function effectOf(view: View): Effect {
  const { subject, step } = view;
  const wires = subject?.kind === 'vm_map_pageable';
  const range = step === null || subject === null ? null : rangeOf(view, subject, step.outcome);
  return { range, wires, givesObjects: subject !== null && faults(subject) };
}

function rangeOf(view: View, subject: Operation, outcome: Outcome): Range | null {
  switch (outcome.kind) {
    case 'sleep':
      return view.transitions.find(({ operation }) => operation === view.subjectNumber) ?? null;
    case 'address':
      return allocatedRange(subject, outcome.address);
    case 'submap':
      return subject.kind === 'kmem_suballoc'
        ? { map: subject.parent, start: outcome.min, end: outcome.max }
        : null;
    case 'done':
    case 'flag':
      return isFreeing(subject)
        ? { map: subject.map, ...freedPages(subject) }
        : directoryRange(view, subject);
    case 'kern':
      return outcome.code === KERN_SUCCESS ? changedRange(subject, outcome.address) : null;
    default:
      return null;
  }
}

/** The page of kernel_map that a pmap's directory takes, or leaves. */
export function directoryRange(view: View, subject: Operation): Range | null {
  if (!MAKES_DIRECTORIES.has(subject.kind)) return null;
  const held = view.before('transitions').find(({ operation }) => operation === view.subjectNumber);
  if (held !== undefined) return held;
  const offsets = (object: ObjectSnapshot | null | undefined): number[] =>
    object?.pages.map(({ offset }) => offset) ?? [];
  const [before, after] = [offsets(view.objectBefore('kernel')), offsets(view.objects.get('kernel'))];
  const changed = [
    ...after.filter((offset) => !before.includes(offset)),
    ...before.filter((offset) => !after.includes(offset)),
  ];
  const [offset] = changed;
  if (offset === undefined) return pageWired(view);
  const start = view.machine.kernelMin + offset;
  return { map: 'kernel', start, end: start + PAGE_SIZE };
}

/** The page that the step wired, where it is the only one: a directory that slept before its wiring holds no range. */
function pageWired(view: View): Range | null {
  const [piece, ...others] = mapChanges(view);
  if (piece === undefined || others.length > 0 || piece.map !== 'kernel') return null;
  const { start, end, was, is } = piece;
  const isOne =
    end - start === PAGE_SIZE && is !== null && was !== null && is.wiredCount === was.wiredCount + 1;
  return isOne ? { map: 'kernel', start, end } : null;
}

const MAKES_DIRECTORIES: ReadonlySet<Operation['kind']> = new Set([
  'pmap_create',
  'pmap_pinit',
  'pmap_destroy',
  'pmap_release',
]);

function allocatedRange(subject: Operation, start: number): Range | null {
  switch (subject.kind) {
    case 'kmem_alloc_pageable':
    case 'kmem_alloc':
    case 'kmem_malloc':
    case 'kmem_alloc_wait':
      return { map: subject.map, start, end: start + (requestLength(subject.size) ?? 0) };
    default:
      return null;
  }
}

function changedRange(subject: Operation, found: number | undefined): Range | null {
  switch (subject.kind) {
    case 'vm_map_insert':
    case 'vm_map_submap':
    case 'vm_map_protect':
    case 'vm_map_inherit':
    case 'vm_map_pageable':
    case 'vm_map_remove':
    case 'vm_map_delete':
      return { map: subject.map, start: subject.start, end: subject.end };
    case 'vm_map_find': {
      const start = found ?? subject.address;
      return { map: subject.map, start, end: start + subject.length };
    }
    default:
      return null;
  }
}

/** Whether an operation may fault pages in, or prepare to, and so give entries their objects. */
function faults(subject: Operation): boolean {
  switch (subject.kind) {
    case 'vm_fault':
    case 'checked_read':
    case 'checked_write':
    case 'cpu_read':
    case 'cpu_write':
      return true;
    case 'vm_map_pageable':
      return !subject.pageable;
    default:
      return false;
  }
}
