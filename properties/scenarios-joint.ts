/** Simplifications that only work together: one alone would take away what another one needs. */
import { bytes, objectOffset, PAGE_SIZE, roundPageUnwrapped } from '../contract/address.ts';
import { type MachineConfig, machineFaults } from '../contract/machine.ts';
import { OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import { bounds } from './generate-recipe.ts';
import { type Edit, type Edits, lowerValues, mergeMaps, standIns } from './scenarios-edits.ts';
import { CANONICAL_MAP_MIN } from './scenarios-measure.ts';
import { type Edited, withFields } from './scenarios-rebuild.ts';
import { createdMap, type Item, type Trace } from './scenarios-trace.ts';

const unchanged = (item: Item): Edited => ({ item, operation: item.operation });

/** Scenarios longer than this are not simplified by two things at once: there are too many pairs. */
const LONGEST = 12;

/** Pages that an operation asks for; 0 where it asks for none. */
function pagesOf(operation: Operation): number {
  if (operation.kind === 'vm_map_insert')
    return operation.end > operation.start ? Math.ceil((operation.end - operation.start) / PAGE_SIZE) : 0;
  if (operation.kind === 'vm_map_create') return (operation.max - operation.min) / PAGE_SIZE;
  const size = 'size' in operation && !('address' in operation) ? operation.size : 0;
  return roundPageUnwrapped(size) / PAGE_SIZE;
}

/** The operation asking for fewer pages; undefined where nothing would be left. */
function withFewerPages(operation: Operation, fewer: number): Operation | undefined {
  const left = pagesOf(operation) - fewer;
  if (left <= 0) return undefined;
  if (operation.kind === 'vm_map_insert')
    return { ...operation, ...bounds({ start: operation.start, end: operation.start + left * PAGE_SIZE }) };
  if (operation.kind === 'vm_map_create')
    return {
      ...operation,
      max: bounds({ start: operation.min, end: operation.max - fewer * PAGE_SIZE }).end,
    };
  return withFields(operation, new Map([['size', bytes(left * PAGE_SIZE)]]));
}

/** The machine with so many frames, pages of room, thresholds or entries less; only sound machines. */
function smallerMachines(machine: MachineConfig, fewer: number, dropped: boolean): MachineConfig[] {
  const { managedPages, kernelMax, kernelStart, freeTarget, inactiveTarget, mapEntries, scratchPages } =
    machine;
  const smaller: MachineConfig[] = [];
  if (managedPages - fewer > scratchPages) {
    const frames = managedPages - fewer;
    smaller.push({ ...machine, managedPages: frames });
    if (kernelMax - kernelStart > fewer * PAGE_SIZE) {
      const { start: kernelMin, end } = bounds({
        start: machine.kernelMin,
        end: kernelMax - fewer * PAGE_SIZE,
      });
      smaller.push({ ...machine, kernelMin, kernelMax: end, managedPages: frames });
    }
    if (freeTarget >= fewer)
      smaller.push({ ...machine, managedPages: frames, freeTarget: freeTarget - fewer });
    if (inactiveTarget >= fewer)
      smaller.push({ ...machine, managedPages: frames, inactiveTarget: inactiveTarget - fewer });
  }
  if (kernelMax - kernelStart > fewer * PAGE_SIZE) {
    const { end } = bounds({ start: machine.kernelMin, end: kernelMax - fewer * PAGE_SIZE });
    smaller.push({ ...machine, kernelMax: end });
  }
  if (dropped && mapEntries !== null)
    smaller.push(...[1, 2].map((less) => ({ ...machine, mapEntries: mapEntries - less })));
  return smaller.filter((one) => machineFaults(one).length === 0);
}

const amounts = (all: number): number[] =>
  [...new Set([all, all - 1, Math.floor(all / 2), 1])].filter((amount) => amount > 0 && amount <= all);

/** An operation that asks for less, or is left out, while there is as much less to be had. */
export const lowerWithResources: Edits = (trace) => {
  if (trace.items.length > LONGEST) return [];
  return trace.items.flatMap((item) => {
    const all = pagesOf(item.operation);
    return (all === 0 ? [0] : amounts(all)).flatMap((fewer) => lowerBoth(trace, item, fewer));
  });
};

function lowerBoth({ machine, items }: Trace, item: Item, fewer: number): (() => Edit)[] {
  const lowered = fewer === 0 ? undefined : withFewerPages(item.operation, fewer);
  const edited = items.flatMap((other) => {
    if (other !== item) return [unchanged(other)];
    return lowered === undefined ? [] : [{ item, operation: lowered }];
  });
  const smaller = smallerMachines(machine, fewer, lowered === undefined);
  const creators = items.filter(
    (other) => item.needs.has(other) && createdMap(other.operation) !== undefined && other !== item,
  );
  const gone = lowered === undefined ? pagesOf(item.operation) : fewer;
  return [
    ...smaller.map((one) => () => ({ machine: one, items: edited })),
    ...creators.flatMap((creator) => {
      const less = gone === 0 ? undefined : withFewerPages(creator.operation, gone);
      if (less === undefined) return [];
      const both = edited.map((one) => (one.item === creator ? { item: creator, operation: less } : one));
      const nearer = both.map((one) => ({
        ...one,
        operation: withNearerOffset(one.operation, gone * PAGE_SIZE),
      }));
      return [() => ({ machine, items: both }), () => ({ machine, items: nearer })];
    }),
  ];
}

/** The operation with an offset that many bytes lower, where it has one that is not. */
const withNearerOffset = (operation: Operation, distance: number): Operation =>
  'offset' in operation && operation.offset >= distance
    ? withFields(operation, new Map([['offset', objectOffset(operation.offset - distance)]]))
    : operation;

/** Meanings of fields whose values are worth being changed wherever they stand. */
const SHARED = new Set(['protection', 'inheritance', 'object', 'size', 'flag']);

/** A value that stands in several places, lowered in all of them. */
export const lowerEverywhere: Edits = ({ machine, items }) => {
  const places = new Map<string, { readonly value: unknown; count: number }>();
  for (const { operation } of items)
    for (const [name, meaning] of Object.entries(OPERATION_FIELDS[operation.kind])) {
      const value = fieldsOf(operation).get(name);
      const key = `${meaning} ${String(value)}`;
      const known = places.get(key);
      if (known !== undefined) known.count += 1;
      else if (SHARED.has(meaning)) places.set(key, { value, count: 1 });
    }
  return [...places].flatMap(([key, { value, count }]) => {
    if (count < 2) return [];
    const [meaning = ''] = key.split(' ');
    return lowerValues(value, meaning).map((lower) => () => ({
      machine,
      items: items.map((item) => ({ item, operation: replacedIn(item.operation, meaning, value, lower) })),
    }));
  });
};

const fieldsOf = (operation: Operation): ReadonlyMap<string, unknown> => new Map(Object.entries(operation));

function replacedIn(operation: Operation, meaning: string, value: unknown, by: unknown): Operation {
  const fields = fieldsOf(operation);
  const changed = Object.entries(OPERATION_FIELDS[operation.kind])
    .filter(([name, its]) => its === meaning && fields.get(name) === value)
    .map(([name]): [string, unknown] => [name, by]);
  return withFields(operation, new Map(changed));
}

/** A kind that stands in several places, replaced in all of them. */
export const simplifyKindsTogether: Edits = ({ machine, items }) => {
  const kinds = [...new Set(items.map(({ operation }) => operation.kind))];
  return kinds.flatMap((kind) => {
    const some = items.filter(({ operation }) => operation.kind === kind);
    const choices = Math.max(...some.map(({ operation }) => standIns(operation).length));
    if (some.length < 2) return [];
    return Array.from({ length: choices }, (_, choice) => () => ({
      machine,
      items: items.map((item) => ({
        item,
        operation: (some.includes(item) ? standIns(item.operation)[choice] : undefined) ?? item.operation,
      })),
    }));
  });
};

/** Pages that are allocated and then wired or faulted in, allocated wired at once. */
export const foldWiring: Edits = ({ machine, items }) =>
  items.flatMap((item) => {
    const { operation } = item;
    const fillsIn =
      operation.kind === 'vm_fault' || (operation.kind === 'vm_map_pageable' && !operation.pageable);
    if (!fillsIn) return [];
    return [...item.needs].flatMap((allocation) => {
      if (allocation.operation.kind !== 'kmem_alloc_pageable') return [];
      const wired: Operation = { ...allocation.operation, kind: 'kmem_alloc' };
      return [
        () => ({
          machine,
          items: items
            .filter((other) => other !== item)
            .map((other) => ({ item: other, operation: other === allocation ? wired : other.operation })),
        }),
      ];
    });
  });

/** A map that is created, and put over a range of another, made a submap at once. */
export const foldSubmaps: Edits = ({ machine, items }) =>
  items.flatMap((item) => {
    const { operation } = item;
    if (operation.kind !== 'vm_map_submap') return [];
    const creator = items.find(
      (other) => other.operation.kind === 'vm_map_create' && other.operation.name === operation.submap,
    );
    if (creator?.operation.kind !== 'vm_map_create') return [];
    const size = bytes(creator.operation.max - creator.operation.min);
    const made: Operation = {
      ...{ kind: 'kmem_suballoc', name: creator.operation.name, parent: operation.map },
      ...{ size, pageable: creator.operation.pageable },
    };
    const allocations = (needs: Iterable<Item>): Item[] =>
      [...needs].filter((other) => other !== creator && pagesOf(other.operation) > 0);
    const over = allocations([...item.needs, ...creator.needs]);
    return [over, allocations(item.needs), []].map((gone) => () => ({
      machine,
      items: items
        .filter((other) => other !== item && !gone.includes(other))
        .map((other) => ({ item: other, operation: other === creator ? made : other.operation })),
    }));
  });

/** A submap merged into another map, with no more room in the kernel map than is taken: what was full stays full. */
export const mergeMapsTightly: Edits = (trace) => {
  const { machine, items } = trace;
  const ends = items.flatMap(({ handed }) => (handed === null ? [] : [handed.end]));
  const { end: kernelMax } = bounds({
    start: machine.kernelMin,
    end: Math.max(machine.kernelStart + PAGE_SIZE, ...ends),
  });
  if (items.length > LONGEST || kernelMax >= machine.kernelMax) return [];
  return mergeMaps(trace).map((merge) => () => ({ ...merge(), machine: { ...machine, kernelMax } }));
};

/** A map of its own with all that is in it, moved to where such maps are, or to the kernel map's addresses. */
export const moveMaps: Edits = ({ machine, items }) =>
  items.flatMap((creator) => {
    const { operation } = creator;
    if (operation.kind !== 'vm_map_create') return [];
    return [machine.kernelMin, CANONICAL_MAP_MIN].map((to) => {
      const { start: min, end: max } = bounds({ start: to, end: to + (operation.max - operation.min) });
      return () => ({
        machine,
        items: items.map((item) =>
          item === creator ? { item, operation: { ...operation, min, max } } : unchanged(item),
        ),
      });
    });
  });

/** A range made exactly that of an allocation before it: its ends may have to move at once, and apart. */
export const snapRanges: Edits = ({ machine, items }) => {
  if (items.length > LONGEST) return [];
  return items.flatMap((item, i) => {
    const extents = items.slice(0, i).flatMap(({ handed }) => handed ?? []);
    return extents.flatMap(({ start, end }) => {
      const snapped = withRange(item.operation, bounds({ start, end }));
      if (snapped === undefined) return [];
      return [
        () => ({
          machine,
          items: items.map((other) => (other === item ? { item, operation: snapped } : unchanged(other))),
        }),
      ];
    });
  });
};

/** The operation on another range; undefined where it works on none. */
function withRange(operation: Operation, { start, end }: ReturnType<typeof bounds>): Operation | undefined {
  if ('address' in operation && 'size' in operation)
    return { ...operation, address: start, size: bytes(end - start) };
  if ('start' in operation && 'end' in operation && operation.kind !== 'vm_map_insert')
    return { ...operation, start, end };
  return undefined;
}

/** Two neighbours the other way round, where the second does not need the first. */
export const sortNeighbours: Edits = ({ machine, items }) =>
  items.flatMap((first, i) => {
    const second = items[i + 1];
    if (second === undefined || second.needs.has(first)) return [];
    const order = [...items.slice(0, i), second, first, ...items.slice(i + 2)];
    return [() => ({ machine, items: order.map(unchanged) })];
  });

/** A size lowered wherever it stands, and with it the offsets of what lies at its end. */
export const lowerWithOffsets: Edits = (trace) => lowerOffsetsOn(trace, () => [trace.machine]);

/** The same while there is as much less to be had. */
export const lowerWithOffsetsAndResources: Edits = (trace) =>
  trace.items.length > LONGEST
    ? []
    : lowerOffsetsOn(trace, (fewer) => smallerMachines(trace.machine, fewer, false));

function lowerOffsetsOn(
  { items }: Trace,
  machinesFor: (fewer: number) => readonly MachineConfig[],
): readonly (() => Edit)[] {
  const sizes = new Set(items.flatMap(({ operation }) => ('size' in operation ? [operation.size] : [])));
  const hasOffsets = items.some(({ operation }) => 'offset' in operation && operation.offset > 0);
  if (!hasOffsets) return [];
  return [...sizes].flatMap((size) =>
    lowerValues(size, 'size').flatMap((value) => {
      const lower = Number(value);

      const changed = (operation: Operation): Operation => {
        const smaller = replacedIn(operation, 'size', size, lower);
        return 'offset' in smaller && smaller.offset <= size
          ? withNearerOffset(smaller, size - lower)
          : smaller;
      };
      return machinesFor(Math.floor((size - lower) / PAGE_SIZE)).map((one) => () => ({
        machine: one,
        items: items.map((item) => ({ item, operation: changed(item.operation) })),
      }));
    }),
  );
}

/** Pages allocated wired behind an allocation, made a part of it, and the first of them faulted in where it was wired. */
export const unfoldWiring: Edits = ({ machine, items }) =>
  items.flatMap((wired, i) => {
    const before = items[i - 1];
    if (wired.operation.kind !== 'kmem_alloc' || before?.operation.kind !== 'kmem_alloc_pageable') return [];
    const { map, size } = wired.operation;
    if (before.operation.map !== map || wired.handed === null || before.handed?.end !== wired.handed.start)
      return [];
    const larger: Operation = { ...before.operation, size: bytes(before.operation.size + size) };
    const { start: address } = bounds(wired.handed);
    const fault: Operation = { kind: 'vm_fault', map, address, protection: 7 };
    return [
      () => ({
        machine,
        items: items.map((item) => {
          if (item === before) return { item, operation: larger };
          return item === wired ? { item, operation: fault } : unchanged(item);
        }),
      }),
    ];
  });

/** Scenarios with more addresses than this have too many pairs of them. */
const MOST_ADDRESSES = 6;

/** Two pages that take each other's place wherever they stand. */
export const swapPages: Edits = ({ machine, items }) => {
  const addresses = new Set(
    items.flatMap(({ operation }) => ('address' in operation ? [operation.address] : [])),
  );
  if (addresses.size < 2 || addresses.size > MOST_ADDRESSES) return [];
  const all = [...addresses].sort((one, other) => one - other);
  return all.flatMap((low, i) =>
    all.slice(i + 1).map((high) => () => ({
      machine,
      items: items.map((item) => {
        const { operation } = item;
        if (!('address' in operation)) return unchanged(item);
        const swapped = operation.address === low ? high : operation.address === high ? low : null;
        return swapped === null
          ? unchanged(item)
          : { item, operation: withFields(operation, new Map([['address', swapped]])) };
      }),
    })),
  );
};
