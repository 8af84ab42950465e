/**
 * Recipes for user pmaps: their lives, places where their page tables begin, end and go, and accesses through them.
 * Without a user pmap nothing here draws, so that scenarios of the kernel's pmap alone stay what they are.
 */
import { bytes, PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import { userEnd } from '../contract/machine.ts';
import type { Operation, OperationKind } from '../contract/operation.ts';
import type { PmapName, UserPmapSnapshot } from '../contract/pmap.ts';
import type { Ground } from './generate-ground.ts';
import type { Range } from './generate-reading.ts';
import { clip, type Recipes } from './generate-recipe.ts';

const MOST_PMAPS = 3;
/** Directory slots whose lines are used, of those below the end of user addresses: neighbours, some apart. */
const SLOTS = [1, 2, 3, 5, 64] as const;
/** Pages of a line that are used: its ends, where ranges cross into the next. */
const PAGES = [0, 0, 1, 2, 1022, 1023, 1023] as const;

const isIdle = (ground: Ground, { name, resident }: UserPmapSnapshot): boolean =>
  resident === 0 && ground.spaces().current !== name;

/** A user pmap, where there is one; of the current one twice as often. */
export function someUserPmap(ground: Ground): UserPmapSnapshot | undefined {
  const { pmaps, current } = ground.spaces();
  if (pmaps.length === 0) return undefined;
  const own = pmaps.find(({ name }) => name === current);
  return own !== undefined && ground.draw.percent(40) ? own : ground.draw.one(pmaps);
}

/** The user pmap that an operation shall work on; undefined for the kernel's. */
export const drawnPmap = (ground: Ground): UserPmapSnapshot | undefined =>
  ground.spaces().pmaps.length > 0 && ground.draw.percent(75) ? someUserPmap(ground) : undefined;

/** A page of user addresses: mapped already half of the time, or mapped by another pmap, else at the end of a line. */
export function userPage(ground: Ground, { mappings }: UserPmapSnapshot): number {
  const { draw, machine } = ground;
  const known = draw.percent(50) ? draw.one(mappings) : undefined;
  if (known !== undefined) return known.address;
  const shared = draw.percent(20)
    ? draw.one(ground.spaces().pmaps.flatMap((pmap) => pmap.mappings))
    : undefined;
  if (shared !== undefined) return shared.address;
  const last = Math.floor(userEnd(machine) / PDE_SPAN) - 1;
  const slot = draw.percent(10) ? last : Math.min(last, draw.pick(SLOTS));
  return slot * PDE_SPAN + draw.pick(PAGES) * PAGE_SIZE;
}

/** A range of user addresses: a page or two, to the end of a line, across lines without tables, from the first mapping to the last, all of them. */
export function userRange(ground: Ground, pmap: UserPmapSnapshot): Range {
  const { draw, machine } = ground;
  const [lowest] = pmap.mappings;
  const highest = pmap.mappings.at(-1);
  if (lowest !== undefined && highest !== undefined && lowest !== highest && draw.percent(30))
    return { start: lowest.address, end: highest.address + PAGE_SIZE };
  const start = userPage(ground, pmap);
  const line = (Math.floor(start / PDE_SPAN) + 1) * PDE_SPAN;
  const end = draw.pick([
    start + PAGE_SIZE,
    start + PAGE_SIZE,
    start + 2 * PAGE_SIZE,
    start,
    line,
    line + PAGE_SIZE,
    line + 3 * PDE_SPAN,
    userEnd(machine),
  ]);
  return draw.percent(5)
    ? { start: 0, end: userEnd(machine) }
    : { start, end: Math.min(end, userEnd(machine)) };
}

function freshName(ground: Ground): PmapName | undefined {
  const { pmaps } = ground.spaces();
  if (pmaps.length >= MOST_PMAPS) return undefined;
  const taken = (name: PmapName): boolean =>
    pmaps.some((pmap) => pmap.name === name) ||
    ground.operations.some(
      (operation) => 'name' in operation && operation.name === name && ground.inFlight() > 0,
    );
  return ['u0', 'u1', 'u2', 'u3'].find((name) => !taken(name));
}

/** Lives of user pmaps, switches between them, and drops of cached translations. */
export const USER_RECIPES: Recipes<
  | 'pmap_create'
  | 'pmap_pinit'
  | 'pmap_reference'
  | 'pmap_destroy'
  | 'pmap_release'
  | 'pmap_activate'
  | 'tlb_evict'
> = {
  pmap_create: (ground) => {
    const name = freshName(ground);
    if (name === undefined) return undefined;
    const size = ground.draw.percent(5) ? PAGE_SIZE : 0;
    return { kind: 'pmap_create', name, size: bytes(size) };
  },
  pmap_pinit: (ground) => {
    const name = freshName(ground);
    return name === undefined ? undefined : { kind: 'pmap_pinit', name };
  },
  pmap_reference: (ground) => {
    const pmap = someUserPmap(ground);
    return pmap && { kind: 'pmap_reference', pmap: pmap.name };
  },
  pmap_destroy: (ground) => {
    const pmap = ground.draw.one(
      ground.spaces().pmaps.filter((one) => one.references > 1 || isIdle(ground, one)),
    );
    return pmap && { kind: 'pmap_destroy', pmap: pmap.name };
  },
  pmap_release: (ground) => {
    const pmap = ground.draw.one(ground.spaces().pmaps.filter((one) => isIdle(ground, one)));
    return pmap && { kind: 'pmap_release', pmap: pmap.name };
  },
  pmap_activate: (ground) => {
    const pmap = someUserPmap(ground);
    return pmap && { kind: 'pmap_activate', pmap: ground.draw.percent(15) ? 'kernel' : pmap.name };
  },
  tlb_evict: (ground) => {
    const pmap = someUserPmap(ground);
    if (pmap === undefined || ground.draw.percent(50))
      return { kind: 'tlb_evict', start: clip(0), end: clip(0xffff_f000) };
    const start = userPage(ground, pmap);
    return { kind: 'tlb_evict', start: clip(start), end: clip(start + PAGE_SIZE) };
  },
};

/** Where an access of `length` bytes through the current pmap begins, and who makes it; undefined where there is none. */
export function userAccess(
  ground: Ground,
  length: number,
): { readonly mode?: 'user'; readonly start: number } | undefined {
  const { current, pmaps } = ground.spaces();
  const pmap = pmaps.find(({ name }) => name === current);
  if (pmap === undefined || ground.draw.percent(25)) return undefined;
  const { draw } = ground;
  const page = userPage(ground, pmap);
  const offset = draw.percent(20) ? PAGE_SIZE - 1 : draw.below(PAGE_SIZE - 16);
  const start = Math.min(page + offset, userEnd(ground.machine) - length);
  return draw.percent(60) ? { mode: 'user', start } : { start };
}

/** Who reaches for memory of the kernel: user code, now and then, where there is any; it traps. */
export const kernelAccessMode = (ground: Ground): { readonly mode?: 'user' } =>
  ground.spaces().pmaps.length > 0 && ground.draw.percent(25) ? { mode: 'user' } : {};

/** Kinds whose absence makes a scenario of user pmaps dull: rarely switched off. */
export const SPARED_WITH_SPACES: ReadonlySet<OperationKind> = new Set([
  'pmap_create',
  'pmap_activate',
  'pmap_enter',
  'pmap_remove',
  'cpu_read',
  'cpu_write',
]);

/** One pmap or two to begin with, as a rule, and the processor in one of them; each is drawn after the one before has run. */
export function* firstSpaces(ground: Ground, kinds: ReadonlySet<OperationKind>): Generator<Operation> {
  const { draw } = ground;
  if (!draw.percent(85)) return;
  const first = draw.pick(['pmap_create', 'pmap_pinit'] as const);
  const second = draw.percent(60) ? (['pmap_create'] as const) : [];
  for (const kind of [first, ...second, 'pmap_activate'] as const) {
    const operation = kinds.has(kind) ? USER_RECIPES[kind](ground) : undefined;
    if (operation !== undefined) yield operation;
  }
}
