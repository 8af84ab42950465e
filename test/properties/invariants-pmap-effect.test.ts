/** Claims about what direct pmap operations do, seen to hold and seen to fail. */
import { describe, test } from 'vitest';
import { bytes, frameNumber } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { done, none, type Outcome } from '../../contract/outcome.ts';
import { type MappingSnapshot, NULL_PMAP, type UserPmapSnapshot } from '../../contract/pmap.ts';
import { VM_PROT_EXECUTE, VM_PROT_NONE, VM_PROT_READ, VM_PROT_WRITE } from '../../contract/protection.ts';
import {
  at,
  entryOf,
  kernelEntry,
  kernelMapOf,
  MACHINE,
  mappingOf,
  type StateSpec,
  viewOf,
} from './fixture-view.ts';
import { accepts, rejects } from './judge.ts';

const DEVICE = frameNumber(MACHINE.managedPages);
const READ_WRITE = VM_PROT_READ | VM_PROT_WRITE;

/** Page 10 of the kernel pmap, or the same address in a user pmap, where nothing else is. */
const mapped = (fields: Partial<MappingSnapshot> = {}): MappingSnapshot =>
  mappingOf(10, 3, { wired: false, ...fields });
const neighbour = mappingOf(11, 5, { wired: false });

const userPmap = (name: string, mappings: readonly MappingSnapshot[], references = 1): UserPmapSnapshot => ({
  name,
  references,
  resident: mappings.length,
  wired: mappings.filter(({ wired }) => wired).length,
  tables: mappings.length > 0 ? 1 : 0,
  mappings,
});
const inUser = (...mappings: readonly MappingSnapshot[]): StateSpec => ({
  spaces: { current: 'u0', pmaps: [userPmap('u0', mappings)] },
});
const inKernel = (...mappings: readonly MappingSnapshot[]): StateSpec => ({ mappings });

const step = (operation: Operation, before: StateSpec, after: StateSpec, outcome: Outcome = done) =>
  viewOf({ ...after, before, operation, outcome });

const enter = (fields: object = {}): Operation => ({
  kind: 'pmap_enter',
  ...{ pmap: 'kernel', address: at(10), frame: frameNumber(3), protection: READ_WRITE, wired: false },
  ...fields,
});
const over = (kind: 'pmap_remove' | 'pmap_protect', fields: object = {}): Operation =>
  ({ kind, pmap: 'kernel', start: at(10), end: at(11), ...fields }) as Operation;
const onFrame = (kind: Operation['kind'], fields: object = {}): Operation =>
  ({ kind, frame: frameNumber(3), ...fields }) as Operation;

