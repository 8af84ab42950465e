/** Recipes for direct pmap operations: on the machine's scratch window, scratch pages and device frames only. */
import { type FrameNumber, frameNumber, PAGE_SIZE } from '../contract/address.ts';
import type { PmapOperation, UserPmapSnapshot } from '../contract/pmap.ts';
import type { Ground } from './generate-ground.ts';
import type { Range } from './generate-reading.ts';
import { bounds, clip, type Recipes } from './generate-recipe.ts';
import { drawnPmap, USER_RECIPES, userPage, userRange } from './generate-user.ts';
import { probe } from './selectors-ranges.ts';

/** A frame of the harness: a scratch page, or a device frame in about every fifth case. */
export function ownFrame({ machine, draw }: Ground): FrameNumber | undefined {
  const { scratchPages, managedPages, deviceFrames } = machine;
  const device = deviceFrames > 0 && (scratchPages === 0 || draw.percent(20));
  if (device) return frameNumber(managedPages + draw.below(deviceFrames));
  return scratchPages === 0 ? undefined : frameNumber(draw.below(scratchPages));
}

/** Some frame of the machine, a frame of the harness half of the time. */
function anyFrame(ground: Ground): FrameNumber {
  const { machine, draw } = ground;
  const all = machine.managedPages + machine.deviceFrames;
  return (draw.percent(60) ? ownFrame(ground) : undefined) ?? frameNumber(draw.below(all));
}

/** A page of the scratch window. */
function windowPage({ machine: { scratchWindow: window }, draw }: Ground): number | undefined {
  if (window === null) return undefined;
  return window.start + draw.below((window.end - window.start) / PAGE_SIZE) * PAGE_SIZE;
}

function windowRange(ground: Ground): Range | undefined {
  const window = ground.machine.scratchWindow;
  const start = windowPage(ground);
  if (window === null || start === undefined) return undefined;
  const rest = (window.end - start) / PAGE_SIZE;
  return { start, end: start + ground.draw.between(ground.draw.percent(10) ? 0 : 1, rest) * PAGE_SIZE };
}

/** A window page together with a frame for it. */
function pageAndFrame(ground: Ground): { address: number; frame: FrameNumber } | undefined {
  const page = windowPage(ground);
  const frame = ownFrame(ground);
  if (page === undefined || frame === undefined) return undefined;
  return { address: page + (ground.draw.percent(5) ? ground.draw.below(PAGE_SIZE) : 0), frame };
}

/** A page of a user pmap together with a frame for it. */
function userPageAndFrame(
  ground: Ground,
  user: UserPmapSnapshot,
): { address: number; frame: FrameNumber } | undefined {
  const address = userPage(ground, user);
  const same = ground.draw.percent(25)
    ? user.mappings.find((mapping) => mapping.address === address)
    : undefined;
  const frame = same?.frame ?? ownFrame(ground);
  return frame === undefined ? undefined : { address, frame };
}

const PROTECTIONS = [7, 7, 3, 3, 1, 1, 5, 0, 2, 4] as const;

/** Direct mappings of harness frames; undefined on machines without a scratch window or frames. */
export const PMAP_RECIPES: Recipes<PmapOperation['kind']> = {
  pmap_enter: (ground) => {
    const { draw } = ground;
    const user = drawnPmap(ground);
    const place = user === undefined ? pageAndFrame(ground) : userPageAndFrame(ground, user);
    if (place === undefined) return undefined;
    const { address, frame } = place;
    const protection = draw.pick(PROTECTIONS);
    if (user !== undefined)
      return {
        kind: 'pmap_enter',
        ...{ pmap: user.name, address: clip(address), frame, protection, wired: draw.percent(35) },
      };
    return { kind: 'pmap_enter', address: clip(address), frame, protection, wired: draw.percent(35) };
  },
  pmap_kenter: (ground) => {
    const place = pageAndFrame(ground);
    return place && { kind: 'pmap_kenter', address: clip(place.address), frame: place.frame };
  },
  pmap_remove: (ground) => {
    const user = drawnPmap(ground);
    if (user !== undefined)
      return { kind: 'pmap_remove', pmap: user.name, ...bounds(userRange(ground, user)) };
    const range = windowRange(ground);
    return range && { kind: 'pmap_remove', ...bounds(range) };
  },
  pmap_protect: (ground) => {
    const user = drawnPmap(ground);
    if (user !== undefined)
      return {
        kind: 'pmap_protect',
        ...{ pmap: user.name, ...bounds(userRange(ground, user)) },
        protection: ground.draw.pick(PROTECTIONS),
      };
    const range = windowRange(ground);
    return range && { kind: 'pmap_protect', ...bounds(range), protection: ground.draw.pick(PROTECTIONS) };
  },
  pmap_page_protect: (ground) => {
    const frame = ownFrame(ground);
    if (frame === undefined) return undefined;
    return { kind: 'pmap_page_protect', frame, protection: ground.draw.pick(PROTECTIONS) };
  },
  pmap_change_wiring: (ground) => {
    const user = drawnPmap(ground);
    if (user !== undefined)
      return {
        kind: 'pmap_change_wiring',
        ...{ pmap: user.name, address: clip(userPage(ground, user)), wired: ground.draw.percent(50) },
      };
    const page = windowPage(ground);
    if (page === undefined) return undefined;
    return { kind: 'pmap_change_wiring', address: clip(page), wired: ground.draw.percent(50) };
  },
  pmap_extract: (ground) => {
    const { draw } = ground;
    const user = drawnPmap(ground);
    if (user !== undefined)
      return {
        kind: 'pmap_extract',
        ...{ pmap: user.name, address: clip(userPage(ground, user) + draw.pick([0, 0, 1, PAGE_SIZE - 1])) },
      };
    const held = draw.percent(55) ? ground.allocation()?.address : windowPage(ground);
    const at = held ?? probe(ground, draw.one(ground.maps)?.name ?? 'kernel');
    return { kind: 'pmap_extract', address: clip(at + draw.pick([0, 0, 1, PAGE_SIZE - 1])) };
  },
  pmap_is_modified: (ground) => ({ kind: 'pmap_is_modified', frame: anyFrame(ground) }),
  pmap_is_referenced: (ground) => ({ kind: 'pmap_is_referenced', frame: anyFrame(ground) }),
  pmap_clear_modify: (ground) => ({ kind: 'pmap_clear_modify', frame: anyFrame(ground) }),
  pmap_clear_reference: (ground) => ({ kind: 'pmap_clear_reference', frame: anyFrame(ground) }),
  pmap_zero_page: (ground) => {
    const frame = ownFrame(ground);
    return frame === undefined ? undefined : { kind: 'pmap_zero_page', frame };
  },
  pmap_copy_page: (ground) => {
    const from = ownFrame(ground);
    const to = ownFrame(ground);
    return from === undefined || to === undefined ? undefined : { kind: 'pmap_copy_page', from, to };
  },
  pmap_update: () => ({ kind: 'pmap_update' }),
  ...USER_RECIPES,
};
