import { describe, expect, test } from 'vitest';
import { address, bytes, frameNumber, objectOffset } from '../../contract/address.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../../contract/machine.ts';
import {
  OPERATION_KINDS,
  type Operation,
  type OperationKind,
  type OperationOf,
} from '../../contract/operation.ts';
import {
  allocated,
  done,
  flag,
  kern,
  none,
  type Outcome,
  panic,
  rejected,
  type Step,
} from '../../contract/outcome.ts';
import { machineLine, program } from '../../report/program.ts';
import * as values from '../../report/values.ts';
import { machine } from './failing-report.ts';

const at = address(0xfe00_2000);
const all = { marked: 0, most: Number.POSITIVE_INFINITY };
const print = (operations: readonly Operation[], outcomes: readonly Outcome[] = []): string[] =>
  program(
    { machine, operations },
    outcomes.map((outcome): Step => ({ outcome })),
    all,
  );

describe('handles', () => {
  test('an allocated address goes by its letter, places inside it by letter and distance', () => {
    const lines = print(
      [
        { kind: 'kmem_alloc', map: 'kernel', size: bytes(8192) },
        { kind: 'vm_map_remove', map: 'kernel', start: address(at + 4096), end: address(at + 8192) },
        { kind: 'vm_map_remove', map: 'kernel', start: address(at - 4096), end: address(at + 12288) },
      ],
      [allocated(at), kern(0), kern(0)],
    );
    expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
      "
        1  a = kmem_alloc(kernel, 0x2000)                 → 0xfe002000
        2  vm_map_remove(kernel, a + 0x1000, a + 0x2000)  → KERN_SUCCESS
        3  vm_map_remove(kernel, 0xfe001000, 0xfe005000)  → KERN_SUCCESS
      "
    `);
  });

  test('an address handed out again goes by its newest letter', () => {
    const alloc: Operation = { kind: 'kmem_alloc', map: 'kernel', size: bytes(4096) };
    const free: Operation = { kind: 'kmem_free', map: 'kernel', address: at, size: bytes(4096) };
    const lines = print([alloc, free, alloc, free], [allocated(at), done, allocated(at), done]);
    expect(lines[1]).toContain('kmem_free(kernel, a, 0x1000)');
    expect(lines[3]).toContain('kmem_free(kernel, b, 0x1000)');
  });

  test('an allocation that slept gets its letter where it returns', () => {
    const lines = print(
      [
        { kind: 'kmem_alloc', map: 'kernel', size: bytes(4096) },
        { kind: 'resume', operation: 1 },
        { kind: 'kmem_free', map: 'kernel', address: at, size: bytes(4096) },
      ],
      [{ kind: 'sleep', event: 'pages' }, allocated(at), done],
    );
    expect(lines[1]).toContain('a = resume(1)');
    expect(lines[2]).toContain('kmem_free(kernel, a, 0x1000)');
  });

  test('the twenty-seventh handle is aa', () => {
    const alloc: Operation = { kind: 'kmem_alloc', map: 'kernel', size: bytes(4096) };
    const operations = Array.from({ length: 27 }, () => alloc);
    const outcomes = operations.map((_, i) => allocated(address(at + i * 4096)));
    expect(print(operations, outcomes).at(-1)).toContain(' aa = kmem_alloc');
  });
});

describe('the layout', () => {
  const daemon: Operation = { kind: 'pagedaemon' };
  const many = { machine, operations: Array.from({ length: 30 }, () => daemon) };

  test('operations that did not run have no result', () => {
    expect(print([daemon, daemon], [done])).toEqual(['  1  pagedaemon()  → done', '  2  pagedaemon()']);
  });
  test('a long program keeps its start and what leads to the marked operation', () => {
    expect(`\n${program(many, [], { marked: 20, most: 8 }).join('\n')}\n`).toMatchInlineSnapshot(`
      "
         1  pagedaemon()
         2  pagedaemon()
          … 14 operations not shown …
        17  pagedaemon()
        18  pagedaemon()
        19  pagedaemon()
      > 20  pagedaemon()
          … 10 operations not shown …
      "
    `);
  });
  test('no abridged program is longer than asked for', () => {
    for (let marked = 0; marked <= 30; marked++)
      expect(program(many, [], { marked, most: 8 }).length).toBeLessThanOrEqual(8);
  });
  test('the machine is told in one line', () => {
    expect(machineLine(machine)).toMatchInlineSnapshot(
      `"machine: 16 frames, 2 of them scratch, 1 device frame, kernel map [0xfe000000, 0xfe040000), boot entry to 0xfe002000, 32 entries, 4 maps, kmemObjectSize 0x20000"`,
    );
  });

  test('the line of a machine tells every field that is not as in the golden traces', () => {
    const usual: MachineConfig = { ...machine, kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE) };
    const window = { start: address(0xfe00_0000), end: address(0xfe00_2000) };
    const range = { start: address(0xfe00_3000), length: bytes(4096) };
    const changes: { readonly [Field in keyof MachineConfig]: MachineConfig[Field] } = {
      managedPages: 17,
      deviceFrames: 2,
      kernelMin: address(0xfe00_1000),
      kernelStart: address(0xfe00_1000),
      kernelMax: address(0xfe05_0000),
      mapEntries: null,
      staticMaps: 5,
      kmemObjectSize: bytes(4096),
      freeMin: 1,
      freeTarget: 2,
      inactiveTarget: 3,
      reserved: [range],
      scratchPages: 1,
      scratchWindow: window,
    };
    for (const [field, value] of Object.entries(changes))
      expect(machineLine({ ...usual, [field]: value }), field).not.toBe(machineLine(usual));
    const { freeMin, freeTarget, inactiveTarget, scratchWindow } = changes;
    expect(machineLine({ ...usual, freeMin, freeTarget, inactiveTarget, scratchWindow })).toMatch(
      /4 maps, freeMin 1, freeTarget 2, inactiveTarget 3, scratch window \[0xfe000000, 0xfe002000\)$/,
    );
  });
});

/** One operation of each kind: a kind without a row does not compile. */
const examples: { readonly [Kind in OperationKind]: OperationOf<Kind> } = {
  kmem_alloc_pageable: { kind: 'kmem_alloc_pageable', map: 'kernel', size: bytes(1) },
  kmem_alloc: { kind: 'kmem_alloc', map: 'kernel', size: bytes(0xffff_f001) },
  kmem_malloc: { kind: 'kmem_malloc', map: 'kmem', size: bytes(4096), canWait: true },
  kmem_alloc_wait: { kind: 'kmem_alloc_wait', map: 'kmem', size: bytes(4096) },
  kmem_free: { kind: 'kmem_free', map: 'kernel', address: at, size: bytes(4096) },
  kmem_free_wakeup: { kind: 'kmem_free_wakeup', map: 'kmem', address: at, size: bytes(4096) },
  kmem_suballoc: {
    kind: 'kmem_suballoc',
    name: 'kmem',
    parent: 'kernel',
    size: bytes(65536),
    pageable: false,
  },
  vm_map_create: { kind: 'vm_map_create', name: 'm1', min: at, max: address(at + 4096), pageable: true },
  vm_map_deallocate: { kind: 'vm_map_deallocate', map: 'm1' },
  vm_map_insert: {
    kind: 'vm_map_insert',
    map: 'kernel',
    object: 'anon',
    offset: objectOffset(4096),
    start: at,
    end: address(at + 4096),
  },
  vm_map_findspace: { kind: 'vm_map_findspace', map: 'kernel', start: at, length: bytes(4096) },
  vm_map_find: {
    kind: 'vm_map_find',
    map: 'kernel',
    object: 'null',
    offset: objectOffset(0),
    address: at,
    length: bytes(4096),
    findSpace: false,
  },
  vm_map_lookup_entry: { kind: 'vm_map_lookup_entry', map: 'kernel', address: at },
  vm_map_submap: { kind: 'vm_map_submap', map: 'kernel', start: at, end: address(at + 4096), submap: 'm1' },
  vm_map_protect: {
    kind: 'vm_map_protect',
    map: 'kernel',
    start: at,
    end: address(at + 4096),
    protection: 3,
    setMax: true,
  },
  vm_map_inherit: {
    kind: 'vm_map_inherit',
    map: 'kernel',
    start: at,
    end: address(at + 4096),
    inheritance: 0,
  },
  vm_map_pageable: {
    kind: 'vm_map_pageable',
    map: 'kernel',
    start: at,
    end: address(at + 4096),
    pageable: false,
  },
  vm_map_remove: { kind: 'vm_map_remove', map: 'kernel', start: at, end: address(at + 4096) },
  vm_map_delete: { kind: 'vm_map_delete', map: 'kernel', start: at, end: address(at + 4096) },
  vm_map_check_protection: {
    kind: 'vm_map_check_protection',
    map: 'kernel',
    start: at,
    end: address(at + 4096),
    protection: 0,
  },
  vm_map_simplify: { kind: 'vm_map_simplify', map: 'kernel', start: at },
  vm_page_deactivate: { kind: 'vm_page_deactivate', map: 'kernel', address: at },
  vm_fault: { kind: 'vm_fault', map: 'kernel', address: at, protection: 7 },
  checked_read: { kind: 'checked_read', map: 'kernel', address: at },
  checked_write: { kind: 'checked_write', map: 'kernel', address: at, byte: 10 },
  cpu_read: { kind: 'cpu_read', address: at, length: 4 },
  cpu_write: { kind: 'cpu_write', address: at, bytes: [1, 255] },
  pmap_create: { kind: 'pmap_create', name: 'u0', size: bytes(0) },
  pmap_pinit: { kind: 'pmap_pinit', name: 'u0' },
  pmap_reference: { kind: 'pmap_reference', pmap: 'u0' },
  pmap_destroy: { kind: 'pmap_destroy', pmap: 'u0' },
  pmap_release: { kind: 'pmap_release', pmap: 'u0' },
  pmap_activate: { kind: 'pmap_activate', pmap: 'u0' },
  tlb_evict: { kind: 'tlb_evict', start: address(0), end: at },
  pmap_enter: { kind: 'pmap_enter', address: at, frame: frameNumber(3), protection: 1, wired: true },
  pmap_kenter: { kind: 'pmap_kenter', address: at, frame: frameNumber(3) },
  pmap_remove: { kind: 'pmap_remove', start: at, end: address(at + 4096) },
  pmap_protect: { kind: 'pmap_protect', start: at, end: address(at + 4096), protection: 1 },
  pmap_page_protect: { kind: 'pmap_page_protect', frame: frameNumber(3), protection: 0 },
  pmap_change_wiring: { kind: 'pmap_change_wiring', address: at, wired: false },
  pmap_extract: { kind: 'pmap_extract', address: at },
  pmap_is_modified: { kind: 'pmap_is_modified', frame: frameNumber(3) },
  pmap_is_referenced: { kind: 'pmap_is_referenced', frame: frameNumber(3) },
  pmap_clear_modify: { kind: 'pmap_clear_modify', frame: frameNumber(3) },
  pmap_clear_reference: { kind: 'pmap_clear_reference', frame: frameNumber(3) },
  pmap_zero_page: { kind: 'pmap_zero_page', frame: frameNumber(3) },
  pmap_copy_page: { kind: 'pmap_copy_page', from: frameNumber(3), to: frameNumber(4) },
  pmap_update: { kind: 'pmap_update' },
  pagedaemon: { kind: 'pagedaemon' },
  resume: { kind: 'resume', operation: 7 },
};

test('every kind reads as its C call', () => {
  const lines = print(OPERATION_KINDS.map((kind) => examples[kind]));
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
       1  kmem_alloc_pageable(kernel, 0x1)
       2  kmem_alloc(kernel, 0xfffff001)
       3  kmem_malloc(kmem, 0x1000, canWait)
       4  kmem_alloc_wait(kmem, 0x1000)
       5  kmem_free(kernel, 0xfe002000, 0x1000)
       6  kmem_free_wakeup(kmem, 0xfe002000, 0x1000)
       7  kmem = kmem_suballoc(kernel, 0x10000, !pageable)
       8  m1 = vm_map_create(0xfe002000, 0xfe003000, pageable)
       9  vm_map_deallocate(m1)
      10  vm_map_insert(kernel, anonymous, 0x00001000, 0xfe002000, 0xfe003000)
      11  vm_map_findspace(kernel, 0xfe002000, 0x1000)
      12  vm_map_find(kernel, NULL, 0x00000000, 0xfe002000, 0x1000, !findSpace)
      13  vm_map_lookup_entry(kernel, 0xfe002000)
      14  vm_map_submap(kernel, 0xfe002000, 0xfe003000, m1)
      15  vm_map_protect(kernel, 0xfe002000, 0xfe003000, READ|WRITE, setMax)
      16  vm_map_inherit(kernel, 0xfe002000, 0xfe003000, SHARE)
      17  vm_map_pageable(kernel, 0xfe002000, 0xfe003000, !pageable)
      18  vm_map_remove(kernel, 0xfe002000, 0xfe003000)
      19  vm_map_delete(kernel, 0xfe002000, 0xfe003000)
      20  vm_map_check_protection(kernel, 0xfe002000, 0xfe003000, NONE)
      21  vm_map_simplify(kernel, 0xfe002000)
      22  vm_page_deactivate(kernel, 0xfe002000)
      23  vm_fault(kernel, 0xfe002000, ALL)
      24  checked_read(kernel, 0xfe002000)
      25  checked_write(kernel, 0xfe002000, 0x0a)
      26  cpu_read(0xfe002000, 0x4)
      27  cpu_write(0xfe002000, {01 ff})
      28  u0 = pmap_create(0x0)
      29  u0 = pmap_pinit()
      30  pmap_reference(u0)
      31  pmap_destroy(u0)
      32  pmap_release(u0)
      33  pmap_activate(u0)
      34  tlb_evict(0x00000000, 0xfe002000)
      35  pmap_enter(0xfe002000, frame3, READ, wired)
      36  pmap_kenter(0xfe002000, frame3)
      37  pmap_remove(0xfe002000, 0xfe003000)
      38  pmap_protect(0xfe002000, 0xfe003000, READ)
      39  pmap_page_protect(frame3, NONE)
      40  pmap_change_wiring(0xfe002000, !wired)
      41  pmap_extract(0xfe002000)
      42  pmap_is_modified(frame3)
      43  pmap_is_referenced(frame3)
      44  pmap_clear_modify(frame3)
      45  pmap_clear_reference(frame3)
      46  pmap_zero_page(frame3)
      47  pmap_copy_page(frame3, frame4)
      48  pmap_update()
      49  pagedaemon()
      50  resume(7)
    "
  `);
});

test('every outcome has words of its own', () => {
  const outcomes: readonly Outcome[] = [
    done,
    none,
    allocated(at),
    kern(2),
    { kind: 'kern', code: 0, address: at },
    kern(100),
    { kind: 'submap', map: 'kmem', min: at, max: address(at + 4096) },
    { kind: 'entry', found: true, start: at },
    { kind: 'entry', found: false, start: at },
    { kind: 'entry', found: false, start: null },
    flag(true),
    flag(false),
    { kind: 'bytes', bytes: [0, 165] },
    { kind: 'trap', code: 1, address: at },
    { kind: 'frame', frame: frameNumber(3), offset: 16 },
    { kind: 'sleep', event: 'map:kmem' },
    panic('kmem_suballoc'),
    rejected('MAP-CREATE-2'),
  ];
  const texts = outcomes.map(values.outcome);
  expect(new Set(texts).size).toBe(texts.length);
  expect(`\n${texts.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    done
    none
    0xfe002000
    KERN_PROTECTION_FAILURE
    KERN_SUCCESS at 0xfe002000
    code 100
    [0xfe002000, 0xfe003000)
    in the entry at 0xfe002000
    after the entry at 0xfe002000
    before the first entry
    TRUE
    FALSE
    00 a5
    trap at 0xfe002000: KERN_INVALID_ADDRESS
    frame3 + 0x10
    sleeps on map:kmem
    panic: kmem_suballoc
    rejected: breaks MAP-CREATE-2
    "
  `);
});

test('a step also tells whom it woke, what it printed and that it poked the daemon', () => {
  expect(values.step({ outcome: none, woken: [3, 5], console: ['no space'], daemonPoked: true })).toBe(
    'none; wakes 3, 5; pokes the daemon; prints "no space"',
  );
});
