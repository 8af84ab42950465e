/** Tables with one word spoilt: the guest finds each of them out, in the first state that shows it. */
import { afterAll, describe, expect, test } from 'vitest';
import { PAGE_SIZE } from '../../contract/address.ts';
import { RECURSIVE_SLOT } from '../../contract/machine.ts';
import { PG_A, PG_D, PG_N, PG_P, PG_RW, PG_U, PG_W } from '../../contract/pmap.ts';
import { GuestPool } from '../../judge/guest-pool.ts';
import type { JudgedState } from '../../judge/state.ts';
import { differencesOf, FAR, freshState, KERNEL, Tables, USER } from './state.ts';

const guests = new GuestPool();
afterAll(() => guests.end());

const KERNEL_SLOT = KERNEL >>> 22;
const RO = USER + PAGE_SIZE;
const PS = 0x80;

/** What is spoilt, and how the first difference must read. */
type Corruption = readonly [name: string, spoil: (tables: Tables) => void, expected: RegExp, actual: RegExp];

const pte = (pmap: string, at: number, bits: number) => (tables: Tables) =>
  tables.flip(tables.pte(pmap, at), bits);
const pde = (pmap: string, slot: number, bits: number) => (tables: Tables) =>
  tables.flip(tables.pde(pmap, slot), bits);

const CORRUPTIONS: readonly Corruption[] = [
  ['R/W lost in a PTE', pte('u0', USER, PG_RW), /^0x/, /^page fault 7: protection/],
  ['R/W too much in a user PTE', pte('u0', RO, PG_RW), /^page fault 7: protection/, /^0x57/],
  ['R/W too much in a kernel PTE', pte('kernel', KERNEL + 2 * PAGE_SIZE, PG_RW), /^page fault 3/, /^0x57/],
  ['U lost in a PTE', pte('u0', USER, PG_U), /^0x/, /^page fault [57]: protection/],
  [
    'U too much in a kernel PTE and PDE',
    (tables) => {
      pte('kernel', KERNEL, PG_U)(tables);
      for (const pmap of ['kernel', 'u0', 'u1']) pde(pmap, KERNEL_SLOT, PG_U)(tables);
    },
    /^page fault [57]: protection/,
    /^0x/,
  ],
  ['U too much in a kernel PTE alone', pte('kernel', KERNEL, PG_U), /P RW$/, /P RW U/],
  ['U lost in a PDE', pde('u0', USER >>> 22, PG_U), /^0x/, /^page fault [57]: protection/],
  ['R/W lost in a PDE', pde('u0', USER >>> 22, PG_RW), /^0x/, /^page fault [37]: protection/],
  [
    'a frame shifted by one',
    (tables) => {
      const at = tables.pte('u0', USER);
      tables.put(at, (tables.words[at] ?? 0) + PAGE_SIZE);
    },
    /^0x(4d000000|57)/,
    /^0x(4d000001|57)/,
  ],
  [
    'two frames exchanged',
    (tables) => {
      const [one, other] = [tables.pte('u0', USER), tables.pte('u0', FAR)];
      tables.flip(one, PAGE_SIZE);
      tables.flip(other, PAGE_SIZE);
    },
    /^0x/,
    /^0x/,
  ],
  [
    'a PDE not written',
    (tables) => tables.put(tables.pde('u0', FAR >>> 22), 0),
    /^0x/,
    /^page fault \d: not present/,
  ],
  [
    'a PTE not written',
    (tables) => tables.put(tables.pte('u0', USER), 0),
    /^0x/,
    /^page fault \d: not present/,
  ],
  ['P lost and all else there', pte('u0', USER, PG_P), /^0x/, /^page fault \d: not present/],
  [
    'a mapping still there beside another',
    (tables) => {
      const word = tables.words[tables.pte('u0', USER)] ?? 0;
      tables.put(tables.pte('u0', USER + 2 * PAGE_SIZE), word);
    },
    /^page fault \d: not present/,
    /^0x/,
  ],
  [
    'a mapping still there far from any other',
    (tables) => {
      const word = tables.words[tables.pte('u0', USER)] ?? 0;
      tables.put(tables.pte('u0', USER + 512 * PAGE_SIZE), word);
    },
    /^0$/,
    /^frame 0, P RW U/,
  ],
  [
    'a table still there',
    (tables) => {
      const word = tables.words[tables.pde('u0', USER >>> 22)] ?? 0;
      tables.put(tables.pde('u0', (USER >>> 22) + 1), word);
    },
    /^page fault \d: not present/,
    /^0x/,
  ],
  [
    'a table still there far from any other',
    (tables) => {
      const word = tables.words[tables.pde('u0', USER >>> 22)] ?? 0;
      tables.put(tables.pde('u0', 300), word);
    },
    /^0$/,
    /P RW U/,
  ],
  [
    'a table still there in the slot that the judge takes for itself',
    (tables) => tables.put(tables.pde('u0', 8), tables.words[tables.pde('u0', USER >>> 22)] ?? 0),
    /^0$/,
    /P RW U/,
  ],
  ['D set for A', pte('u0', FAR, PG_A | PG_D), /P RW U A/, /P RW U D/],
  ['A set too much', pte('u0', USER, PG_A), /P RW U$/, /P RW U A$/],
  ['D set too much', pte('u0', USER, PG_D), /P RW U$/, /P RW U D$/],
  ['W set too much', pte('u1', USER, PG_W), /P RW U$/, /P RW U W$/],
  [
    'N lost for a device frame',
    pte('u0', USER + 3 * PAGE_SIZE, PG_N),
    /^device frame 25, P RW U N/,
    /^device frame 25, P RW U/,
  ],
  ['a 4 MiB page in place of a table', pde('u0', USER >>> 22, PS), /^0x/, /./],
  ['D set in a PDE', pde('u0', USER >>> 22, PG_D), /P RW U$/, /P RW U D$/],
  [
    'the recursive slot off by one',
    (tables) => {
      const word = tables.put(tables.pde('u0', RECURSIVE_SLOT), 0);
      tables.put(tables.pde('u0', RECURSIVE_SLOT - 1), word);
    },
    /./,
    /./,
  ],
  [
    'the recursive slot names another directory',
    (tables) => {
      tables.put(tables.pde('u0', RECURSIVE_SLOT), tables.words[tables.pde('u1', RECURSIVE_SLOT)] ?? 0);
    },
    /./,
    /./,
  ],
  [
    'the recursive slot is for user mode too',
    pde('u0', RECURSIVE_SLOT, PG_U),
    /^directory of u0, P RW$/,
    /^directory of u0, P RW U$/,
  ],
  [
    'a kernel slot missing in a user directory',
    (tables) => tables.put(tables.pde('u1', KERNEL_SLOT), 0),
    /^(0x|page fault [57]: protection)/,
    /^page fault \d: not present/,
  ],
  [
    'a kernel slot of a user directory names another table',
    (tables) => {
      tables.put(tables.pde('u1', KERNEL_SLOT), tables.words[tables.pde('u1', USER >>> 22)] ?? 0);
    },
    /./,
    /./,
  ],
  ['a kernel slot of a user directory is read-only', pde('u1', KERNEL_SLOT, PG_RW), /^0x/, /^page fault 3/],
];

