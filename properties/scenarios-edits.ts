/** The ways to make a scenario simpler, each a lazy list of edited item lists or machines. */
import { ADDRESS_SPACE_END, byteDistance, PAGE_SIZE, roundPageUnwrapped } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';
import {
  type FieldMeaning,
  OPERATION_FIELDS,
  type Operation,
  type OperationOf,
} from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import { bounds } from './generate-recipe.ts';
import { PROTECTION_COSTS } from './scenarios-measure.ts';
import { type Edited, withFields } from './scenarios-rebuild.ts';
import { createdMap, type Item, type Trace } from './scenarios-trace.ts';

/** One simplification: what becomes of the items, on which machine. */
export interface Edit {
  readonly items: readonly Edited[];
  readonly machine: MachineConfig;
}

/** A family of simplifications, tried from position `from` on and then from the start. */
export type Edits = (trace: Trace) => readonly (() => Edit)[];

const unchanged = (item: Item): Edited => ({ item, operation: item.operation });

const without = ({ machine, items }: Trace, dropped: (item: Item, position: number) => boolean): Edit => ({
  machine,
  items: items.filter((item, position) => !dropped(item, position)).map(unchanged),
});

/** Blocks of `size` operations left out, the last ones first. */
export const dropBlocks =
  (size: number): Edits =>
  (trace) => {
    const count = trace.items.length;
    if (size >= count) return [];
    const starts: number[] = [];
    for (let start = count - size; start > -size; start -= size) starts.push(Math.max(0, start));
    return starts.map((from) => () => without(trace, (_item, i) => i >= from && i < from + size));
  };

/** An operation left out together with all that refer to it, directly or not. */
export const dropWithDependents: Edits = (trace) =>
  trace.items.flatMap((root) => {
    const gone = new Set<Item>([root]);
    for (const item of trace.items) if ([...item.needs].some((needed) => gone.has(needed))) gone.add(item);
    return gone.size < 2 || gone.size === trace.items.length
      ? []
      : [() => without(trace, (item) => gone.has(item))];
  });

/** Two operations left out at once that only together can go, such as a wire and its unwire. */
export const dropPairs: Edits = (trace) => {
  const { items } = trace;
  if (items.length > 24) return [];
  return items.flatMap((first, i) =>
    items
      .slice(i + 2, i + 8)
      .map((second) => () => without(trace, (item) => item === first || item === second)),
  );
};

/** An allocation left out and its size given to one soon after it: where only the sum matters, one does. */
export const mergeSizes: Edits = ({ machine, items }) =>
  items.flatMap((first, i) => {
    if (!('size' in first.operation)) return [];
    const { size } = first.operation;
    return items.slice(i + 1, i + 4).flatMap((second) => {
      if (!('size' in second.operation) || second.needs.has(first)) return [];
      const sum = roundPageUnwrapped(size) + roundPageUnwrapped(second.operation.size);
      if (sum >= ADDRESS_SPACE_END) return [];
      const merged = withFields(second.operation, new Map([['size', sum]]));
      const rest = items.filter((item) => item !== first);
      return [
        () => ({
          machine,
          items: rest.map((item) => (item === second ? { item, operation: merged } : unchanged(item))),
        }),
      ];
    });
  });

const isMallocMap = (map: MapName): boolean => map === 'kmem' || map === 'mb';

/** The operation on another map; a kmem_malloc only where that map takes it. */
function movedTo(operation: Operation, from: MapName, to: MapName): Operation {
  if (!('map' in operation) || operation.map !== from) return operation;
  if (operation.kind !== 'kmem_malloc' || isMallocMap(to)) return { ...operation, map: to };
  return { kind: 'kmem_alloc', map: to, size: operation.size };
}

/** A submap left out, its operations moved into `kernel` or into another submap. */
export const mergeMaps: Edits = ({ machine, items }) => {
  const names = items.flatMap(({ operation }) => createdMap(operation) ?? []);
  return items.flatMap((creator) => {
    const name = createdMap(creator.operation);
    if (name === undefined) return [];
    const rest = items.filter((item) => item !== creator);
    return ['kernel', ...names.filter((other) => other !== name)].map((other) => () => ({
      machine,
      items: rest.map((item) => ({ item, operation: movedTo(item.operation, name, other) })),
    }));
  });
};

