/** Goals about mappings: rights taken and given back, reference and modified bits, frames mapped directly. */
import { PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import { permits, VM_PROT_READ } from '../contract/protection.ts';
import { entryAt, FREES, type Goal, mapBefore, pageOf, succeeded, when } from './goals-goal.ts';
import type { View } from './view.ts';

const ENTERS = ['pmap_enter', 'pmap_kenter'] as const;

const mappedBefore = (view: View, at: number) => view.before(`mapping:${pageOf(at)}`);
const mappedNow = (view: View, at: number) => view.mappings.get(pageOf(at));

const rights: readonly Goal[] = [
  when(
    'wired-loses-read',
    'Wired memory loses READ and its mappings with it (MAP-PROT-5).',
    ['vm_map_protect'],
    ({ view, operation, outcome }) => {
      const entry = entryAt(view.maps.get(operation.map), operation.start);
      if (!succeeded(outcome) || entry === undefined || entry.wiredCount === 0) return false;
      return mappedBefore(view, operation.start) !== null && mappedNow(view, operation.start) === undefined;
    },
  ),
  when(
    'wired-read-restored',
    'Wired memory that had lost READ is mapped wired again by a fault (MAP-PROT-5).',
    ['vm_fault', 'checked_read', 'checked_write', 'cpu_read', 'cpu_write'],
    ({ view, operation }) => {
      const now = mappedNow(view, operation.address);
      return now?.wired === true && mappedBefore(view, operation.address) === null;
    },
    { needs: ['vm_map_protect'] },
  ),
  when(
    'unmapped-wired-freed',
    'Wired memory without mappings is freed (DEV-18).',
    FREES,
    ({ view, operation }) => {
      const at = 'start' in operation ? operation.start : operation.address;
      const before = entryAt(mapBefore(view, operation.map), at);
      const gone = before !== undefined && entryAt(view.maps.get(operation.map), at) === undefined;
      return (
        gone &&
        before.wiredCount > 0 &&
        !permits(before.protection, VM_PROT_READ) &&
        mappedBefore(view, at) === null
      );
    },
  ),
  when(
    'write-right-removed',
    'A writable mapping becomes read-only.',
    ['vm_map_protect'],
    ({ view, operation }) =>
      mappedBefore(view, operation.start)?.writable === true &&
      mappedNow(view, operation.start)?.writable === false,
  ),
  when(
    'rights-raised-by-fault',
    'A fault raises the rights of a mapping that protect left low (Q-11).',
    ['vm_fault', 'checked_write'],
    ({ view, operation }) =>
      mappedBefore(view, operation.address)?.writable === false &&
      mappedNow(view, operation.address)?.writable === true,
  ),
  when(
    'supervisor-write-to-read-only',
    'The CPU writes through a read-only mapping (Q-13).',
    ['cpu_write'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'done' && mappedBefore(view, operation.address)?.writable === false,
  ),
  when(
    'access-crosses-pages',
    'One CPU access crosses a page boundary.',
    ['cpu_read', 'cpu_write'],
    ({ operation, outcome }) => {
      const length = operation.kind === 'cpu_read' ? operation.length : operation.bytes.length;
      const first = operation.address % PAGE_SIZE;
      return (outcome.kind === 'done' || outcome.kind === 'bytes') && first + length > PAGE_SIZE;
    },
  ),
  when(
    'trap-on-second-page',
    'A CPU access traps on its second page (CPU-7).',
    ['cpu_read', 'cpu_write'],
    ({ operation, outcome }) => outcome.kind === 'trap' && outcome.address > operation.address,
  ),
];

const bits: readonly Goal[] = [
  ...([true, false] as const).flatMap((value) => [
    when(
      `modified-${value}`,
      `pmap_is_modified answers ${value} for a mapped frame.`,
      ['pmap_is_modified'],
      ({ view, operation, outcome }) =>
        outcome.kind === 'flag' && outcome.value === value && view.pv.has(operation.frame),
    ),
    when(
      `referenced-${value}`,
      `pmap_is_referenced answers ${value} for a mapped frame.`,
      ['pmap_is_referenced'],
      ({ view, operation, outcome }) =>
        outcome.kind === 'flag' && outcome.value === value && view.pv.has(operation.frame),
    ),
  ]),
  when(
    'modified-cleared',
    'pmap_clear_modify clears a bit that was set.',
    ['pmap_clear_modify'],
    ({ view }) =>
      view.touchedMappings.some(
        (at) => mappedBefore(view, at)?.dirty === true && mappedNow(view, at)?.dirty === false,
      ),
  ),
  when(
    'referenced-cleared',
    'pmap_clear_reference clears a bit that was set.',
    ['pmap_clear_reference'],
    ({ view }) =>
      view.touchedMappings.some(
        (at) => mappedBefore(view, at)?.accessed === true && mappedNow(view, at)?.accessed === false,
      ),
  ),
  when(
    'unwired-marked-modified',
    'Unwiring a clean mapping marks it modified (Q-9).',
    ['vm_map_pageable', 'pmap_change_wiring'],
    ({ view }) =>
      view.touchedMappings.some(
        (at) => mappedBefore(view, at)?.dirty === false && mappedNow(view, at)?.dirty === true,
      ),
  ),
];

const isDevice = (view: View, frame: number): boolean => frame >= view.machine.managedPages;

const direct: readonly Goal[] = [
  when(
    'frame-mapped-twice',
    'One frame is mapped at two addresses.',
    ENTERS,
    ({ view, operation }) => (view.pv.get(operation.frame)?.length ?? 0) > 1,
  ),
  when(
    'device-frame-mapped',
    'A device frame is mapped (DEV-25).',
    ENTERS,
    ({ view, operation, outcome }) =>
      outcome.kind === 'done' &&
      isDevice(view, operation.frame) &&
      mappedNow(view, operation.address)?.frame === operation.frame,
  ),
  when(
    'device-frame-unmapped',
    'The mapping of a device frame is removed (DEV-22).',
    ['pmap_remove'],
    ({ view }) =>
      view.touchedMappings.some((at) => {
        const before = mappedBefore(view, at);
        return before !== null && isDevice(view, before.frame) && mappedNow(view, at) === undefined;
      }),
  ),
  when(
    'mapping-replaced',
    'A mapping is replaced by one of another frame (PMAP-ENTER-4).',
    ENTERS,
    ({ view, operation, outcome }) => {
      const before = mappedBefore(view, operation.address);
      const now = mappedNow(view, operation.address);
      return outcome.kind === 'done' && before !== null && now !== undefined && before.frame !== now.frame;
    },
  ),
  when(
    'mapping-changed-in-place',
    'A mapping of the same frame keeps its modified bit while its rights change (DEV-24).',
    ENTERS,
    ({ view, operation }) => {
      const before = mappedBefore(view, operation.address);
      const now = mappedNow(view, operation.address);
      return (
        before?.dirty === true && before.frame === operation.frame && now?.frame === before.frame && now.dirty
      );
    },
  ),
  when(
    'entered-without-read',
    'pmap_enter without READ gives no access (DEV-19).',
    ['pmap_enter'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'done' &&
      !permits(operation.protection, VM_PROT_READ) &&
      mappedNow(view, operation.address) === undefined,
  ),
  when(
    'page-protect-removes-all',
    'pmap_page_protect takes a frame out of several mappings at once.',
    ['pmap_page_protect'],
    ({ view, operation }) =>
      view.before(`pv:${operation.frame}`).length > 1 && (view.pv.get(operation.frame)?.length ?? 0) === 0,
  ),
  when(
    'page-protect-lowers',
    'pmap_page_protect makes writable mappings read-only.',
    ['pmap_page_protect'],
    ({ view }) =>
      view.touchedMappings.some(
        (at) => mappedBefore(view, at)?.writable === true && mappedNow(view, at)?.writable === false,
      ),
  ),
  when(
    'protect-range-lowers',
    'pmap_protect makes writable mappings read-only.',
    ['pmap_protect'],
    ({ view }) =>
      view.touchedMappings.some(
        (at) => mappedBefore(view, at)?.writable === true && mappedNow(view, at)?.writable === false,
      ),
  ),
  when(
    'wiring-of-nothing',
    'pmap_change_wiring of an absent mapping changes nothing (DEV-21).',
    ['pmap_change_wiring'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'done' &&
      mappedBefore(view, operation.address) === null &&
      mappedNow(view, operation.address) === undefined,
  ),
  when(
    'wiring-changed',
    'pmap_change_wiring changes whether a mapping is wired.',
    ['pmap_change_wiring'],
    ({ view, operation }) => {
      const before = mappedBefore(view, operation.address);
      const now = mappedNow(view, operation.address);
      return before !== null && now !== undefined && before.wired !== now.wired;
    },
  ),
  when(
    'extract-none',
    'pmap_extract answers nothing where a page table exists but no mapping (DEV-20).',
    ['pmap_extract'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'none' &&
      operation.address >= view.machine.kernelMin &&
      operation.address < view.machine.kernelMax,
  ),
  when(
    'extract-found',
    'pmap_extract finds a mapping.',
    ['pmap_extract'],
    ({ outcome }) => outcome.kind === 'frame',
  ),
  when(
    'scratch-across-line',
    'A range of direct mappings on both sides of a 4 MiB line is removed.',
    ['pmap_remove'],
    ({ view, operation }) => {
      const { start, end } = operation;
      if (Math.floor(start / PDE_SPAN) === Math.floor((end - 1) / PDE_SPAN)) return false;
      const line = Math.floor((end - 1) / PDE_SPAN) * PDE_SPAN;
      const gone = view.touchedMappings.filter(
        (at) => mappedBefore(view, at) !== null && mappedNow(view, at) === undefined,
      );
      return gone.some((at) => at < line) && gone.some((at) => at >= line);
    },
  ),
  when(
    'scratch-page-copied',
    'pmap_copy_page copies one frame to another that is mapped.',
    ['pmap_copy_page'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'done' && operation.from !== operation.to && view.pv.has(operation.to),
  ),
  when(
    'scratch-page-zeroed',
    'pmap_zero_page clears a frame that is mapped (DEV-29).',
    ['pmap_zero_page'],
    ({ view, operation, outcome }) => outcome.kind === 'done' && view.pv.has(operation.frame),
  ),
];

/** All goals of this file. */
export const PMAP_GOALS: readonly Goal[] = [...rights, ...bits, ...direct];