describe('INV-PMAP-EFFECT', () => {
  const id = 'INV-PMAP-EFFECT';
  const used = { accessed: true, dirty: true };

  test.each<[string, Operation, StateSpec, StateSpec]>([
    ['a fresh mapping', enter(), inKernel(neighbour), inKernel(mapped(), neighbour)],
    ['a fresh mapping of a user pmap', enter({ pmap: 'u0' }), inUser(), inUser(mapped())],
    ['marks kept with the frame', enter(), inKernel(mapped(used)), inKernel(mapped(used))],
    ['marks gone with it', enter(), inKernel(mapped({ frame: frameNumber(7), ...used })), inKernel(mapped())],
    ['an address within the page', enter({ address: at(10.5) }), inKernel(), inKernel(mapped())],
    ['a mapping without rights', enter({ protection: VM_PROT_NONE }), inKernel(mapped()), inKernel()],
    ['a removal', over('pmap_remove'), inKernel(mapped(), neighbour), inKernel(neighbour)],
    [
      'a removal of nothing',
      over('pmap_remove', { start: at(11), end: at(10) }),
      inKernel(mapped()),
      inKernel(mapped()),
    ],
    [
      'a lowered right',
      over('pmap_protect', { protection: VM_PROT_READ }),
      inKernel(mapped()),
      inKernel(mapped({ writable: false })),
    ],
    ['rights taken', over('pmap_protect', { protection: VM_PROT_EXECUTE }), inKernel(mapped()), inKernel()],
    [
      'a right that is not added',
      over('pmap_protect', { protection: READ_WRITE }),
      inKernel(mapped({ writable: false })),
      inKernel(mapped({ writable: false })),
    ],
    [
      'cleared marks',
      onFrame('pmap_clear_modify'),
      inKernel(mapped(used)),
      inKernel(mapped({ accessed: true })),
    ],
    [
      'marks of a device frame',
      onFrame('pmap_clear_modify', { frame: DEVICE }),
      inKernel(mapped({ frame: DEVICE, ...used })),
      inKernel(mapped({ frame: DEVICE, ...used })),
    ],
    [
      'a page that is executed only',
      onFrame('pmap_page_protect', { protection: VM_PROT_EXECUTE }),
      inKernel(mapped()),
      inKernel(mapped({ writable: false })),
    ],
    [
      'a dirty mark from unwiring',
      { kind: 'pmap_change_wiring', pmap: 'kernel', address: at(10), wired: false },
      inKernel(mapped({ wired: true })),
      inKernel(mapped({ dirty: true })),
    ],
    ['the null pmap', enter({ pmap: NULL_PMAP }), inKernel(), inKernel(mapped())],
  ])('accepts %s', (_, operation, before, after) => accepts(id, step(operation, before, after)));

  test.each<[string, Operation, StateSpec, StateSpec, RegExp]>([
    [
      'a mapping that is not entered',
      enter(),
      inKernel(),
      inKernel(),
      /^pmap kernel, 0xfe00a000: is not mapped \(not mapped before\)$/,
    ],
    [
      'another frame',
      enter({ pmap: 'u0' }),
      inUser(),
      inUser(mapped({ frame: frameNumber(4) })),
      /^pmap u0, 0xfe00a000: frame is 4, due is 3$/,
    ],
    [
      'marks of the frame before',
      enter(),
      inKernel(mapped({ frame: frameNumber(7), ...used })),
      inKernel(mapped(used)),
      /accessed is true, due is false, dirty is true, due is false/,
    ],
    [
      'kenter without the wired mark',
      { kind: 'pmap_kenter', address: at(10), frame: frameNumber(3) },
      inKernel(),
      inKernel(mapped()),
      /wired is false, due is true/,
    ],
    [
      'a mapping that stays',
      over('pmap_remove'),
      inKernel(mapped()),
      inKernel(mapped()),
      /is mapped \(mapped before\)/,
    ],
    [
      'the page behind the range',
      over('pmap_remove'),
      inKernel(mapped(), neighbour),
      inKernel(),
      /0xfe00b000: is not mapped/,
    ],
    [
      'the other pmap',
      over('pmap_remove', { pmap: 'u0' }),
      { ...inUser(), mappings: [mapped()] },
      inUser(),
      /^pmap kernel, 0xfe00a000: is not mapped/,
    ],
    [
      'a right that is added',
      over('pmap_protect', { protection: READ_WRITE }),
      inKernel(mapped({ writable: false })),
      inKernel(mapped()),
      /writable is true, due is false/,
    ],
    [
      'marks that stay',
      onFrame('pmap_clear_reference'),
      inUser(mapped(used)),
      inUser(mapped(used)),
      /accessed is true, due is false/,
    ],
    [
      'a right that stays',
      onFrame('pmap_page_protect', { protection: VM_PROT_READ }),
      inUser(mapped()),
      inUser(mapped()),
      /writable is true, due is false/,
    ],
    [
      'a mapping of the page that stays',
      onFrame('pmap_page_protect', { protection: VM_PROT_NONE }),
      inUser(mapped()),
      inUser(mapped()),
      /is mapped/,
    ],
    [
      'a question that changes something',
      onFrame('pmap_is_modified'),
      inKernel(mapped(used)),
      inKernel(mapped()),
      /accessed is false, due is true/,
    ],
    [
      'a wired mark that is not set',
      { kind: 'pmap_change_wiring', pmap: 'u0', address: at(10), wired: true },
      inUser(mapped()),
      inUser(mapped()),
      /wired is false, due is true/,
    ],
  ])('rejects %s', (_, operation, before, after, reason) =>
    rejects(id, reason, step(operation, before, after)),
  );

  test('a rejected operation may change nothing, a panic anything', () => {
    const rejected: Outcome = { kind: 'rejected', rule: 'CONV-4' };
    accepts(id, step(enter(), inKernel(), inKernel(), rejected));
    rejects(id, /is mapped \(not mapped before\)/, step(enter(), inKernel(), inKernel(mapped()), rejected));
    accepts(id, step(enter(), inKernel(), inKernel(), { kind: 'panic', text: 'pmap_enter' }));
  });
});

