/** Gambits about what changes while an operation sleeps: woken, it must look at everything again (SCHED-8). */
import { objectOffset, PAGE_SIZE } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import { addressIn, fits, type Gambit, type Plan, refused, type SubPlan, span } from './generate-gambits.ts';
import { drain } from './generate-gambits-sleep.ts';
import { nullRange } from './generate-gambits-submap.ts';
import type { Ground } from './generate-ground.ts';
import type { Range } from './generate-reading.ts';
import { bounds, clip, someMap } from './generate-recipe.ts';
import { onTransition } from './generate-wake.ts';

/** Something that must fault at `at`, through the map itself or from the top. */
function touch(ground: Ground, map: MapName, at: number): Operation {
  const { draw } = ground;
  const through = draw.percent(40) ? 'kernel' : map;
  return draw.pick<Operation>([
    call.fault(through, at, draw.pick([1, 3])),
    call.read(through, at),
    call.write(through, at, draw.between(1, 255)),
    { kind: 'cpu_read', address: clip(at), length: draw.pick([1, 4]) },
    { kind: 'cpu_write', address: clip(at), bytes: [draw.between(1, 255)] },
  ]);
}

/** Puts a fresh map in the place of a range, with something in it or not; the range must be free. */
function* submapInstead(ground: Ground, map: MapName, range: Range): SubPlan<void> {
  const { draw } = ground;
  if (ground.maps.length > 8 || ground.pools().freeMaps === 0) return;
  yield call.insert(map, 'null', objectOffset(0), range);
  const name = ground.freshName('map');
  const { start, end } = bounds(range);
  yield { kind: 'vm_map_create', name, min: start, max: end, pageable: draw.percent(40) };
  yield { kind: 'vm_map_submap', map, start, end, submap: name };
  if (draw.percent(80)) yield call.allocPageable(name, draw.percent(70) ? end - start : PAGE_SIZE);
  if (draw.percent(20)) yield call.protect(name, range, draw.pick([0, 1]));
}

/** What may become of a range, all of it pageable memory of one map, while a fault on `page` of it sleeps. */
function* changeUnderneath(ground: Ground, map: MapName, range: Range, page: number): SubPlan<void> {
  const { draw } = ground;
  const one = span(page, 1);
  switch (draw.below(11)) {
    case 0:
      yield call.protect(map, draw.percent(50) ? one : range, draw.pick([0, 1, 2, 4, 5]));
      return;
    case 1:
      yield call.inherit(map, one, 2);
      yield call.free(map, range.start, PAGE_SIZE);
      return;
    case 2:
      yield call.wire(map, draw.percent(50) ? one : range);
      return;
    case 3:
      yield touch(ground, map, page);
      return;
    case 4:
      yield call.allocPageable(map, PAGE_SIZE);
      return;
    default:
      break;
  }
  yield draw.percent(60) ? call.free(map, range.start, range.end - range.start) : call.remove(map, range);
  const kind = draw.below(6);
  if (kind >= 3) yield* submapInstead(ground, map, range);
  else if (kind > 0) {
    yield call.insert(map, kind === 1 ? 'null' : 'anon', objectOffset(0), range);
    if (draw.percent(30)) yield call.protect(map, one, 1);
  }
}

/** Two wired pages of kernel_map that may be freed later; older ones where frames are short already. */
function* larder(ground: Ground): SubPlan<number | undefined> {
  if (ground.freePages() >= 2) return addressIn(yield call.allocWired('kernel', 2 * PAGE_SIZE));
  return ground.allocation(({ map, by }) => map === 'kernel' && by === 'kmem_alloc')?.address;
}

/** A fault that sleeps for a frame while the memory under it is freed, replaced, cut, wired or shut (FAULT-7). */
function* changedWhileAsleep(ground: Ground): Plan {
  const { draw } = ground;
  if (ground.freePages() > 80 || ground.inFlight() > 1) return;
  const map = someMap(ground, 65);
  const count = draw.between(1, 3);
  if (!fits(ground, map, count) || !fits(ground, 'kernel', count + 4)) return;
  const at = addressIn(yield call.allocPageable(map, count * PAGE_SIZE));
  const food = yield* larder(ground);
  if (at === undefined || food === undefined) return;
  const page = at + draw.below(count) * PAGE_SIZE;
  if (!(yield* drain(ground, 0))) return;
  let slept = yield touch(ground, map, page);
  if (slept.kind !== 'sleep' && count > 1 && (yield* drain(ground, 0)))
    slept = yield touch(ground, map, page === at ? page + PAGE_SIZE : page - PAGE_SIZE);
  if (slept.kind !== 'sleep') return;
  const sleeper = ground.operations.length;
  yield* changeUnderneath(ground, map, span(at, count), page);
  const other = ground.lastOutcome?.kind === 'sleep' ? ground.operations.length : undefined;
  if (draw.percent(20)) {
    yield call.pagedaemon;
    yield call.resume(sleeper);
  }
  yield call.free('kernel', food, draw.pick([1, 2, 2]) * PAGE_SIZE);
  yield call.pagedaemon;
  if (other !== undefined && draw.percent(50)) yield call.resume(other);
  yield call.resume(sleeper);
  if (other !== undefined) yield call.resume(other);
  yield { kind: 'pmap_extract', address: clip(page) };
}

