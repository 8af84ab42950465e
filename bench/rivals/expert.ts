/**
 * The expert: `fc.commands` as its maintainers would have it used. A command holds no address but says which live thing it
 * means; `check` finds out whether there is such a thing and whether callers may do this to it; arguments prefer bounds;
 * one weighted arbitrary takes the place of the uniform choice; runs are as long as runs of `scenarios()` may be.
 *
 * Frozen: what stands here was finished before ours was measured against it, and is changed for mistakes only.
 */
import type { Arbitrary } from 'fast-check';
import { weighted } from './expert-entry.ts';
import { MAP_ENTRIES } from './expert-maps.ts';
import { MEMORY_ENTRIES } from './expert-memory.ts';
import { PMAP_ENTRIES } from './expert-pmap.ts';
import type { LiveCommand } from './naive.ts';

/** All commands of the expert, in one arbitrary. */
export const expertCommands = (): Arbitrary<LiveCommand>[] => [
  weighted([...MEMORY_ENTRIES, ...MAP_ENTRIES, ...PMAP_ENTRIES]),
];
