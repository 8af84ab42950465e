/** Judging hand-made views by the invariant with a given ID. */
import { expect } from 'vitest';
import { invariantById } from '../../properties/invariants/all.ts';
import type { View } from '../../properties/view.ts';
import { witnesses } from './fixture-view.ts';

/** Witnesses of the invariant against the last of a run of views. */
export function judged(id: string, ...views: readonly View[]): string[] {
  const invariant = invariantById(id);
  if (invariant === undefined) throw new Error(`no invariant has the ID ${id}`);
  return witnesses(invariant, ...views);
}

/** Expects that the invariant holds after the last view. */
export const accepts = (id: string, ...views: readonly View[]): void =>
  expect(judged(id, ...views)).toEqual([]);

/** Expects that the invariant finds a witness matching `reason` after the last view. */
export const rejects = (id: string, reason: RegExp, ...views: readonly View[]): void =>
  expect(judged(id, ...views).join('\n')).toMatch(reason);
