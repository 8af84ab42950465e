/** What to do next while operations sleep: resume, feed or wake them, or touch what they are at work on. */
import { PAGE_SIZE } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { MapName, TransitionSnapshot } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import type { Ground } from './generate-ground.ts';
import { freeable } from './generate-kmem.ts';
import type { Range } from './generate-reading.ts';
import { bounds, clip } from './generate-recipe.ts';

/**
 * A range that meets one in transition in every way that matters: inside, all of it, across either end, beside it
 * without touching it, and empty ones at its bounds and inside (MAP-TRANS-1).
 */
export function aroundTransition(
  ground: Ground,
  { map, start, end }: Range & { readonly map: MapName },
): Range {
  const { draw } = ground;
  const inside = start + draw.below((end - start) / PAGE_SIZE) * PAGE_SIZE;
  const known = ground.known(map);
  const below = map === 'kernel' ? ground.machine.kernelStart : (known?.min ?? start);
  const before = Math.max(Math.min(below, start), start - PAGE_SIZE);
  const after = Math.min(known?.max ?? end, end + PAGE_SIZE);
  return (
    draw.weighted<Range>([
      [4, { start: inside, end: inside + PAGE_SIZE }],
      [4, { start, end }],
      [2, { start: before, end: start }],
      [2, { start: end, end: after }],
      [2, { start: before, end: start + PAGE_SIZE }],
      [2, { start: end - PAGE_SIZE, end: after }],
      [1, { start: before, end: after }],
      [1, { start: inside, end: inside }],
      [1, { start: end, end }],
    ]) ?? { start, end }
  );
}

/** An operation on a range that is being filled or wired: some wait for its end, others do not care. */
export function onTransition(ground: Ground, { map, start, end }: TransitionSnapshot): Operation {
  const { draw } = ground;
  const count = (end - start) / PAGE_SIZE;
  const first = start + draw.below(count) * PAGE_SIZE;
  const whole = aroundTransition(ground, { map, start, end });
  return draw.pick<() => Operation>([
    () => call.free(map, whole.start, whole.end - whole.start),
    () => call.freeWakeup(map, whole.start, whole.end - whole.start),
    () => call.remove(map, whole),
    () => call.wire(map, whole),
    () => call.unwire(map, whole),
    () => call.protect(map, whole, draw.pick([1, 3, 7])),
    () => call.inherit(map, whole, draw.below(3)),
    () => ({ kind: 'vm_map_delete', map, ...bounds(whole) }),
    () => call.fault(map, first, 1),
    () => call.write(map, first, 1),
    () => ({ kind: 'vm_map_simplify', map, start: clip(start) }),
    () => call.allocPageable(map, PAGE_SIZE),
  ])();
}

/** Frees memory that nobody is at work on, so that there are frames to wake up for. */
function feed(ground: Ground): Operation | undefined {
  const held = ground.allocation(({ by }) => by === 'kmem_alloc' || by === 'kmem_malloc');
  return held && call.free(held.map, held.address, held.size);
}

function wakeSpaceWaiter(ground: Ground, map: string): Operation | undefined {
  const { draw } = ground;
  if (draw.percent(20)) return call.freeWakeup(map, ground.known(map)?.min ?? 0, 0);
  const range = freeable(ground, map);
  return range && call.freeWakeup(map, range.address, range.size);
}

/** An operation that concerns those in flight; undefined where none suggests itself. */
export function meddleWithSleepers(ground: Ground): Operation | undefined {
  const { draw } = ground;
  const { asleep, runnable } = ground.sched();
  const next = draw.one(runnable);
  if (next !== undefined && draw.percent(55)) return call.resume(next);
  const transition = draw.one(ground.transitions());
  if (transition !== undefined && asleep.length < 5 && draw.percent(40))
    return onTransition(ground, transition);
  const sleeper = draw.one(asleep);
  if (sleeper === undefined) return undefined;
  if (sleeper.event.startsWith('map:')) return wakeSpaceWaiter(ground, sleeper.event.slice('map:'.length));
  return draw.percent(55) ? feed(ground) : call.pagedaemon;
}