const spoilt = (spoil: (tables: Tables) => void): JudgedState => {
  const tables = new Tables(freshState());
  spoil(tables);
  return tables.state;
};

test('a state as the kernel built it has no differences', async () => {
  expect(await differencesOf(freshState(), guests)).toEqual([]);
});

describe('tables with something spoilt', () => {
  test.each(CORRUPTIONS)('%s', async (_, spoil, expected, actual) => {
    const [first] = await differencesOf(spoilt(spoil), guests);
    expect(first?.expected).toMatch(expected);
    expect(first?.actual).toMatch(actual);
  });

  test('the wrong directory in CR3', async () => {
    const state = freshState();
    const [kernel, first, second] = state.registers.directories;
    if (kernel === undefined || first === undefined || second === undefined) throw new Error('three spaces');
    const directories = [kernel, { ...first, frame: second.frame }, second];
    const differences = await differencesOf(
      { ...state, registers: { ...state.registers, directories } },
      guests,
    );
    expect(differences.map(({ path }) => path.split(' ')[0])).toContain('u0');
  });

  test('a space that the kernel does not tell of', async () => {
    const state = freshState();
    const directories = state.registers.directories.filter(({ pmap }) => pmap !== 'u1');
    const differences = await differencesOf(
      { ...state, registers: { ...state.registers, directories } },
      guests,
    );
    expect(differences).toContainEqual({
      path: 'directories',
      expected: 'kernel, u0, u1',
      actual: 'kernel, u0',
    });
  });

  test('a directory in a frame of pages', async () => {
    const state = freshState();
    const directories = state.registers.directories.map((one) =>
      one.pmap === 'u0' ? { ...one, frame: state.registers.firstManagedFrame + 5 } : one,
    );
    const differences = await differencesOf(
      { ...state, registers: { ...state.registers, directories } },
      guests,
    );
    expect(differences.length).toBeGreaterThan(0);
  });

  test('frame 0 elsewhere', async () => {
    const state = freshState();
    const firstManagedFrame = state.registers.firstManagedFrame - 1;
    const differences = await differencesOf(
      { ...state, registers: { ...state.registers, firstManagedFrame } },
      guests,
    );
    expect(differences.length).toBeGreaterThan(0);
  });

  test('each time the guest is none the worse: the next state is judged as ever', async () => {
    expect(await differencesOf(freshState(), guests)).toEqual([]);
  });
});
