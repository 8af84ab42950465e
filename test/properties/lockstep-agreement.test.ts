/** Every field of every cell and of every outcome is compared, and reported under its own path. */
import { describe, expect, test } from 'vitest';
import type { Step } from '../../contract/outcome.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { runLockstep } from '../../properties/lockstep.ts';
import { hex } from '../../properties/wording.ts';
import { allCells, at, BUSY, MACHINE, options, tampered } from './lockstep-fixtures.ts';

const scenario = { machine: MACHINE, operations: BUSY };
const LAST = BUSY.length;

type Path = readonly (string | number)[];

/** Paths of all leaves of plain data, null and empty lists included. */
function* leaves(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null) yield path;
  else for (const [key, inner] of Object.entries(value)) yield* leaves(inner, [...path, key]);
}

function readLeaf(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null
        ? new Map(Object.entries(inner)).get(String(key))
        : undefined,
    value,
  );
}

/** Some other value of the same kind. */
function flip(value: unknown, key: string | number | undefined): unknown {
  if (key === 'backing') return { object: 'kernel' };
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (value === null) return 'kernel';
  return `${String(value)}x`;
}

/** A copy in which the leaf at `path` has another value. */
function flipped<Data>(data: Data, path: Path): Data {
  const copy = structuredClone(data);
  const target = readLeaf(copy, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof target === 'object' && target !== null && key !== undefined)
    Reflect.set(target, key, flip(readLeaf(copy, path), key));
  return copy;
}

/** The path under which a report names the leaf of a snapshot. */
function reportedPath(snapshot: Snapshot, [part, index, ...rest]: Path): string {
  const i = Number(index);
  const tail = rest.map((key) => (/^\d+$/.test(String(key)) ? `[${key}]` : `.${key}`)).join('');
  switch (part) {
    case 'maps':
      return `maps.${snapshot.maps[i]?.name}${tail.replace(/\.backing\..*/, '.backing')}`;
    case 'objects':
      return `objects.${snapshot.objects[i]?.name}${tail}`;
    case 'mappings':
      return `mappings.${hex(snapshot.mappings[i]?.address ?? 0)}${tail}`;
    default:
      return `${part}.${index}`;
  }
}

const finalState = (contents: boolean): Snapshot => {
  const kernel = referenceKernel.boot(MACHINE);
  for (const [i, operation] of BUSY.entries()) kernel.apply(operation, i + 1);
  return kernel.snapshot({ contents });
};

