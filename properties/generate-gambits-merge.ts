/** Gambits about entries that are alike but for one thing, and about ranges over entries that differ. */
import { PAGE_SIZE } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import { addressIn, fits, type Gambit, type Plan, refused, type SubPlan, span } from './generate-gambits.ts';
import type { Ground } from './generate-ground.ts';
import { isPlaceholder, type Range } from './generate-reading.ts';
import { bounds, clip, someMap } from './generate-recipe.ts';

const setMax = (map: MapName, range: Range, protection: number): Operation => ({
  kind: 'vm_map_protect',
  map,
  ...bounds(range),
  protection,
  setMax: true,
});

const simplify = (map: MapName, at: number): Operation => ({
  kind: 'vm_map_simplify',
  map,
  start: clip(at),
});

/** Changes one attribute of a range, each as likely as the others. */
function* changeOne(ground: Ground, map: MapName, range: Range): SubPlan<void> {
  const { draw } = ground;
  switch (draw.below(6)) {
    case 0:
      yield call.inherit(map, range, draw.pick([0, 2]));
      return;
    case 1:
      yield call.protect(map, range, draw.pick([0, 1, 3, 5, 6]));
      return;
    case 2:
      yield setMax(map, range, draw.pick([1, 3, 5]));
      return;
    case 3:
      if (ground.freePages() >= 3) yield call.wire(map, range);
      return;
    case 4: {
      const entry = ground.entryAt(map, range.start);
      if (entry !== undefined && entry.wiredCount > 0) yield call.unwire(map, range);
      return;
    }
    default:
      yield call.free(map, range.end - PAGE_SIZE, PAGE_SIZE);
  }
}

/** Two neighbours of one sort that differ in one attribute, put together if they may; then in none (MAP-INSERT-5, MAP-SIMPL-1). */
function* nearlyAlike(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 60);
  const count = draw.between(1, 2);
  if (!fits(ground, map, count + 2) || ground.freePages() < count + 2) return;
  const mallocs = (map === 'kmem' || map === 'mb') && draw.percent(60);
  const wired = draw.percent(45);
  const take = (size: number): Operation => {
    if (mallocs) return call.malloc(map, size * PAGE_SIZE, { canWait: wired });
    return wired ? call.allocWired(map, size * PAGE_SIZE) : call.allocPageable(map, size * PAGE_SIZE);
  };
  const first = addressIn(yield take(count));
  if (first === undefined) return;
  const seam = first + count * PAGE_SIZE;
  if (draw.percent(35)) yield call.write(map, seam - PAGE_SIZE, 3);
  yield* changeOne(ground, map, draw.percent(60) ? span(first, count) : span(seam - PAGE_SIZE, 1));
  const second = addressIn(yield take(1));
  if (second !== seam) return;
  if (draw.percent(40)) yield simplify(map, seam);
  const entry = ground.entryAt(map, first);
  if (entry !== undefined && draw.percent(60)) {
    const rights = entry.protection;
    yield draw.pick<Operation>([
      call.protect(map, span(second, 1), rights),
      call.inherit(map, span(second, 1), entry.inheritance),
      setMax(map, span(second, 1), entry.maxProtection),
      call.inherit(map, span(first, count), 1),
    ]);
    yield simplify(map, seam);
  }
  if (draw.percent(50)) yield call.protect(map, span(first, count + 1), 1);
  if (draw.percent(50)) yield call.free(map, first, (count + 1) * PAGE_SIZE);
}

/** An entry cut by an empty or a refused operation, so that its pieces meet seamlessly, and ranges across the cut. */
function* wiredUnevenly(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 70);
  if (!fits(ground, map, 4) || ground.freePages() < 4) return;
  const at = addressIn(yield call.allocPageable(map, 4 * PAGE_SIZE));
  if (at === undefined) return;
  const part = (): Range => {
    const from = draw.below(4);
    return span(at + from * PAGE_SIZE, draw.between(1, 4 - from));
  };
  const whole = span(at, 4);
  if (draw.percent(40)) yield call.write(map, at + draw.below(4) * PAGE_SIZE, 2);
  yield call.wire(map, part());
  if (draw.percent(40)) yield call.protect(map, part(), draw.pick([0, 1, 2]));
  if (draw.percent(40)) yield call.free(map, at + draw.below(4) * PAGE_SIZE, PAGE_SIZE);
  const gap = ground.entryAt(map, at) === undefined || broken(ground, map, whole);
  yield gap ? refused(call.wire(map, whole)) : call.wire(map, whole);
  if (draw.percent(50)) yield call.wire(map, part());
  yield gap ? refused(call.unwire(map, whole)) : call.unwire(map, whole);
  yield call.unwire(map, part());
  if (draw.percent(50)) yield call.fault(map, at + draw.below(4) * PAGE_SIZE, 1);
  yield draw.percent(60) ? call.free(map, at, 4 * PAGE_SIZE) : call.remove(map, part());
}