/** The first names that are free: `sub0` and so on, and `kmem` for `mb`, which means a second one. */
function plainerNames(name: string, used: ReadonlySet<string | undefined>): string[] {
  const plain = [0, 1, 2, 3].map((i) => `sub${i}`);
  const free = plain
    .slice(0, plain.includes(name) ? plain.indexOf(name) : plain.length)
    .filter((one) => !used.has(one));
  return [...free.slice(0, 1), ...(name === 'mb' && !used.has('kmem') ? ['kmem'] : [])];
}

/** A map renamed to the first name of its sort that no operation uses. */
export const simplifyNames: Edits = ({ machine, items }) => {
  const used = new Set(items.map(({ operation }) => createdMap(operation)));
  return [...used].flatMap((name) => {
    const free = name === undefined ? [] : plainerNames(name, used);
    const renamed = (operation: Operation, to: string): Operation => {
      const fields: Readonly<Record<string, FieldMeaning>> = OPERATION_FIELDS[operation.kind];
      const named = Object.entries(operation).filter(
        ([field, value]) => value === name && (fields[field] === 'map' || fields[field] === 'new-map'),
      );
      return withFields(operation, new Map(named.map(([field]) => [field, to])));
    };
    return free.map((to) => () => ({
      machine,
      items: items.map((item) => ({ item, operation: renamed(item.operation, to) })),
    }));
  });
};

/** What clips a range as another operation does, and changes least. */
const inheriting = ({ map, start, end }: OperationOf<'vm_map_protect' | 'vm_map_pageable'>): Operation => ({
  kind: 'vm_map_inherit',
  ...{ map, start, end, inheritance: 1 },
});

/** Simpler operations that may stand in for one. */
export function standIns(operation: Operation): Operation[] {
  switch (operation.kind) {
    case 'kmem_alloc':
    case 'kmem_alloc_wait':
      return [{ kind: 'kmem_alloc_pageable', map: operation.map, size: operation.size }];
    case 'kmem_malloc': {
      const { map, size } = operation;
      return [
        { kind: 'kmem_alloc_pageable', map, size },
        { kind: 'kmem_alloc', map, size },
      ];
    }
    case 'vm_map_insert': {
      const { map, start, end } = operation;
      if (end <= start) return [];
      return [{ kind: 'kmem_alloc_pageable', map, size: byteDistance(start, end) }];
    }
    case 'vm_map_find': {
      const { kind: _, findSpace: __, address: start, length, ...rest } = operation;
      return [{ kind: 'vm_map_insert', ...rest, ...bounds({ start, end: start + length }) }];
    }
    case 'kmem_free_wakeup':
      return [{ ...operation, kind: 'kmem_free' }];
    case 'vm_map_remove':
    case 'vm_map_delete': {
      const { map, start, end } = operation;
      if (end <= start) return [];
      return [{ kind: 'kmem_free', map, address: start, size: byteDistance(start, end) }];
    }
    case 'vm_map_protect':
      return [inheriting(operation)];
    case 'vm_map_pageable': {
      const { map, start: address, end } = operation;
      const fault: Operation = { kind: 'vm_fault', map, address, protection: 7 };
      return end > address ? [fault, inheriting(operation)] : [inheriting(operation)];
    }
    case 'checked_read':
    case 'checked_write': {
      const { map, address: at } = operation;
      return [{ kind: 'vm_fault', map, address: at, protection: operation.kind === 'checked_read' ? 1 : 3 }];
    }
    case 'cpu_read':
      return [{ kind: 'checked_read', map: 'kernel', address: operation.address }];
    case 'cpu_write':
      return [{ kind: 'checked_write', map: 'kernel', address: operation.address, byte: 1 }];
    case 'pmap_kenter':
      return [{ ...operation, kind: 'pmap_enter', protection: 7, wired: true }];
    default:
      return [];
  }
}

const replaced = ({ machine, items }: Trace, position: number, operation: Operation): Edit => ({
  machine,
  items: items.map((item, i) => (i === position ? { item, operation } : unchanged(item))),
});

/** Kinds replaced by simpler ones. */
export const simplifyKinds: Edits = (trace) =>
  trace.items.flatMap(({ operation }, i) =>
    standIns(operation).map((simpler) => () => replaced(trace, i, simpler)),
  );

