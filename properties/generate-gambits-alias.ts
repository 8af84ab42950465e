/** Gambits about pages that somebody else has put there, or still uses: through a second entry, or through a second map. */
import { objectOffset, PAGE_SIZE } from '../contract/address.ts';
import * as call from './generate-calls.ts';
import { addressIn, fits, type Gambit, type Plan, span } from './generate-gambits.ts';
import { drain } from './generate-gambits-sleep.ts';
import { nullRange } from './generate-gambits-submap.ts';
import type { Ground } from './generate-ground.ts';
import { bounds } from './generate-recipe.ts';

/**
 * A page of kmem_object made resident from elsewhere, where a nowait request is about to put one (KM-MALLOC-5, DEV-48);
 * the request is served, or, where `short`, runs out of frames and takes that page along when it is rolled back.
 */
function* residentFirst(ground: Ground, { short }: { short: boolean }): Plan {
  const { draw } = ground;
  const kmem = ground.known('kmem');
  const count = short ? draw.between(2, 3) : draw.between(1, 3);
  if (kmem === undefined || ground.freePages() < count) return;
  if (short && (ground.freePages() > 80 || !(yield* drain(ground, count - 1)))) return;
  const room = ground.holes('kmem').find(({ start, end }) => end - start >= count * PAGE_SIZE);
  const elsewhere = ground.holes('kernel').at(-1);
  if (room === undefined || elsewhere === undefined) return;
  const alias = span(elsewhere.end - PAGE_SIZE, 1);
  yield call.insert('kernel', 'kmem', objectOffset(room.start - kmem.min), alias);
  yield draw.percent(50) ? call.fault('kernel', alias.start, 3) : call.write('kernel', alias.start, 4);
  // Even where frames are short this is no deliberate error: it must come before anything else changes.
  const at = addressIn(yield call.malloc('kmem', count * PAGE_SIZE, { canWait: false }));
  if (at !== undefined && draw.percent(50)) yield call.free('kmem', at, count * PAGE_SIZE);
}

/** A mapping with more rights than the entry below it, made through another map; then the entry gets the rights that it has (MAP-PROT-4). */
function* sameRightsAgain(ground: Ground): Plan {
  const { draw } = ground;
  if (ground.maps.length > 7 || ground.pools().freeMaps === 0 || ground.freePages() < 1) return;
  if (!fits(ground, 'kernel', 1)) return;
  const at = addressIn(yield call.allocPageable('kernel', PAGE_SIZE));
  if (at === undefined) return;
  const range = span(at, 1);
  const rights = draw.pick([0, 1, 1, 5]);
  yield call.protect('kernel', range, rights);
  const { start, end } = bounds(range);
  const name = ground.freshName('map');
  yield { kind: 'vm_map_create', name, min: start, max: end, pageable: false };
  yield call.insert(name, draw.pick(['null', 'anon']), objectOffset(0), range);
  yield call.fault(name, at, 3);
  yield call.protect('kernel', range, rights);
  if (draw.percent(50)) yield call.free(name, at, PAGE_SIZE);
}

/** A page wired through two entries and freed through one: its frame, still counted as wired, is given out again. */
function* freedWhileWired(ground: Ground): Plan {
  const { draw, machine } = ground;
  if (ground.freePages() < 2 || ground.freePages() > 80 || ground.inFlight() > 2) return;
  if (!fits(ground, 'kernel', 6)) return;
  const at = addressIn(yield call.allocWired('kernel', PAGE_SIZE));
  const hole = ground.holes('kernel').at(-1);
  if (at === undefined || hole === undefined) return;
  const alias = span(hole.end - PAGE_SIZE, 1);
  yield call.insert('kernel', 'kernel', objectOffset(at - machine.kernelMin), alias);
  yield call.wire('kernel', alias);
  yield call.free('kernel', at, PAGE_SIZE);
  // The frame is the last of FREE, so all of them are taken, in one piece or in two.
  for (let i = 0; i < 2 && ground.freePages() > 0; i += 1) {
    const count = ground.freePages();
    const whole = fits(ground, 'kernel', count) ? count : Math.floor(count / 2);
    if (whole === 0 || !fits(ground, 'kernel', whole)) return;
    const taken = addressIn(yield call.allocWired('kernel', whole * PAGE_SIZE));
    if (taken !== undefined && whole === count && draw.percent(70))
      yield call.free('kernel', taken, whole * PAGE_SIZE);
    if (whole === count) return;
  }
}

/** A fault that reached a submap and sleeps while the submap loses its place to other memory: it goes on in there (FAULT-7). */
function* submapGoneWhileAsleep(ground: Ground): Plan {
  const { draw } = ground;
  if (ground.freePages() > 80 || ground.freePages() < 2 || ground.inFlight() > 0) return;
  if (ground.maps.length > 7 || ground.pools().freeMaps === 0 || !fits(ground, 'kernel', 8)) return;
  const at = yield* nullRange(ground, 'kernel', 1);
  if (at === undefined) return;
  const range = span(at, 1);
  const { start, end } = bounds(range);
  const name = ground.freshName('map');
  yield { kind: 'vm_map_create', name, min: start, max: end, pageable: false };
  const attached = yield { kind: 'vm_map_submap', map: 'kernel', start, end, submap: name };
  if (attached.kind !== 'kern' || attached.code !== 0) return;
  yield call.allocPageable(name, PAGE_SIZE);
  const food = addressIn(yield call.allocWired('kernel', 2 * PAGE_SIZE));
  if (food === undefined || !(yield* drain(ground, 0))) return;
  const slept = yield draw.percent(50) ? call.fault('kernel', at, 1) : call.write('kernel', at, 8);
  if (slept.kind !== 'sleep') return;
  const sleeper = ground.operations.length;
  yield call.free(name, at, PAGE_SIZE);
  yield call.remove('kernel', range);
  yield call.insert('kernel', draw.percent(50) ? 'null' : 'anon', objectOffset(0), range);
  yield call.free('kernel', food, 2 * PAGE_SIZE);
  yield call.pagedaemon;
  yield call.resume(sleeper);
}

/** Plans about pages with two users; only callers that break promises get there. */
export const ALIAS_GAMBITS: readonly Gambit[] = [
  {
    name: 'resident-nowait',
    weight: 18,
    needs: ['kmem_malloc', 'vm_map_insert', 'vm_fault'],
    hostile: true,
    plan: (ground) => residentFirst(ground, { short: false }),
  },
  {
    name: 'resident-rollback',
    weight: 40,
    needs: ['kmem_malloc', 'vm_map_insert', 'vm_fault', 'kmem_alloc'],
    hostile: true,
    plan: (ground) => residentFirst(ground, { short: true }),
  },
  {
    name: 'same-rights-again',
    weight: 10,
    needs: ['vm_map_create', 'vm_map_insert', 'vm_map_protect', 'vm_fault'],
    hostile: true,
    plan: sameRightsAgain,
  },
  {
    name: 'freed-while-wired',
    weight: 14,
    needs: ['kmem_alloc', 'vm_map_insert', 'vm_map_pageable', 'kmem_free'],
    hostile: true,
    plan: freedWhileWired,
  },
  {
    name: 'submap-gone-while-asleep',
    weight: 18,
    needs: ['kmem_alloc', 'vm_map_create', 'vm_map_submap', 'vm_map_insert', 'pagedaemon', 'resume'],
    hostile: true,
    plan: submapGoneWhileAsleep,
  },
];
