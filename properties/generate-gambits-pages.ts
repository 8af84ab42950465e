/** Gambits about counts of pages: thresholds of the daemon, wake-ups that come late, full page tables. */
import { PAGE_SIZE } from '../contract/address.ts';
import * as call from './generate-calls.ts';
import { addressIn, fits, type Gambit, type Plan } from './generate-gambits.ts';
import { drain } from './generate-gambits-sleep.ts';
import type { Ground } from './generate-ground.ts';
import { clip, someMap } from './generate-recipe.ts';

/** Exactly as many inactive pages as the daemon wants, one less or one more, then frames taken across both thresholds (PAGE-ALLOC-3). */
function* atThreshold(ground: Ground): Plan {
  const { draw } = ground;
  const { freeMin, freeTarget, inactiveTarget } = ground.machine;
  if (freeTarget === 0 || ground.freePages() > 80 || ground.inFlight() > 0) return;
  const wanted = Math.max(0, inactiveTarget + draw.pick([0, 0, 0, -1, 1]));
  const { inactive } = ground.counters();
  const more = wanted - inactive;
  const left = freeTarget + draw.pick([0, 1, 2]);
  if (more < 0 || ground.freePages() < more + left || !fits(ground, 'kernel', more + left + 6)) return;
  if (more > 0) {
    const at = addressIn(yield call.allocPageable('kernel', more * PAGE_SIZE));
    if (at === undefined) return;
    for (let i = 0; i < more; i += 1) {
      yield call.write('kernel', at + i * PAGE_SIZE, 1);
      yield { kind: 'vm_page_deactivate', map: 'kernel', address: clip(at + i * PAGE_SIZE) };
    }
  }
  if (!(yield* drain(ground, left))) return;
  const map = someMap(ground, 70);
  for (let i = left; i > 0 && ground.freePages() >= freeMin; i -= 1) {
    if (ground.freePages() === 0 || !fits(ground, map, 1)) return;
    yield draw.percent(70) ? call.allocWired(map, PAGE_SIZE) : call.allocPageable(map, PAGE_SIZE);
  }
}

/** kmem_free_wakeup that has to wait for a range in transition, with somebody waiting for the space it will make (KM-WAKE-1). */
function* lateWakeup(ground: Ground): Plan {
  const { draw } = ground;
  if (ground.freePages() > 80 || ground.inFlight() > 1) return;
  const known = ground.known(someMap(ground, 5));
  if (known === undefined || known.max - known.min > 64 * PAGE_SIZE) return;
  const map = known.name;
  const hole = ground.holes(map).find(({ start, end }) => end - start >= 2 * PAGE_SIZE);
  if (hole === undefined || !fits(ground, 'kernel', 6)) return;
  const food = addressIn(yield call.allocWired('kernel', 2 * PAGE_SIZE));
  if (food === undefined || !(yield* drain(ground, draw.below(2)))) return;
  const slept = yield call.allocWired(map, 2 * PAGE_SIZE);
  if (slept.kind !== 'sleep') return;
  const owner = ground.operations.length;
  for (let i = 0; i < 2 && ground.holes(map).length > 0; i += 1) {
    const largest = Math.max(...ground.holes(map).map(({ start, end }) => end - start));
    yield call.allocPageable(map, largest);
  }
  const waiting = yield call.allocWait(map, PAGE_SIZE);
  const waiter = waiting.kind === 'sleep' ? ground.operations.length : undefined;
  const freeing = yield call.freeWakeup(map, hole.start, 2 * PAGE_SIZE);
  if (freeing.kind !== 'sleep') return;
  const freer = ground.operations.length;
  yield call.free('kernel', food, 2 * PAGE_SIZE);
  yield call.pagedaemon;
  yield call.resume(owner);
  yield call.resume(freer);
  if (waiter !== undefined) yield call.resume(waiter);
}

/** More pages mapped in one 4 MiB line than 8 bits count, where there are frames for it; freed again or kept. */
function* crowdedLine(ground: Ground): Plan {
  const count = 256;
  if (ground.freePages() <= count || !fits(ground, 'kernel', count)) return;
  const at = addressIn(yield call.allocWired('kernel', count * PAGE_SIZE));
  if (at !== undefined && ground.draw.percent(30)) yield call.free('kernel', at, count * PAGE_SIZE);
}

/** Plans about page counts and wake-ups. */
export const PAGE_GAMBITS: readonly Gambit[] = [
  {
    name: 'at-threshold',
    weight: 14,
    needs: ['kmem_alloc', 'kmem_alloc_pageable', 'vm_page_deactivate'],
    plan: atThreshold,
  },
  {
    name: 'late-wakeup',
    weight: 5,
    needs: ['kmem_alloc', 'kmem_alloc_wait', 'kmem_free_wakeup', 'pagedaemon', 'resume'],
    plan: lateWakeup,
  },
  { name: 'crowded-line', weight: 60, needs: ['kmem_alloc', 'kmem_free'], plan: crowdedLine },
];
