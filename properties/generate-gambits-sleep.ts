/** Gambits around sleepers: page shortage, space waiters, and ranges in transition. */
import { PAGE_SIZE } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import { addressIn, fits, type Gambit, type Plan, refused, type SubPlan, span } from './generate-gambits.ts';
import type { Ground } from './generate-ground.ts';
import { clip, mallocMap, someMap } from './generate-recipe.ts';
import { aroundTransition } from './generate-wake.ts';
import { largestHole } from './selectors.ts';

/** Takes frames until `left` are free; true when that was possible. */
export function* drain(ground: Ground, left: number): SubPlan<boolean> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const surplus = ground.freePages() - left;
    if (surplus === 0) return true;
    const room = Math.floor(largestHole(ground, 'kernel') / PAGE_SIZE) - left - 4;
    if (surplus < 0 || room < 1) return false;
    yield call.allocWired('kernel', Math.min(surplus, room) * PAGE_SIZE);
  }
  return ground.freePages() === left;
}

/** A nowait request that runs out of frames after some pages (KM-MALLOC-5). */
function* shortNowait(ground: Ground): Plan {
  const map = mallocMap(ground);
  const left = ground.draw.between(0, 4);
  if (map === undefined || !fits(ground, map, left + 1) || ground.freePages() > 80) return;
  yield* drain(ground, left);
  const wanted = ground.freePages() + 1;
  if (fits(ground, map, wanted)) yield refused(call.malloc(map, wanted * PAGE_SIZE, { canWait: false }));
}

/** What may be tried on a range that its owner is filling or wiring. */
function meddle(ground: Ground, map: MapName, start: number, count: number): Operation {
  const { draw } = ground;
  const page = span(start + draw.below(count) * PAGE_SIZE, 1);
  const near = draw.percent(50) ? page : aroundTransition(ground, { map, ...span(start, count) });
  return draw.pick<Operation>([
    call.free(map, start, count * PAGE_SIZE),
    call.freeWakeup(map, near.start, near.end - near.start),
    call.remove(map, near),
    call.wire(map, near),
    call.unwire(map, near),
    call.protect(map, near, draw.pick([1, 3, 7])),
    call.inherit(map, near, 2),
    call.fault(map, page.start, 1),
    { kind: 'vm_map_simplify', map, start: clip(page.start) },
    call.allocWired(map, PAGE_SIZE),
  ]);
}

/** An allocation or a wire that sleeps for frames, meddled with, then fed and brought to its end. */
function* starvedOwner(ground: Ground): Plan {
  const { draw } = ground;
  if (ground.freePages() > 80 || ground.inFlight() > 2) return;
  const small = mallocMap(ground);
  const wires = draw.percent(35);
  const map = !wires && small !== undefined && draw.percent(40) ? small : someMap(ground, 70);
  const pageable =
    wires && fits(ground, map, 4) ? addressIn(yield call.allocPageable(map, 4 * PAGE_SIZE)) : undefined;
  const food = fits(ground, 'kernel', 8)
    ? addressIn(yield call.allocWired('kernel', 3 * PAGE_SIZE))
    : undefined;
  if (!(yield* drain(ground, draw.between(0, 2)))) return;
  const count = ground.freePages() + draw.between(1, 2);
  if (pageable === undefined && !fits(ground, map, count)) return;
  const start =
    pageable ?? ground.holes(map).find(({ start, end }) => end - start >= count * PAGE_SIZE)?.start ?? 0;
  const pagesHeld = pageable === undefined ? count : 4;
  const size = count * PAGE_SIZE;
  const mallocs = map === 'kmem' || map === 'mb';
  const allocation = mallocs ? call.malloc(map, size, { canWait: true }) : call.allocWired(map, size);
  const slept = yield pageable === undefined ? allocation : call.wire(map, span(start, pagesHeld));
  if (slept.kind !== 'sleep') return;
  const number = ground.operations.length;
  for (let i = draw.below(4); i > 0; i -= 1) yield meddle(ground, map, start, pagesHeld);
  if (draw.percent(40)) {
    yield call.pagedaemon;
    yield call.resume(number);
  }
  if (food !== undefined) yield call.free('kernel', food, 3 * PAGE_SIZE);
  yield call.pagedaemon;
  yield call.resume(number);
}

/** A waiter for space in a full submap: woken in vain, then for good (KM-WAIT-1, KM-WAKE-1). */
function* spaceWaiter(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 5);
  const known = ground.known(map);
  if (known === undefined || ground.inFlight() > 3 || known.max - known.min > 64 * PAGE_SIZE) return;
  let last: number | undefined;
  for (let i = 0; i < 3 && largestHole(ground, map) > 0; i += 1)
    last = addressIn(yield call.allocPageable(map, largestHole(ground, map))) ?? last;
  if (last === undefined || largestHole(ground, map) > 0) return;
  const slept = yield call.allocWait(map, draw.between(1, 2) * PAGE_SIZE);
  if (slept.kind !== 'sleep') return;
  const number = ground.operations.length;
  if (draw.percent(40)) yield call.allocWait(map, PAGE_SIZE);
  if (draw.percent(50)) {
    yield call.freeWakeup(map, last, 0);
    yield call.resume(number);
  }
  if (draw.percent(30)) yield call.free(map, last, PAGE_SIZE);
  yield call.freeWakeup(map, last, 2 * PAGE_SIZE);
  yield call.resume(number);
}

/** A fault on a half-filled range puts a page where its owner is about to put one (DEV-48). */
function* filledByFault(ground: Ground): Plan {
  if (ground.freePages() > 80 || ground.inFlight() > 1 || !fits(ground, 'kernel', 8)) return;
  const food = addressIn(yield call.allocWired('kernel', PAGE_SIZE));
  if (food === undefined || !(yield* drain(ground, 1))) return;
  const start = ground.holes('kernel').find((hole) => hole.end - hole.start >= 2 * PAGE_SIZE)?.start;
  if (start === undefined) return;
  const slept = yield call.allocWired('kernel', 2 * PAGE_SIZE);
  if (slept.kind !== 'sleep') return;
  const owner = ground.operations.length;
  yield call.free('kernel', food, PAGE_SIZE);
  yield call.fault('kernel', start + PAGE_SIZE, 1);
  yield call.pagedaemon;
  yield call.resume(owner);
}

/** Plans about sleepers. */
export const SLEEP_GAMBITS: readonly Gambit[] = [
  { name: 'short-nowait', weight: 10, needs: ['kmem_alloc', 'kmem_malloc'], plan: shortNowait },
  { name: 'starved-owner', weight: 8, needs: ['kmem_alloc', 'pagedaemon', 'resume'], plan: starvedOwner },
  {
    name: 'space-waiter',
    weight: 8,
    needs: ['kmem_alloc_wait', 'kmem_free_wakeup', 'resume'],
    plan: spaceWaiter,
  },
  {
    name: 'filled-by-fault',
    weight: 4,
    needs: ['kmem_alloc', 'vm_fault', 'pagedaemon', 'resume'],
    plan: filledByFault,
  },
];