/** True where no entry covers some page of a range. */
function broken(ground: Ground, map: MapName, { start, end }: Range): boolean {
  for (let page = start; page < end; page += PAGE_SIZE)
    if (ground.entryAt(map, page) === undefined) return true;
  return false;
}

/** A change of rights over several entries, the last of which refuses it: by its maximum, or as a placeholder (MAP-PROT-2). */
function* refusedLate(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 70);
  const count = draw.between(2, 4);
  if (!fits(ground, map, count)) return;
  const at = addressIn(yield call.allocPageable(map, count * PAGE_SIZE));
  if (at === undefined) return;
  const last = at + (count - 1) * PAGE_SIZE;
  if (draw.percent(50)) yield call.inherit(map, span(at + PAGE_SIZE, 1), 2);
  if (draw.percent(30)) yield call.free(map, at + PAGE_SIZE, PAGE_SIZE);
  if (draw.percent(75)) yield setMax(map, span(last, 1), draw.pick([0, 1, 3, 5]));
  const behind = ground.entryAt(map, last + PAGE_SIZE);
  const end = behind !== undefined && isPlaceholder(behind) ? behind.end : last + PAGE_SIZE;
  const start = at + (draw.percent(50) ? 0 : PAGE_SIZE);
  yield refused(call.protect(map, { start, end }, 7));
  if (end > last + PAGE_SIZE) yield refused(call.wire(map, { start, end }));
  yield call.protect(map, span(at, count), draw.pick([0, 1]));
  if (draw.percent(50)) yield call.free(map, at, count * PAGE_SIZE);
}

/** Every right alone and in pairs, and every kind of access to it (FAULT-2, DEV-19). */
function* everyRight(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 70);
  if (!fits(ground, map, 1) || ground.freePages() < 1) return;
  const wired = draw.percent(35);
  const at = addressIn(yield wired ? call.allocWired(map, PAGE_SIZE) : call.allocPageable(map, PAGE_SIZE));
  if (at === undefined) return;
  if (draw.percent(50)) yield call.write(map, at, 1);
  for (let i = draw.between(1, 2); i > 0; i -= 1) {
    const rights = draw.pick([2, 4, 6, 2, 6, 1, 5, 3, 0]);
    yield draw.percent(80) ? call.protect(map, span(at, 1), rights) : setMax(map, span(at, 1), rights);
    const asked = draw.pick([0, 1, 2, 3, 4, 5, 6, 7]);
    const left = ground.entryAt(map, at)?.protection ?? 0;
    const steps: readonly (readonly [Operation, number])[] = [
      [call.fault(map, at, asked), asked],
      [call.read(map, at), 1],
      [call.write(map, at, 5), 3],
    ];
    for (const [step, wanted] of steps)
      if (draw.percent((left & 3) === 2 ? 90 : 60)) yield (wanted & ~left) === 0 ? step : refused(step);
    if (ground.mapping(at) === null && (left & 3) !== 3 && draw.percent(40))
      yield refused({ kind: 'cpu_write', address: clip(at), bytes: [3] });
  }
  yield call.free(map, at, PAGE_SIZE);
}

/** Touched memory whose tail is freed and taken again bit by bit: what lies beyond the new end stays (OBJ-6, Q-26). */
function* regrown(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 65);
  const count = draw.between(3, 5);
  if (!fits(ground, map, count) || ground.freePages() < count) return;
  const at = addressIn(yield call.allocPageable(map, count * PAGE_SIZE));
  if (at === undefined) return;
  for (let i = 0; i < count; i += 1)
    if (draw.percent(75)) yield call.write(map, at + i * PAGE_SIZE, draw.between(1, 255));
  if (draw.percent(30)) yield call.free(map, at, PAGE_SIZE);
  const kept = draw.between(1, count - 1);
  yield call.free(map, at + kept * PAGE_SIZE, (count - kept) * PAGE_SIZE);
  if (draw.percent(25)) yield call.inherit(map, span(at + PAGE_SIZE, 1), 1);
  for (let i = 0; i < 2; i += 1) {
    const again = addressIn(yield call.allocPageable(map, draw.between(1, 2) * PAGE_SIZE));
    if (again !== undefined && draw.percent(60)) yield call.read(map, again);
  }
}

/** Plans about what merges, what is cut, and what one operation does to several entries. */
export const MERGE_GAMBITS: readonly Gambit[] = [
  { name: 'nearly-alike', weight: 9, needs: ['vm_map_simplify', 'vm_map_protect'], plan: nearlyAlike },
  {
    name: 'wired-unevenly',
    weight: 7,
    needs: ['kmem_alloc_pageable', 'vm_map_pageable'],
    plan: wiredUnevenly,
  },
  { name: 'refused-late', weight: 5, needs: ['kmem_alloc_pageable', 'vm_map_protect'], plan: refusedLate },
  { name: 'every-right', weight: 11, needs: ['vm_map_protect'], plan: everyRight },
  { name: 'regrown', weight: 6, needs: ['kmem_alloc_pageable', 'kmem_free'], plan: regrown },
];
