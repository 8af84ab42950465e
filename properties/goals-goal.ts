/** What a goal is: a situation that a campaign must have met before its silence means anything. */
import { PAGE_SIZE, roundPageUnwrapped } from '../contract/address.ts';
import type { Show } from '../contract/kernel-memory.ts';
import type { Operation, OperationKind, OperationOf } from '../contract/operation.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../contract/vm-map.ts';
import type { View } from './view.ts';

/** One situation under an ID. */
export interface Goal {
  /** Kebab-case; families with a colon, as in `kern:vm_map_protect:2`. */
  readonly id: string;
  /** What was met, as a sentence. */
  readonly claim: string;
  /** Kinds without which it cannot be met. */
  readonly needs: readonly OperationKind[];
  /** What a kernel must show so that machines are made on which it can be met; absent: nothing. */
  readonly shows?: readonly Show[];
  /** Kinds at which it may be met: of the operation that a step answers. */
  readonly at: readonly OperationKind[] | 'any';
  /** A fresh watch for one scenario: told of every step at such a kind, true when the situation is met. */
  readonly watch: () => (expected: View) => boolean;
}

/** An operation of one of some kinds, with its answer. */
export interface Answered<Kind extends OperationKind> {
  readonly view: View;
  readonly operation: OperationOf<Kind>;
  readonly outcome: Outcome;
}

const isOneOf = <Kind extends OperationKind>(
  operation: Operation,
  kinds: readonly Kind[],
): operation is OperationOf<Kind> => kinds.some((kind) => kind === operation.kind);

/** A goal that one step decides; `met` sees the operation that the step answers, resumed ones included. */
export function when<Kind extends OperationKind>(
  id: string,
  claim: string,
  kinds: readonly Kind[],
  met: (answered: Answered<Kind>) => boolean,
  more: Pick<Partial<Goal>, 'needs' | 'shows'> = {},
): Goal {
  const watch = (view: View): boolean => {
    const { subject, step } = view;
    if (subject === null || step === null || !isOneOf(subject, kinds)) return false;
    return met({ view, operation: subject, outcome: step.outcome });
  };
  return {
    id,
    claim,
    needs: more.needs ?? [],
    ...(more.shows && { shows: more.shows }),
    at: kinds,
    watch: () => watch,
  };
}

/** Kinds that take entries away. */
export const FREES = ['kmem_free', 'kmem_free_wakeup', 'vm_map_remove', 'vm_map_delete'] as const;

/** The address in an outcome that hands a range out. */
export const addressOf = (outcome: Outcome): number | undefined =>
  outcome.kind === 'address' || (outcome.kind === 'kern' && outcome.code === 0) ? outcome.address : undefined;

/** True for KERN code 0. */
export const succeeded = (outcome: Outcome): boolean => outcome.kind === 'kern' && outcome.code === 0;

/** The entry of a map that contains an address. */
export function entryAt(map: MapSnapshot | null | undefined, at: number): EntrySnapshot | undefined {
  return map?.entries.find(({ start, end }) => start <= at && at < end);
}

/** The object of an entry; null where it has none, or stands for a submap. */
export const objectName = (entry: EntrySnapshot | undefined): string | null =>
  entry?.backing && 'object' in entry.backing ? entry.backing.object : null;

/** The submap that an entry stands for. */
export const submapName = (entry: EntrySnapshot): MapName | null =>
  entry.backing !== null && 'submap' in entry.backing ? entry.backing.submap : null;

/** A map as it was before the step. */
export const mapBefore = (view: View, name: MapName): MapSnapshot | null => view.mapBefore(name);

/** Bytes of the largest hole of a map. */
export function largestHole(map: MapSnapshot): number {
  let free: number = map.min;
  let largest = 0;
  for (const { start, end } of map.entries) {
    largest = Math.max(largest, start - free);
    free = end;
  }
  return Math.max(largest, map.max - free);
}

/** The page address that an address lies in. */
export const pageOf = (value: number): number => value - (value % PAGE_SIZE);
/** True for the name of an anonymous object. */
export const isAnonymous = (name: string | null): boolean => name?.startsWith('anon') ?? false;

/** The whole pages that a deletion of either form names; undefined for an empty kmem_free. */
export function freedRange(operation: { readonly kind: string }): { start: number; end: number } | undefined {
  if ('start' in operation && 'end' in operation)
    return typeof operation.start === 'number' && typeof operation.end === 'number'
      ? { start: operation.start, end: operation.end }
      : undefined;
  if (!('address' in operation) || !('size' in operation)) return undefined;
  const { address, size } = operation;
  if (typeof address !== 'number' || typeof size !== 'number' || size === 0) return undefined;
  return { start: address - (address % PAGE_SIZE), end: roundPageUnwrapped(address + size) };
}