/** One leaf of each kind: the last one, so that indices are not all 0. Names are keys and have tests of their own. */
const kindsOfLeaves = (snapshot: Snapshot): Map<string, Path> =>
  new Map(
    [...leaves(snapshot)]
      .filter(([part]) => part !== 'transitions' && part !== 'pv')
      .map((path): [string, Path] => [
        path.map((key) => (/^\d+$/.test(String(key)) ? '#' : key)).join('.'),
        path,
      ])
      .filter(([kind]) => !/name$|mappings\.#\.address$|undefinedContents$/.test(kind)),
  );

describe('the scenario of these tests', () => {
  test('shows every kind of thing a snapshot can show', () => {
    const kinds = [...kindsOfLeaves(finalState(true)).keys()];
    expect(kinds.length).toBeGreaterThanOrEqual(45);
    expect(kinds).toContain('maps.#.entries.#.backing.submap');
    expect(kinds).toContain('objects.#.pages.#.contents');
    expect(kinds).toContain('queues.inactive.#');
    expect(kinds).toContain('sched.asleep.#.event');
    expect(kinds).toContain('sched.runnable.#');
    expect(finalState(true).transitions).not.toEqual([]);
  });
  test('agrees with itself', () => {
    expect(runLockstep(scenario, options(referenceKernel)).failure).toBeNull();
    expect(runLockstep(scenario, options(tampered({}), { fullEvery: 5 })).failure).toBeNull();
  });
});

describe('a flipped field is reported under its path', () => {
  const snapshot = finalState(true);
  const cases = [...kindsOfLeaves(snapshot)];
  test.each(cases)('%s, found by a full look', (_, path) => {
    const liar = tampered({
      snapshot: (shown, number) => (number === LAST && holds(shown, path) ? flipped(shown, path) : shown),
      touched: (touched, number) => (number === LAST ? allCells(snapshot) : touched),
    });
    const { failure } = runLockstep(scenario, options(liar));
    expect(failure).toMatchObject({ property: 'INV-ACC-MODEL', side: 'candidate', number: LAST });
    expect(failure?.differences.map((difference) => difference.path)).toEqual([reportedPath(snapshot, path)]);
  });

  const cellular = cases.filter(([kind]) => !kind.endsWith('contents'));
  test.each(cellular)('%s, found through its cell', (_, path) => {
    const operations = [...BUSY, BUSY[LAST - 1], BUSY[LAST - 1]].filter(
      (operation) => operation !== undefined,
    );
    const liar = tampered({
      snapshot: (shown, number) => (number === LAST ? flipped(shown, path) : shown),
      touched: (touched, number) => (number === LAST ? allCells(snapshot) : touched),
    });
    const { failure } = runLockstep({ machine: MACHINE, operations }, options(liar, { fullEvery: 1000 }));
    expect(failure).toMatchObject({ property: 'INV-ACC-MODEL', number: LAST });
    expect(failure?.differences.map((difference) => difference.path)).toEqual([reportedPath(snapshot, path)]);
  });

  /** Whether this snapshot has the leaf at all: contents are in full ones only. */
  const holds = (shown: Snapshot, path: Path): boolean => readLeaf(shown, path) !== undefined;
});

describe('what is missing or added is reported as a whole', () => {
  const lie = (change: (snapshot: Snapshot) => Snapshot) => {
    const snapshot = finalState(false);
    const liar = tampered({
      snapshot: (shown, number) => (number === LAST ? change(shown) : shown),
      touched: (touched, number) =>
        number === LAST ? [...allCells(snapshot), ...allCells(change(snapshot))] : touched,
    });
    return runLockstep(scenario, options(liar)).failure?.differences;
  };
  test('a map that only one side has', () => {
    expect(lie((shown) => ({ ...shown, maps: shown.maps.slice(0, 1) }))).toEqual([
      { path: 'maps.kmem', expected: 'live', actual: 'absent' },
      expect.objectContaining({ path: 'maps', actual: '[kernel]' }),
    ]);
  });
  test('an object under another name', () => {
    const rename = (shown: Snapshot): Snapshot => ({
      ...shown,
      objects: shown.objects.map((object) =>
        object.name === 'anon2' ? { ...object, name: 'anon3' } : object,
      ),
    });
    expect(lie(rename)?.map(({ path }) => path)).toEqual(['objects.anon2', 'objects.anon3', 'objects']);
  });
  test('a mapping that only the candidate has', () => {
    const [mapping] = finalState(false).mappings;
    if (mapping === undefined) throw new Error('the scenario maps nothing');
    const extra = { ...mapping, address: at(63) };
    expect(lie((shown) => ({ ...shown, mappings: [...shown.mappings, extra] }))).toEqual([
      { path: 'mappings.0xfe03f000', expected: 'absent', actual: expect.stringContaining('frame') },
    ]);
  });
  test('an entry in the middle, without blaming those behind it', () => {
    const drop = (shown: Snapshot): Snapshot => ({
      ...shown,
      maps: shown.maps.map((map) =>
        map.name === 'kernel' ? { ...map, entries: map.entries.filter((_, i) => i !== 2) } : map,
      ),
    });
    expect(lie(drop)).toEqual([
      { path: 'maps.kernel.entries[2]', expected: expect.stringContaining('0xfe00a000'), actual: 'absent' },
    ]);
  });
  test('maps listed in another order', () => {
    expect(lie((shown) => ({ ...shown, maps: shown.maps.toReversed() }))).toEqual([
      { path: 'maps', expected: '[kernel kmem]', actual: '[kmem kernel]' },
    ]);
  });
  test('transitions and pv lists are never compared', () => {
    expect(lie((shown) => ({ ...shown, transitions: [], pv: [] }))).toBeUndefined();
  });
});

describe('a step that differs is reported', () => {
  const steps: readonly [string, Step, Step][] = [
    ['outcome', { outcome: { kind: 'done' } }, { outcome: { kind: 'none' } }],
    [
      'outcome.address',
      { outcome: { kind: 'address', address: at(1) } },
      { outcome: { kind: 'address', address: at(2) } },
    ],
    ['outcome.code', { outcome: { kind: 'kern', code: 0 } }, { outcome: { kind: 'kern', code: 3 } }],
    [
      'outcome',
      { outcome: { kind: 'kern', code: 0, address: at(1) } },
      { outcome: { kind: 'kern', code: 0 } },
    ],
    [
      'outcome.max',
      { outcome: { kind: 'submap', map: 'a', min: at(0), max: at(1) } },
      { outcome: { kind: 'submap', map: 'a', min: at(0), max: at(2) } },
    ],
    [
      'outcome.start',
      { outcome: { kind: 'entry', found: true, start: at(1) } },
      { outcome: { kind: 'entry', found: true, start: at(2) } },
    ],
    [
      'outcome.value',
      { outcome: { kind: 'flag', value: true } },
      { outcome: { kind: 'flag', value: false } },
    ],
    [
      'outcome.bytes',
      { outcome: { kind: 'bytes', bytes: [1, 2] } },
      { outcome: { kind: 'bytes', bytes: [1, 3] } },
    ],
    [
      'outcome.address',
      { outcome: { kind: 'trap', code: 1, address: at(1) } },
      { outcome: { kind: 'trap', code: 1, address: at(2) } },
    ],
    [
      'outcome.event',
      { outcome: { kind: 'sleep', event: 'pages' } },
      { outcome: { kind: 'sleep', event: 'map:k' } },
    ],
    ['outcome.text', { outcome: { kind: 'panic', text: 'a' } }, { outcome: { kind: 'panic', text: 'b' } }],
    [
      'outcome.rule',
      { outcome: { kind: 'rejected', rule: 'A' } },
      { outcome: { kind: 'rejected', rule: 'B' } },
    ],
    ['woken', { outcome: { kind: 'done' }, woken: [1] }, { outcome: { kind: 'done' } }],
    ['resumed', { outcome: { kind: 'done' }, resumed: 1 }, { outcome: { kind: 'done' }, resumed: 2 }],
    ['console', { outcome: { kind: 'done' } }, { outcome: { kind: 'done' }, console: ['boo'] }],
    ['daemonPoked', { outcome: { kind: 'done' } }, { outcome: { kind: 'done' }, daemonPoked: true }],
  ];
  const [first] = BUSY;
  const run = (expected: Step, actual: Step) =>
    runLockstep(
      { machine: MACHINE, operations: first === undefined ? [] : [first] },
      {
        ...options(tampered({ step: () => actual })),
        reference: {
          ...referenceKernel,
          boot(machine) {
            const kernel = referenceKernel.boot(machine);
            const honest = kernel.apply.bind(kernel);
            return Object.assign(kernel, {
              apply(...call: Parameters<typeof honest>): Step {
                honest(...call);
                return expected;
              },
            });
          },
        },
      },
    ).failure;
  test.each(steps)('%s of %j', (path, expected, actual) => {
    expect(run(expected, expected)).toBeNull();
    expect(run(expected, actual)?.differences.map((difference) => difference.path)).toEqual([path]);
  });
  test('frames that an extraction answers count at level bsd', () => {
    const frame = referenceKernel.boot(MACHINE).snapshot({ contents: false }).queues.free[0];
    if (frame === undefined) throw new Error('no free frame');
    const expected: Step = { outcome: { kind: 'frame', frame, offset: 4 } };
    const other: Step = { outcome: { kind: 'frame', frame, offset: 8 } };
    expect(run(expected, other)?.differences).toEqual([
      { path: 'outcome.offset', expected: '4', actual: '8' },
    ]);
  });
  test('bytes that the reference calls undefined count at level bsd', () => {
    const expected: Step = { outcome: { kind: 'bytes', bytes: [1], undefinedBytes: [0] } };
    expect(run(expected, { outcome: { kind: 'bytes', bytes: [1] } })).toBeNull();
    expect(run(expected, { outcome: { kind: 'bytes', bytes: [2] } })).not.toBeNull();
  });
});
