/** The operations that an exhaustive search tries in a state. An operation kind without an entry does not compile. */
import { address, type ByteCount, objectOffset, PAGE_SIZE } from '../contract/address.ts';
import type { Operation, OperationKind, OperationOf } from '../contract/operation.ts';
import { OPERATION_KINDS } from '../contract/operation.ts';
import type { MapSnapshot } from '../contract/vm-map.ts';
import { Ground, type Vocabulary } from './explore-ground.ts';
import { PMAP_CHOICES } from './explore-pmap.ts';
import { leavesWindow } from './scratch-window.ts';
import type { View } from './view.ts';

/** What to try of one kind, in an order that follows from the state alone. */
export type Choices<Kind extends OperationKind> = {
  readonly [Each in Kind]: (ground: Ground) => readonly OperationOf<Each>[];
};

/** One choice for each map and each of some values. */
const each = <Value, Choice>(
  maps: readonly MapSnapshot[],
  values: (map: MapSnapshot) => readonly Value[],
  choice: (map: string, value: Value) => Choice,
): Choice[] => maps.flatMap((map) => values(map).map((value) => choice(map.name, value)));

const sized = ({ zero, full }: Ground, sizes: readonly ByteCount[]): readonly ByteCount[] =>
  full ? [...zero, ...sizes] : sizes;