describe('INV-PMAP-MARKS', () => {
  const id = 'INV-PMAP-MARKS';
  const flag = (value: boolean): Outcome => ({ kind: 'flag', value });
  const dirty = onFrame('pmap_is_modified');
  const used = onFrame('pmap_is_referenced');
  const told = (operation: Operation, state: StateSpec, value: boolean) =>
    step(operation, state, state, flag(value));

  test('accepts what the mappings say', () => {
    accepts(id, told(dirty, inKernel(mapped({ dirty: true })), true));
    accepts(id, told(dirty, inUser(mapped({ dirty: true })), true));
    accepts(id, told(used, inKernel(mapped({ dirty: true })), false));
    accepts(
      id,
      told(
        onFrame('pmap_is_modified', { frame: DEVICE }),
        inKernel(mapped({ frame: DEVICE, dirty: true })),
        false,
      ),
    );
  });
  test.each<[string, Operation, StateSpec, boolean, RegExp]>([
    [
      'a mark that is not told',
      dirty,
      inUser(mapped({ dirty: true })),
      false,
      /^frame 3: told false, dirty is true$/,
    ],
    [
      'a mark that is not there',
      used,
      inKernel(mapped({ dirty: true })),
      true,
      /^frame 3: told true, accessed is false$/,
    ],
    [
      'the mark of another frame',
      used,
      inKernel(mappingOf(10, 4, { accessed: true })),
      true,
      /accessed is false/,
    ],
  ])('rejects %s', (_, operation, state, value, reason) =>
    rejects(id, reason, told(operation, state, value)),
  );
});

describe('INV-PMAP-LIFE', () => {
  const id = 'INV-PMAP-LIFE';
  const directory = kernelEntry(8, 9);
  const gone: StateSpec = { maps: [kernelMapOf()], spaces: { current: 'kernel', pmaps: [] } };
  const living = (references = 1): StateSpec => ({
    maps: [kernelMapOf([directory])],
    spaces: { current: 'kernel', pmaps: [userPmap('u0', [], references)] },
  });
  const create: Operation = { kind: 'pmap_create', name: 'u0', size: bytes(0) };
  const pinit: Operation = { kind: 'pmap_pinit', name: 'u0' };
  const destroy: Operation = { kind: 'pmap_destroy', pmap: 'u0' };
  const release: Operation = { kind: 'pmap_release', pmap: 'u0' };

  test('accepts lives told as they are', () => {
    accepts(id, step(create, gone, living()));
    accepts(id, step(create, gone, gone, none));
    accepts(id, step(pinit, gone, living(), { kind: 'flag', value: true }));
    accepts(id, step(pinit, gone, gone, { kind: 'flag', value: false }));
    accepts(id, step(destroy, living(), gone));
    accepts(id, step(destroy, living(2), living()));
    accepts(id, step(release, living(), gone));
    accepts(id, step({ kind: 'pmap_reference', pmap: 'u0' }, living(), living(2)));
  });
  const emptied: StateSpec = { ...gone, maps: [kernelMapOf([directory, entryOf(20, 21)])] };
  test.each<[string, Operation, StateSpec, StateSpec, Outcome, RegExp]>([
    [
      'a pmap told made that is not there',
      create,
      gone,
      gone,
      done,
      /^pmap u0 is told made, and is not there$/,
    ],
    [
      'a pmap told not made that is there',
      pinit,
      gone,
      living(),
      { kind: 'flag', value: false },
      /^pmap u0 is told not made, and is there$/,
    ],
    [
      'a pmap that outlives its last reference',
      destroy,
      living(),
      living(),
      done,
      /with 1 references lives on/,
    ],
    ['a pmap that goes with one left', destroy, living(2), gone, done, /with 2 references is gone/],
    [
      'a directory that is not freed',
      release,
      living(),
      emptied,
      done,
      /gone, and its directory is not freed/,
    ],
  ])('rejects %s', (_, operation, before, after, outcome, reason) =>
    rejects(id, reason, step(operation, before, after, outcome)),
  );
});
