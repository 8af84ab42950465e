/** Which arguments of a failing scenario may be others, and over what range that was tried. */

import { ADDRESS_SPACE_END, PAGE_SIZE } from '../contract/address.ts';
import { type FieldMeaning, OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Trial } from './explain-needs.ts';
import { rebuild, withFields } from './scenarios-rebuild.ts';
import type { Item } from './scenarios-trace.ts';
import { createdMap } from './scenarios-trace.ts';

/** A value of an argument as it stands in an operation. */
export type ArgumentValue = number | boolean | string | readonly number[];

/** One argument and what else it may be. */
export interface ArgumentFreedom {
  /** Number of the operation, from 1, and name and meaning of the field. */
  readonly number: number;
  readonly field: string;
  readonly meaning: FieldMeaning;
  readonly value: ArgumentValue;
  /** Values that fail as before; ascending where they are numbers. The present one is among them. */
  readonly kept: readonly ArgumentValue[];
  /** Values that do not, or with which the operation is refused. */
  readonly lost: readonly ArgumentValue[];
  /**
   * `fixed`: no other value tried fails so. `any`: every one does. `range`: numbers from `kept[0]` to the last of them, and none
   * outside. `some`: anything else.
   */
  readonly freedom: 'fixed' | 'any' | 'range' | 'some';
}

/** Meanings of fields that are varied; what a new map is called, and which operation is resumed, are not. */
const PAGES_TRIED = [1, 2, 3, 4, 8, 16, 64, 1024];

const inWord = (values: readonly number[]): number[] => [
  ...new Set(values.filter((value) => value >= 0 && value < ADDRESS_SPACE_END)),
];

const around = (value: number): number[] =>
  inWord([value - PAGE_SIZE, value - 1, value, value + 1, value + PAGE_SIZE]);

/** What to try for a field, in a fixed order. */
function valuesFor(meaning: FieldMeaning, value: ArgumentValue, maps: readonly string[]): ArgumentValue[] {
  switch (meaning) {
    case 'size':
      return inWord([
        ...around(Number(value)),
        ...[0, 1, 2, 0x7fff_ffff, 0xffff_f000, 0xffff_ffff],
        ...PAGES_TRIED.map((pages) => pages * PAGE_SIZE),
      ]);
    case 'length':
      return inWord([...around(Number(value)), 1, 2, 4, PAGE_SIZE, 2 * PAGE_SIZE]);
    case 'address':
    case 'offset':
      return inWord([
        ...around(Number(value)),
        Number(value) + 2 * PAGE_SIZE,
        Number(value) - 2 * PAGE_SIZE,
        ...[0, 0xffff_f000],
      ]);
    case 'protection':
      return [0, 1, 2, 3, 4, 5, 6, 7];
    case 'inheritance':
      return [0, 1, 2, 3];
    case 'flag':
      return [false, true];
    case 'object':
      return ['null', 'anon', 'kernel', 'kmem'];
    case 'byte':
      return [0, 1, 0x7f, 0xa5, 0xdd, 0xff];
    case 'bytes':
      return [[0], [1], [0xff], [0xa5], [1, 2, 3, 4]];
    case 'frame':
      return inWord([Number(value) - 1, Number(value) + 1, 0, 1, 2]);
    case 'map':
      return [...maps];
    case 'new-map':
    case 'new-pmap':
    case 'pmap':
    case 'mode':
    case 'operation':
      return [];
  }
}

const order = (one: ArgumentValue, other: ArgumentValue): number =>
  typeof one === 'number' && typeof other === 'number' ? one - other : 0;

/** Varies each argument by itself; what refers to the same allocation moves along. */
export function argumentsOf(trial: Trial): ArgumentFreedom[] {
  const { items } = trial.trace;
  const maps = ['kernel', ...items.flatMap(({ operation }) => createdMap(operation) ?? [])];
  return items.flatMap((item, i) =>
    fieldsOf(item.operation).flatMap(([field, meaning, value]): ArgumentFreedom[] => {
      const tried = valuesFor(meaning, value, maps).filter((other) => !same(other, value));
      if (tried.length === 0) return [];
      const kept: ArgumentValue[] = [value];
      const lost: ArgumentValue[] = [];
      for (const other of tried) {
        if (trial.shouldStop()) return [];
        (failsWith(trial, item, field, other) ? kept : lost).push(other);
      }
      kept.sort(order);
      lost.sort(order);
      const freedom = freedomOf(kept, lost);
      return [{ number: i + 1, field, meaning, value, kept, lost, freedom }];
    }),
  );
}

const same = (one: ArgumentValue, other: ArgumentValue): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

function fieldsOf(operation: Operation): [string, FieldMeaning, ArgumentValue][] {
  const values: ReadonlyMap<string, ArgumentValue> = new Map(Object.entries(operation));
  const meanings: Readonly<Record<string, FieldMeaning>> = OPERATION_FIELDS[operation.kind];
  return Object.entries(meanings).flatMap(([field, meaning]) => {
    const value = values.get(field);
    return value === undefined ? [] : [[field, meaning, value]];
  });
}

/** Whether the scenario fails as before with another value; a value with which an operation is refused is none. */
function failsWith(
  { trace, reference, judge, isAlike }: Trial,
  varied: Item,
  field: string,
  value: ArgumentValue,
): boolean {
  const edited = trace.items.map((item) => ({
    item,
    operation: item === varied ? withFields(item.operation, new Map([[field, value]])) : item.operation,
  }));
  const scenario = rebuild(trace, edited, { reference, machine: trace.machine, relocate: true });
  if (scenario === undefined || scenario.operations.length < trace.items.length) return false;
  return isAlike(judge(scenario));
}

function freedomOf(
  kept: readonly ArgumentValue[],
  lost: readonly ArgumentValue[],
): ArgumentFreedom['freedom'] {
  if (kept.length === 1) return 'fixed';
  if (lost.length === 0) return 'any';
  const [least, most] = [kept[0], kept.at(-1)];
  if (typeof least !== 'number' || typeof most !== 'number') return 'some';
  return lost.some((value) => typeof value === 'number' && value > least && value < most) ? 'some' : 'range';
}
