/** The shape of what `apply` runs for an operation kind, and what all such calls share. */
import type { OperationKind, OperationOf } from '../contract/operation.ts';
import { type Outcome, rejected } from '../contract/outcome.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { Kernel } from './kernel.ts';
import type { Continuation } from './sched.ts';
import type { VmMap } from './vm-map.ts';

/** Runs one operation, to its end or up to where it may first sleep. */
export type Call<Kind extends OperationKind> = (
  kernel: Kernel,
  operation: OperationOf<Kind>,
  number: number,
) => Outcome | Continuation;

/** One call for each of `Kinds`. */
export type Calls<Kinds extends OperationKind> = { readonly [Kind in Kinds]: Call<Kind> };

/** A name that no live map bears breaks an obligation of every caller. */
export function withMap(
  { maps }: Kernel,
  name: MapName,
  act: (map: VmMap) => Outcome | Continuation,
): Outcome | Continuation {
  const map = maps.get(name);
  return map === undefined ? rejected('CONV-4') : act(map);
}
