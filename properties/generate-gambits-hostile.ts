/** Gambits that break promises short of PRE: aliased objects, detached submaps, the boot entry. */
import { objectOffset, PAGE_SIZE } from '../contract/address.ts';
import * as call from './generate-calls.ts';
import { addressIn, type Gambit, type Plan, span } from './generate-gambits.ts';
import type { Ground } from './generate-ground.ts';
import { someMap } from './generate-recipe.ts';
import { largestHole } from './selectors.ts';

/** A second entry over the pages of a wired allocation; freeing the first takes them from the second. */
function* aliasedPages(ground: Ground): Plan {
  const { draw, machine } = ground;
  if (ground.freePages() < 2 || largestHole(ground, 'kernel') < 4 * PAGE_SIZE) return;
  const at = addressIn(yield call.allocWired('kernel', PAGE_SIZE));
  const hole = ground.holes('kernel').at(-1);
  if (at === undefined || hole === undefined) return;
  const alias = span(hole.end - PAGE_SIZE, 1);
  yield call.insert('kernel', 'kernel', objectOffset(at - machine.kernelMin), alias);
  yield draw.percent(75) ? call.wire('kernel', alias) : call.write('kernel', alias.start, 7);
  yield draw.percent(75) ? call.free('kernel', at, PAGE_SIZE) : call.write('kernel', at, 8);
  yield draw.percent(50) ? call.unwire('kernel', alias) : call.free('kernel', alias.start, PAGE_SIZE);
}

/** A submap whose placeholder is freed while its creator goes on using it. */
function* detachedSubmap(ground: Ground): Plan {
  const { draw } = ground;
  const found = draw.one(
    ground.maps.filter(({ name, parent }) => parent !== null && ground.map(name)?.entryCount === 0),
  );
  if (found === undefined || found.parent === null || found.standing !== 'attached') return;
  const { name, parent, min, max } = found;
  yield call.free(parent, min, max - min);
  const inside = addressIn(yield call.allocPageable(name, PAGE_SIZE));
  if (draw.percent(60)) yield call.allocPageable(parent, max - min);
  if (inside !== undefined) yield call.write(name, inside, 5);
  if (inside !== undefined && draw.percent(50)) yield call.free(name, inside, PAGE_SIZE);
}

/** Pages of the boot entry freed, given out again, wired. */
function* bootEntry(ground: Ground): Plan {
  const { kernelMin, kernelStart, scratchWindow } = ground.machine;
  if (scratchWindow !== null || kernelStart - kernelMin < 3 * PAGE_SIZE) return;
  const start = kernelMin + PAGE_SIZE;
  yield call.free('kernel', start, PAGE_SIZE);
  const at = addressIn(yield call.allocPageable('kernel', PAGE_SIZE));
  if (at !== undefined && ground.freePages() > 0) yield call.wire('kernel', span(at, 1));
  yield call.protect('kernel', span(kernelMin, 2), ground.draw.below(8));
}

/** An anonymous object mapped from its second page on. */
function* anonymousAtOffset(ground: Ground): Plan {
  const map = someMap(ground, 60);
  const hole = ground.holes(map).at(-1);
  if (hole === undefined || hole.end - hole.start < 3 * PAGE_SIZE || ground.freePages() < 1) return;
  const range = span(hole.start + PAGE_SIZE, 2);
  yield call.insert(map, 'anon', objectOffset(PAGE_SIZE), range);
  yield call.write(map, range.start + PAGE_SIZE, 3);
  yield call.free(map, range.start, PAGE_SIZE);
}

/** Plans of callers that break their promises. */
export const HOSTILE_GAMBITS: readonly Gambit[] = [
  {
    name: 'aliased-pages',
    weight: 8,
    needs: ['kmem_alloc', 'vm_map_insert'],
    hostile: true,
    plan: aliasedPages,
  },
  {
    name: 'detached-submap',
    weight: 6,
    needs: ['kmem_suballoc', 'kmem_free'],
    hostile: true,
    plan: detachedSubmap,
  },
  { name: 'boot-entry', weight: 3, needs: ['kmem_free'], hostile: true, plan: bootEntry },
  {
    name: 'anonymous-at-offset',
    weight: 4,
    needs: ['vm_map_insert'],
    hostile: true,
    plan: anonymousAtOffset,
  },
];