/** Lower counts down to the least: that first, then down by halves of what there is, to one less. */
export function stepsDown(count: number, least: number): number[] {
  const lower = new Set([least]);
  for (let step = Math.floor((count - least) / 2); step > 0; step = Math.floor(step / 2))
    lower.add(count - step);
  lower.add(count - 1);
  return [...lower].filter((one) => one >= least && one < count);
}

function lowerSizes(size: number): number[] {
  if (size === PAGE_SIZE) return [];
  const rounded = roundPageUnwrapped(size);
  const lower = stepsDown(rounded / PAGE_SIZE, 1).map((count) => count * PAGE_SIZE);
  return [...lower, rounded].filter((value) => value > 0 && value < ADDRESS_SPACE_END && value !== size);
}

/** Lower addresses: aligned, at the start of what the address belongs to, half way there, one page lower. */
function lowerAddresses(value: number, distance: number): number[] {
  const page = value - (value % PAGE_SIZE);
  const far = distance - (distance % PAGE_SIZE);
  const nearer = stepsDown(far / PAGE_SIZE, 0).map((count) => page - far + count * PAGE_SIZE);
  return [page, ...nearer, page - PAGE_SIZE].filter((lower) => lower >= 0 && lower < value);
}

/** The simplest first. */
const PROTECTIONS: readonly number[] = PROTECTION_COSTS.map((_, value) => value).sort(
  (one, other) => (PROTECTION_COSTS[one] ?? 0) - (PROTECTION_COSTS[other] ?? 0),
);

/** Simpler values of a field, the simplest first. */
export function lowerValues(value: unknown, meaning: string): readonly unknown[] {
  switch (meaning) {
    case 'size':
      return typeof value === 'number' ? lowerSizes(value) : [];
    case 'flag':
      return value === true ? [false] : [];
    case 'byte':
      return value === 1 ? [] : [1];
    case 'length':
      return value === 1 ? [] : [1];
    case 'bytes':
      return Array.isArray(value) && value.length > 1 ? [[1], value.map(() => 1)] : [[1]];
    case 'protection':
      return typeof value === 'number' ? PROTECTIONS.slice(0, PROTECTIONS.indexOf(value)) : [];
    case 'inheritance':
      return value === 1 ? [] : [1, 0];
    case 'frame':
      return typeof value === 'number' && value > 0 ? [0, value - 1] : [];
    case 'object':
      return value === 'null' ? [] : ['null', 'anon'];
    case 'map':
      return value === 'kernel' ? [] : ['kernel'];
    default:
      return [];
  }
}

/** Operations with one field simpler, or a range shifted or shortened as a whole. */
function lowered({ operation, anchors }: Item): Operation[] {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(operation));
  const simpler: Operation[] = [];
  for (const [name, meaning] of Object.entries(OPERATION_FIELDS[operation.kind])) {
    for (const value of lowerValues(values.get(name), meaning))
      simpler.push(withFields(operation, new Map([[name, value]])));
    const anchor = anchors.get(name);
    if (anchor === undefined) continue;
    for (const value of lowerAddresses(anchor.value, Math.max(0, anchor.place.distance)))
      simpler.push(...withAddress(operation, values, { name, from: anchor.value, to: value }));
  }
  if ('address' in operation && 'size' in operation && operation.size > PAGE_SIZE)
    simpler.push(withoutFirstPage(operation));
  return simpler;
}

/** The range without its first page. */
const withoutFirstPage = (operation: Extract<Operation, { address: number; size: number }>): Operation =>
  withFields(
    operation,
    new Map([
      ['address', operation.address + PAGE_SIZE],
      ['size', operation.size - PAGE_SIZE],
    ]),
  );

/** One address lowered alone; for the start of a range also together with its end. */
function withAddress(
  operation: Operation,
  values: ReadonlyMap<string, unknown>,
  { name, from, to }: { name: string; from: number; to: number },
): Operation[] {
  const alone = withFields(operation, new Map([[name, to]]));
  const end = values.get('end');
  if (name !== 'start' || typeof end !== 'number' || end < from - to) return [alone];
  const both = new Map([
    ['start', to],
    ['end', end - (from - to)],
  ]);
  return [withFields(operation, both), alone];
}

/** Arguments lowered, one operation at a time. */
export const lowerArguments: Edits = (trace) =>
  trace.items.flatMap((item, i) => lowered(item).map((simpler) => () => replaced(trace, i, simpler)));
