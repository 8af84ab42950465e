/** Claims about some steps only: on all others they cost one test instead of a generator. */
import { stateless, type Watch } from '../invariant.ts';
import type { View } from '../view.ts';

const NOTHING: readonly string[] = [];

/** Builds the watch of a claim that needs no memory and says nothing where `applies` is false. */
export const wherever = (
  applies: (view: View) => boolean,
  violations: (view: View) => Iterable<string>,
): (() => Watch) => stateless((view) => (applies(view) ? violations(view) : NOTHING));

/** For claims about the maps that a step may have changed. */
export const touchesMaps = ({ touchedMaps }: View): boolean => touchedMaps.length > 0;