const CHOICES: Choices<OperationKind> = {
  ...PMAP_CHOICES,
  // Reading comes first: where nothing changed, the next operation goes on with the same kernels.
  vm_map_lookup_entry: (ground) =>
    each(
      ground.maps,
      (map) => (ground.full ? ground.places(map) : ground.places(map).slice(0, 1)),
      (map, place) => ({
        kind: 'vm_map_lookup_entry',
        map,
        address: place,
      }),
    ),
  vm_map_findspace: (ground) =>
    !ground.full
      ? []
      : each(
          ground.maps,
          () => sized(ground, ground.fewSizes),
          (map, length) => ({
            kind: 'vm_map_findspace',
            map,
            start: ground.view.maps.get(map)?.min ?? address(0),
            length,
          }),
        ),
  vm_map_check_protection: (ground) =>
    each(
      ground.maps,
      (map) => (ground.full ? ground.spans(map) : ground.spans(map).slice(0, 1)),
      (map, span) => ({
        kind: 'vm_map_check_protection',
        map,
        ...span,
        protection: 3,
      }),
    ),
  cpu_read: (ground) =>
    each(ground.maps, ground.places.bind(ground), (_, place) => ({
      kind: 'cpu_read',
      address: place,
      length: 1,
    })),
  kmem_alloc_pageable: (ground) =>
    each(
      ground.maps,
      () => sized(ground, ground.fewSizes),
      (map, size) => ({ kind: 'kmem_alloc_pageable', map, size }),
    ),
  kmem_alloc: (ground) =>
    ground.mayMoreSleep
      ? each(
          ground.maps,
          () => sized(ground, ground.fewSizes),
          (map, size) => ({ kind: 'kmem_alloc', map, size }),
        )
      : [],
  kmem_malloc: (ground) =>
    each(
      ground.submaps.filter(({ name }) => name === 'kmem' || name === 'mb'),
      () => sized(ground, ground.fewSizes),
      (map, size) => ({ kind: 'kmem_malloc', map, size, canWait: false }) as OperationOf<'kmem_malloc'>,
    ).flatMap((call) => (ground.mayMoreSleep ? [call, { ...call, canWait: true }] : [call])),
  kmem_alloc_wait: (ground) =>
    ground.mayMoreSleep
      ? each(
          ground.submaps,
          () => sized(ground, ground.fewSizes),
          (map, size) => ({ kind: 'kmem_alloc_wait', map, size }),
        )
      : [],
  kmem_free: (ground) =>
    each(ground.maps, ground.spans.bind(ground), (map, { start, end }) => ({
      kind: 'kmem_free',
      map,
      address: start,
      size: (end - start) as ByteCount,
    })),
  kmem_free_wakeup: (ground) =>
    each(
      ground.submaps,
      (map) => (ground.full ? ground.spans(map) : ground.spans(map).slice(0, 1)),
      (map, { start, end }) => ({
        kind: 'kmem_free_wakeup',
        map,
        address: start,
        size: (end - start) as ByteCount,
      }),
    ),
  kmem_suballoc: (ground) =>
    ground.newMap.flatMap((name) =>
      (ground.full ? ground.sizes : ground.sizes.slice(-2, -1)).flatMap((size) =>
        (ground.full ? [false, true] : [false]).map((pageable) => ({
          kind: 'kmem_suballoc' as const,
          name,
          parent: 'kernel',
          size,
          pageable,
        })),
      ),
    ),
  vm_map_create: (ground) =>
    ground.full
      ? ['own']
          .filter((name) => ground.newMap.length > 0 && !ground.view.maps.has(name))
          .map((name) => ({
            kind: 'vm_map_create',
            name,
            min: address(0x1000_0000),
            max: address(0x1000_0000 + 2 * PAGE_SIZE),
            pageable: false,
          }))
      : [],
  vm_map_deallocate: (ground) =>
    ground.full
      ? ground.submaps
          .filter(({ name }) => name !== 'kmem' && name !== 'mb')
          .map(({ name }) => ({ kind: 'vm_map_deallocate', map: name }))
      : [],
  vm_map_submap: (ground) =>
    ground.full
      ? ground.submaps.map(({ name, min, max }) => ({
          kind: 'vm_map_submap',
          map: 'kernel',
          start: min,
          end: max,
          submap: name,
        }))
      : [],
  vm_map_insert: (ground) =>
    each(
      ground.maps,
      (map) =>
        ground
          .holes(map)
          .slice(0, ground.full ? 2 : 1)
          .map(({ start }) => ({ start, end: address(start + PAGE_SIZE) })),
      (map, span) =>
        (ground.full ? (['null', 'anon', 'kernel'] as const) : (['anon'] as const)).map((object) => ({
          kind: 'vm_map_insert' as const,
          map,
          object,
          offset: objectOffset(object === 'kernel' ? span.start - ground.view.machine.kernelMin : 0),
          ...span,
        })),
    ).flat(),
  vm_map_find: (ground) =>
    each(
      ground.full ? ground.maps : ground.maps.slice(0, 1),
      (map) => ground.holes(map).slice(0, 1),
      (map, { start }) =>
        (ground.full ? [false, true] : [true]).map((findSpace) => ({
          kind: 'vm_map_find' as const,
          map,
          object: 'null' as const,
          offset: objectOffset(0),
          address: start,
          length: ground.sizes[0] ?? (PAGE_SIZE as ByteCount),
          findSpace,
        })),
    ).flat(),
  // In core, whole entries lose all rights and parts of them become read-only.
  vm_map_protect: (ground) =>
    each(ground.maps, ground.spans.bind(ground), (map, span) =>
      (ground.full ? [0, 1, 3, 7] : [ground.isPart(map, span) ? 1 : 0]).flatMap((protection) =>
        (ground.full ? [false, true] : [false]).map((setMax) => ({
          kind: 'vm_map_protect' as const,
          map,
          ...span,
          protection,
          setMax,
        })),
      ),
    ).flat(),
  vm_map_inherit: (ground) =>
    each(
      ground.maps,
      (map) => (ground.full ? ground.spans(map) : ground.spans(map).slice(0, 1)),
      (map, span) => ({ kind: 'vm_map_inherit', map, ...span, inheritance: 2 }),
    ),
  vm_map_pageable: (ground) =>
    each(ground.maps, ground.spans.bind(ground), (map, span) =>
      (ground.mayMoreSleep ? [false, true] : [true]).map((pageable) => ({
        kind: 'vm_map_pageable' as const,
        map,
        ...span,
        pageable,
      })),
    ).flat(),
  vm_map_remove: (ground) =>
    each(
      ground.maps,
      (map) => (ground.full ? ground.spans(map) : ground.spans(map).slice(0, 1)),
      (map, span) => ({ kind: 'vm_map_remove', map, ...span }),
    ),
  vm_map_delete: (ground) =>
    ground.full
      ? each(ground.maps, ground.spans.bind(ground), (map, span) => ({ kind: 'vm_map_delete', map, ...span }))
      : [],
  vm_map_simplify: (ground) =>
    each(
      ground.maps,
      (map) => map.entries.slice(1).map(({ start }) => start),
      (map, start) => ({ kind: 'vm_map_simplify', map, start }),
    ),
  vm_page_deactivate: (ground) =>
    ground.full
      ? each(ground.maps, ground.places.bind(ground), (map, place) => ({
          kind: 'vm_page_deactivate',
          map,
          address: place,
        }))
      : [],
  vm_fault: (ground) =>
    each(ground.maps, ground.places.bind(ground), (map, place) =>
      (ground.full ? [1, 3] : [3]).map((protection) => ({
        kind: 'vm_fault' as const,
        map,
        address: place,
        protection,
      })),
    ).flat(),
  checked_read: (ground) =>
    ground.full
      ? each(ground.maps, ground.places.bind(ground), (map, place) => ({
          kind: 'checked_read',
          map,
          address: place,
        }))
      : [],
  checked_write: (ground) =>
    ground.full
      ? each(ground.maps, ground.places.bind(ground), (map, place) => ({
          kind: 'checked_write',
          map,
          address: place,
          byte: 7,
        }))
      : [],
  cpu_write: (ground) =>
    each(ground.maps, ground.places.bind(ground), (_, place) => ({
      kind: 'cpu_write',
      address: place,
      bytes: [1],
    })),
  pagedaemon: ({ view, full }) =>
    full || view.sched.asleep.some(({ event }) => event === 'pages') ? [{ kind: 'pagedaemon' }] : [],
  resume: ({ view }) => view.sched.runnable.map((operation) => ({ kind: 'resume', operation })),
};

/** All kinds in the order in which they are tried: that of the table. */
const TRIED = Object.keys(CHOICES) as readonly OperationKind[];
if (TRIED.length !== OPERATION_KINDS.length) throw new Error('the alphabet has every operation kind once');

/** Everything to try in a state, of the kinds that a kernel declares; equal operations once. */
export function operationsFor(
  view: View,
  vocabulary: Vocabulary,
  kinds: ReadonlySet<OperationKind>,
): Operation[] {
  const ground = new Ground(view, vocabulary);
  const chosen: Operation[] = [];
  for (const kind of TRIED) if (kinds.has(kind)) chosen.push(...CHOICES[kind](ground));
  const fair =
    view.machine.scratchWindow === null ? chosen : chosen.filter((one) => leavesWindow(ground, one));
  return [...new Map(fair.map((operation) => [JSON.stringify(operation), operation])).values()];
}