/** Two owners asleep side by side, their entries merged while both are being filled or wired (MAP-TRANS-0). */
function* neighboursAsleep(ground: Ground): Plan {
  const { draw } = ground;
  if (ground.freePages() > 80 || ground.inFlight() > 1) return;
  const map = someMap(ground, 70, ({ name }) => name === 'kmem' || name === 'mb');
  const mallocs = map !== 'kernel';
  if (!fits(ground, map, 5) || !fits(ground, 'kernel', 8)) return;
  const food = addressIn(yield call.allocWired('kernel', 3 * PAGE_SIZE));
  if (food === undefined || !(yield* drain(ground, draw.below(2)))) return;
  const owners: number[] = [];
  let second = 0;
  for (let i = 0; i < 2; i += 1) {
    const size = (ground.freePages() + draw.between(1, 2)) * PAGE_SIZE;
    second = ground.holes(map).find(({ start, end }) => end - start >= size)?.start ?? 0;
    const slept = yield mallocs ? call.malloc(map, size, { canWait: true }) : call.allocWired(map, size);
    if (slept.kind !== 'sleep') return;
    owners.push(ground.operations.length);
  }
  if (draw.percent(60)) yield { kind: 'vm_map_simplify', map, start: clip(second) };
  if (draw.percent(40)) yield call.wire(map, span(second, 1));
  for (let i = draw.below(3); i > 0; i -= 1) {
    const transition = draw.one(ground.transitions());
    if (transition !== undefined) yield onTransition(ground, transition);
  }
  yield call.free('kernel', food, draw.between(1, 3) * PAGE_SIZE);
  for (let i = 0; i < 2; i += 1) {
    yield call.pagedaemon;
    for (const owner of draw.percent(50) ? owners : owners.toReversed())
      if (ground.sched().runnable.includes(owner)) yield call.resume(owner);
    if (i === 0) yield call.free('kernel', food, 3 * PAGE_SIZE);
  }
}

/** A wiring that sleeps half-way, with others that want parts of the range or of what lies beside it. */
function* wiringAsleep(ground: Ground): Plan {
  const { draw } = ground;
  if (ground.freePages() > 80 || ground.inFlight() > 1) return;
  const map = someMap(ground, 75);
  if (!fits(ground, map, 5) || !fits(ground, 'kernel', 9)) return;
  const at = addressIn(yield call.allocPageable(map, 5 * PAGE_SIZE));
  const food = addressIn(yield call.allocWired('kernel', 3 * PAGE_SIZE));
  if (at === undefined || food === undefined || !(yield* drain(ground, draw.below(3)))) return;
  if (draw.percent(80)) yield call.inherit(map, span(at + 2 * PAGE_SIZE, 1), 2);
  const slept = yield call.wire(map, span(at + PAGE_SIZE, 3));
  if (slept.kind !== 'sleep') return;
  const owner = ground.operations.length;
  const waiters: number[] = [];
  for (let i = draw.between(1, 3); i > 0; i -= 1) {
    const first = at + draw.below(4) * PAGE_SIZE;
    const part = span(first, draw.pick([0, 0, 1, 1, 2]));
    const outcome = yield draw.pick<Operation>([
      call.wire(map, part),
      call.unwire(map, part),
      call.protect(map, part, draw.pick([0, 1, 2, 7])),
      call.inherit(map, part, 0),
      call.free(map, first, part.end - part.start),
      call.remove(map, part),
      call.write(map, first, 1),
    ]);
    if (outcome.kind === 'sleep') waiters.push(ground.operations.length);
  }
  const seam = span(at + draw.pick([2, 2, 3]) * PAGE_SIZE, 0);
  if (draw.percent(60))
    yield draw.pick<Operation>([
      call.protect(map, seam, 7),
      call.remove(map, seam),
      call.inherit(map, seam, 1),
    ]);
  yield call.free('kernel', food, 3 * PAGE_SIZE);
  yield call.pagedaemon;
  yield call.resume(owner);
  for (const waiter of draw.percent(50) ? waiters : waiters.toReversed())
    if (ground.sched().runnable.includes(waiter)) yield call.resume(waiter);
  yield call.free(map, at, 5 * PAGE_SIZE);
}

