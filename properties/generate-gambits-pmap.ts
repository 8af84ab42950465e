/** Gambits of direct pmap operations on the scratch window. */
import { frameNumber, PAGE_SIZE } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import * as call from './generate-calls.ts';
import { type Gambit, type Plan, span } from './generate-gambits.ts';
import type { Ground } from './generate-ground.ts';
import { ownFrame } from './generate-pmap.ts';
import { bounds, clip } from './generate-recipe.ts';

/** Two window pages that follow each other, a 4 MiB line between them where the window has one. */
function twoPages({ machine, draw }: Ground): [number, number] | undefined {
  const window = machine.scratchWindow;
  if (window === null) return undefined;
  const count = (window.end - window.start) / PAGE_SIZE;
  const first = window.start + (draw.percent(60) ? 0 : draw.below(count - 1)) * PAGE_SIZE;
  return [first, first + PAGE_SIZE];
}

/** One frame under two addresses: written through one, its rights changed or both mappings taken away. */
function* sharedFrame(ground: Ground): Plan {
  const { draw } = ground;
  const places = twoPages(ground);
  const frame = ownFrame(ground);
  if (places === undefined || frame === undefined) return;
  const [first, second] = [clip(places[0]), clip(places[1])];
  const { start, end } = bounds({ start: first, end: second + PAGE_SIZE });
  yield { kind: 'pmap_enter', address: first, frame, protection: 7, wired: draw.percent(50) };
  yield { kind: 'pmap_kenter', address: second, frame };
  yield { kind: 'cpu_write', address: clip(first + 8), bytes: [draw.between(1, 255)] };
  yield { kind: 'cpu_read', address: clip(second + 8), length: 1 };
  yield draw.pick<Operation>([
    { kind: 'pmap_page_protect', frame, protection: 1 },
    { kind: 'pmap_protect', start, end, protection: 1 },
    { kind: 'pmap_enter', address: first, frame, protection: 1, wired: true },
    { kind: 'pmap_kenter', address: first, frame },
    { kind: 'pmap_change_wiring', address: second, wired: false },
  ]);
  yield draw.pick<Operation>([
    { kind: 'pmap_page_protect', frame, protection: 0 },
    { kind: 'pmap_remove', start, end },
  ]);
}

/** The reference and modified bits of a frame seen, cleared, and seen again. */
function* bitsOfFrame(ground: Ground): Plan {
  const { draw } = ground;
  const places = twoPages(ground);
  const frame = ownFrame(ground);
  if (places === undefined || frame === undefined) return;
  const at = clip(places[0]);
  yield { kind: 'pmap_enter', address: at, frame, protection: 7, wired: false };
  if (draw.percent(40)) yield { kind: 'pmap_is_modified', frame };
  yield { kind: 'cpu_write', address: at, bytes: [1] };
  if (draw.percent(60)) yield { kind: 'pmap_is_modified', frame };
  yield { kind: 'pmap_clear_modify', frame };
  yield { kind: 'pmap_clear_reference', frame };
  yield draw.percent(50) ? { kind: 'pmap_is_modified', frame } : { kind: 'pmap_is_referenced', frame };
  yield draw.percent(50)
    ? { kind: 'pmap_change_wiring', address: at, wired: true }
    : { kind: 'pmap_zero_page', frame };
  yield { kind: 'pmap_change_wiring', address: at, wired: false };
}

/** Window pages wired like any memory, and other frames put over them, which unwiring must not take for its own (FAULT-UNW-1). */
function* wiredWindow(ground: Ground): Plan {
  const { draw, machine } = ground;
  const places = twoPages(ground);
  const own = ownFrame(ground);
  if (places === undefined || own === undefined || ground.freePages() < 2 || ground.inFlight() > 0) return;
  const device = frameNumber(machine.managedPages + draw.below(Math.max(1, machine.deviceFrames)));
  const frame = machine.deviceFrames > 0 && draw.percent(80) ? device : own;
  const at = clip(places[0]);
  const range = span(places[0], draw.between(1, 2));
  yield call.wire('kernel', range);
  yield draw.pick<Operation>([
    { kind: 'pmap_enter', address: at, frame, protection: draw.pick([7, 1, 0]), wired: draw.percent(50) },
    { kind: 'pmap_enter', address: at, frame, protection: 7, wired: true },
    { kind: 'pmap_kenter', address: at, frame },
    { kind: 'pmap_remove', ...bounds(range) },
  ]);
  if (draw.percent(20)) yield call.wire('kernel', span(places[0], 1));
  if (draw.percent(20)) yield { kind: 'cpu_write', address: at, bytes: [5] };
  yield call.unwire('kernel', range);
  if (draw.percent(30)) yield { kind: 'pmap_remove', ...bounds(range) };
  if (draw.percent(40)) yield call.wire('kernel', span(places[0], 1));
}

/** Plans on the scratch window. */
export const PMAP_GAMBITS: readonly Gambit[] = [
  {
    name: 'shared-frame',
    weight: 11,
    needs: ['pmap_enter', 'pmap_kenter', 'pmap_remove'],
    plan: sharedFrame,
  },
  {
    name: 'wired-window',
    weight: 11,
    needs: ['pmap_enter', 'pmap_kenter', 'vm_map_pageable'],
    plan: wiredWindow,
  },
  {
    name: 'bits-of-frame',
    weight: 6,
    needs: ['pmap_enter', 'cpu_write', 'pmap_clear_modify'],
    plan: bitsOfFrame,
  },
];
