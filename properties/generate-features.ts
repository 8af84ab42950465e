/** What the generator does beyond choosing at random, each to be switched off by itself to measure what it is worth. */

/**
 * `swarm`: a random subset of kinds, with random weights, for each scenario. `boundaries`: sizes and ranges at and around
 * bounds of pages, holes, entries and maps. `gambits`: plans of several operations. `errors`: deliberate error paths.
 * `wakes`: concern with operations that sleep.
 */
export const FEATURES = ['swarm', 'boundaries', 'gambits', 'errors', 'wakes'] as const;
/** One of them. */
export type Feature = (typeof FEATURES)[number];