/** A waiter for space that may run again and has not: its submap is in use although it is empty (MAP-DEL-1). */
function* wokenNotRun(ground: Ground): Plan {
  const { draw } = ground;
  const count = draw.between(1, 3);
  if (ground.maps.length > 7 || ground.pools().freeMaps === 0 || ground.inFlight() > 3) return;
  if (!fits(ground, 'kernel', count + 1)) return;
  const at = yield* nullRange(ground, 'kernel', count);
  if (at === undefined) return;
  const { start, end } = bounds(span(at, count));
  const name = ground.freshName('map');
  yield { kind: 'vm_map_create', name, min: start, max: end, pageable: draw.percent(50) };
  yield { kind: 'vm_map_submap', map: 'kernel', start, end, submap: name };
  yield call.allocPageable(name, count * PAGE_SIZE);
  const slept = yield call.allocWait(name, PAGE_SIZE * draw.between(1, count));
  if (slept.kind !== 'sleep') return;
  const waiter = ground.operations.length;
  yield draw.percent(75)
    ? call.freeWakeup(name, at, count * PAGE_SIZE)
    : call.free(name, at, count * PAGE_SIZE);
  yield refused(
    draw.pick([
      call.free('kernel', at, count * PAGE_SIZE),
      call.remove('kernel', { start, end }),
      { kind: 'vm_map_delete', map: 'kernel', start, end },
    ]),
  );
  if (draw.percent(30)) yield call.freeWakeup(name, at, 0);
  if (!ground.sched().runnable.includes(waiter)) return;
  yield call.resume(waiter);
  yield call.free(name, at, count * PAGE_SIZE);
  yield { kind: 'vm_map_deallocate', map: name };
  yield call.free('kernel', at, count * PAGE_SIZE);
}

/** Two allocations asleep in one entry: an empty range where the first ends cuts the entry and disturbs neither (MAP-TRANS-1). */
function* seamAsleep(ground: Ground): Plan {
  const { draw } = ground;
  if (ground.freePages() > 80 || ground.freePages() < 3 || ground.inFlight() > 1) return;
  if (!fits(ground, 'kernel', 9)) return;
  const food = addressIn(yield call.allocWired('kernel', 2 * PAGE_SIZE));
  if (food === undefined || !(yield* drain(ground, 1))) return;
  const room = ground.holes('kernel').find(({ start, end }) => end - start >= 2 * PAGE_SIZE);
  if (room === undefined || room.end - room.start < 3 * PAGE_SIZE) return;
  const seam = room.start + 2 * PAGE_SIZE;
  const owners: number[] = [];
  for (const count of [2, room.end - seam > PAGE_SIZE ? draw.between(1, 2) : 1]) {
    const slept = yield call.allocWired('kernel', count * PAGE_SIZE);
    if (slept.kind !== 'sleep') return;
    owners.push(ground.operations.length);
  }
  yield { kind: 'vm_map_simplify', map: 'kernel', start: clip(seam) };
  yield call.remove('kernel', span(seam, 0));
  yield call.free('kernel', food, 2 * PAGE_SIZE);
  yield call.pagedaemon;
  for (const owner of owners) if (ground.sched().runnable.includes(owner)) yield call.resume(owner);
}

/** Plans about sleepers whose world changes. */
export const ASLEEP_GAMBITS: readonly Gambit[] = [
  {
    name: 'changed-while-asleep',
    weight: 12,
    needs: ['kmem_alloc', 'kmem_alloc_pageable', 'kmem_free', 'pagedaemon', 'resume'],
    plan: changedWhileAsleep,
  },
  {
    name: 'neighbours-asleep',
    weight: 5,
    needs: ['kmem_alloc', 'pagedaemon', 'resume'],
    plan: neighboursAsleep,
  },
  {
    name: 'wiring-asleep',
    weight: 9,
    needs: ['kmem_alloc', 'kmem_alloc_pageable', 'vm_map_pageable', 'pagedaemon', 'resume'],
    plan: wiringAsleep,
  },
  {
    name: 'woken-not-run',
    weight: 5,
    needs: ['kmem_alloc_wait', 'kmem_free_wakeup', 'vm_map_create', 'vm_map_submap', 'resume'],
    plan: wokenNotRun,
  },
  {
    name: 'seam-asleep',
    weight: 6,
    needs: ['kmem_alloc', 'vm_map_simplify', 'vm_map_remove', 'pagedaemon', 'resume'],
    plan: seamAsleep,
  },
];
