/**
 * What a first attempt with fast-check looks like: one command for each kind of operation with plain arbitraries for its
 * arguments, and a `check` that lets everything through. Nothing looks at the model before the command runs.
 */
import fc, { type Arbitrary } from 'fast-check';
import { address, PAGE_SIZE } from '../../contract/address.ts';
import {
  type FieldMeaning,
  OPERATION_FIELDS,
  OPTIONAL_FIELDS,
  type Operation,
  type OperationKind,
} from '../../contract/operation.ts';
import { KERNEL_KINDS } from '../../properties/workloads.ts';
import type { LiveRun } from './live-run.ts';

/** A command on a run, which holds model and kernel under test: it is both sides for fast-check. */
export type LiveCommand = fc.Command<LiveRun, LiveRun>;

/** Values as drawn: addresses are bytes from where the free part of kernel_map begins, ends are lengths. */
type Drawn = Readonly<Record<string, string | number | boolean | readonly number[]>>;

const maps = fc.constantFrom('kernel', 'kmem', 'mb', 'sub0');
const nearby = fc.integer({ min: -4, max: 24 }).map((count) => count * PAGE_SIZE);

const ARGUMENTS: { readonly [Meaning in FieldMeaning]: Arbitrary<Drawn[string]> } = {
  map: maps,
  'new-map': fc.constantFrom('kmem', 'mb', 'sub0', 'map0'),
  address: nearby,
  size: fc.integer({ min: 0, max: 8 * PAGE_SIZE }),
  offset: fc.nat({ max: 24 }).map((count) => count * PAGE_SIZE),
  protection: fc.nat({ max: 7 }),
  inheritance: fc.nat({ max: 3 }),
  flag: fc.boolean(),
  object: fc.constantFrom('null', 'kernel', 'kmem', 'anon'),
  byte: fc.nat({ max: 255 }),
  bytes: fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 16 }),
  length: fc.integer({ min: 1, max: 16 }),
  frame: fc.nat({ max: 40 }),
  operation: fc.integer({ min: 1, max: 20 }),
  pmap: fc.constant('kernel'),
  'new-pmap': fc.constant('u0'),
  mode: fc.constant('user'),
};

const lengths = fc.integer({ min: 0, max: 8 }).map((count) => count * PAGE_SIZE);

const argumentOf = (field: string, meaning: FieldMeaning): Arbitrary<Drawn[string]> =>
  field === 'end' || field === 'max' ? lengths : ARGUMENTS[meaning];

/** The operation on the machine at hand. */
function operationOf(kind: OperationKind, drawn: Drawn, from: number): Operation {
  const fields: Record<string, Drawn[string]> = {};
  for (const [field, meaning] of Object.entries(OPERATION_FIELDS[kind])) {
    const value = drawn[field];
    if (value === undefined) continue;
    const begin = drawn.start ?? drawn.min;
    const isEnd = field === 'end' || field === 'max';
    const base = isEnd ? from + Number(begin) : from;
    fields[field] = meaning === 'address' ? address(base + Number(value)) : value;
  }
  // The table that the fields come from is the one that the type is checked against.
  return { kind, ...fields } as unknown as Operation;
}

class NaiveCommand implements LiveCommand {
  readonly #kind: OperationKind;
  readonly #drawn: Drawn;

  constructor(kind: OperationKind, drawn: Drawn) {
    this.#kind = kind;
    this.#drawn = drawn;
  }

  check(live: Readonly<LiveRun>): boolean {
    return !live.ended && live.permits(this.#operation(live));
  }

  run(live: LiveRun): void {
    live.apply(this.#operation(live));
  }

  toString(): string {
    return `${this.#kind}(${JSON.stringify(this.#drawn)})`;
  }

  #operation({ ground }: Readonly<LiveRun>): Operation {
    return operationOf(this.#kind, this.#drawn, ground.machine.kernelStart);
  }
}

/** One arbitrary for each kind of operation, all as likely. */
export const naiveCommands = (): Arbitrary<LiveCommand>[] =>
  [...KERNEL_KINDS].map((kind) => {
    // What is optional is for address spaces beside the kernel's, which no arm has.
    const optional: readonly string[] = OPTIONAL_FIELDS[kind] ?? [];
    const fields = Object.entries(OPERATION_FIELDS[kind])
      .filter(([field]) => !optional.includes(field))
      .map(([field, meaning]): [string, Arbitrary<Drawn[string]>] => [field, argumentOf(field, meaning)]);
    return fc
      .record(Object.fromEntries(fields), { noNullPrototype: true })
      .map((drawn) => new NaiveCommand(kind, drawn));
  });
