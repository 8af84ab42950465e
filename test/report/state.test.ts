import { expect, test } from 'vitest';
import { address, bytes, frameNumber, objectOffset } from '../../contract/address.ts';
import { NO_SPACES } from '../../contract/pmap.ts';
import type { StateView } from '../../properties/view.ts';
import { DRAWN_PARTS, stateLines } from '../../report/state.ts';

const min = address(0xfe00_0000);

/** A map of eight pages: a wired entry, a gap, a submap placeholder; one sleeper. */
const state: StateView = {
  maps: new Map([
    [
      'kernel',
      {
        name: 'kernel',
        min,
        max: address(min + 8 * 4096),
        size: bytes(3 * 4096),
        pageable: false,
        entryCount: 2,
        references: 1,
        locked: true,
        entries: [
          {
            start: min,
            end: address(min + 8192),
            backing: { object: 'kernel' },
            offset: objectOffset(0),
            protection: 5,
            maxProtection: 7,
            inheritance: 1,
            wiredCount: 2,
            copyOnWrite: false,
            needsCopy: false,
          },
          {
            start: address(min + 4 * 4096),
            end: address(min + 5 * 4096),
            backing: { submap: 'kmem' },
            offset: objectOffset(0),
            protection: 7,
            maxProtection: 7,
            inheritance: 1,
            wiredCount: 0,
            copyOnWrite: false,
            needsCopy: false,
          },
        ],
      },
    ],
  ]),
  objects: new Map([
    [
      'kernel',
      {
        name: 'kernel',
        references: 2,
        size: bytes(0x40_0000),
        shadow: null,
        shadowOffset: objectOffset(0),
        pages: [
          {
            offset: objectOffset(4096),
            frame: frameNumber(0),
            wireCount: 2,
            busy: false,
            wanted: false,
            queue: 'none',
            contents: 0,
          },
          {
            offset: objectOffset(0),
            frame: frameNumber(1),
            wireCount: 2,
            busy: true,
            wanted: true,
            queue: 'none',
            contents: 'fnv:0123abcd',
          },
        ],
      },
    ],
  ]),
  mappings: new Map([
    [
      min + 4096,
      {
        address: address(min + 4096),
        frame: frameNumber(0),
        writable: true,
        wired: true,
        accessed: true,
        dirty: false,
      },
    ],
    [
      min,
      { address: min, frame: frameNumber(1), writable: false, wired: false, accessed: false, dirty: true },
    ],
  ]),
  pv: new Map(),
  queues: { free: [frameNumber(2), frameNumber(3)], active: [], inactive: [] },
  counters: { free: 2, active: 0, inactive: 0, wired: 2 },
  pools: { freeEntries: 30, freeMaps: 3 },
  pmap: { references: 2, resident: 2, wired: 1 },
  spaces: NO_SPACES,
  sched: { asleep: [{ operation: 4, event: 'pages' }], runnable: [2] },
  transitions: [],
};

test('maps show a picture, entries and gaps; pages, queues and mappings are tables', () => {
  expect(`\n${stateLines(state, DRAWN_PARTS).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    map kernel [0xfe000000, 0xfe008000): 3 pages, 2 entries, 1 reference, locked
      |AA..B...|
         start       end         pages  backing      offset      prot  max  inherit  wired
      A  0xfe000000  0xfe002000      2  kernel       0x00000000  r-x   rwx  COPY         2
         0xfe002000  0xfe004000      2  (free)
      B  0xfe004000  0xfe005000      1  submap kmem  0x00000000  rwx   rwx  COPY         0
         0xfe005000  0xfe008000      3  (free)
    object kernel: size 0x400000, 2 references, 2 pages
      offset      frame  wired  queue  flags        contents
      0x00001000      0      2  none                all 00
      0x00000000      1      2  none   busy wanted  fnv:0123abcd
    queues: 2 free, 0 active, 0 inactive, 2 wired
      free     2 3
      active   (empty)
      inactive (empty)
    pools: 30 free entries, 3 free maps
    asleep: 4 on pages
    runnable: 2
    pmap kernel: 2 references, 2 resident, 1 wired
      address     frame  rights  wired  bits
      0xfe000000      1  r-      -      -D
      0xfe001000      0  rw      W      A-
    "
  `);
});

test('only the parts asked for are drawn', () => {
  const lines = stateLines(state, ['queues']);
  expect(lines[0]).toBe('queues: 2 free, 0 active, 0 inactive, 2 wired');
  expect(lines.join('\n')).not.toMatch(/^(map|object|pmap) /m);
});

test('a map too wide for a character a page is drawn to scale', () => {
  const kernel = state.maps.get('kernel');
  if (kernel === undefined) throw new Error('the fixture has a kernel map');
  const wide = { ...kernel, max: address(min + 256 * 4096) };
  const [, strip] = stateLines({ ...state, maps: new Map([['kernel', wide]]) }, ['maps']);
  expect(strip).toBe(`  |AB${'.'.repeat(62)}|`);
});
