/** A replay that missed a wrong field would prove nothing: every compared kind of field is falsified once. */
import { describe, expect, test } from 'vitest';
import { stateDifferences } from '../../golden/compare.ts';
import { observedInTrace } from '../../golden/observed-state.ts';
import type { Replay } from '../../golden/replay.ts';
import type { TraceRecord } from '../../golden/trace-file.ts';
import type { TraceState } from '../../golden/trace-schema.ts';
import { fieldAt, withField } from './falsify.ts';
import { type Line, P, record, replayOnModel, START } from './recording.ts';

const RICH: readonly Line[] = [
  ['suballoc', 'sub0', 'kernel', 4 * P, 1],
  ['alloc', 'kernel', 2 * P],
  ['alloc_pageable', 'sub0', 2 * P],
  ['write', 'sub0', START + 5, 9],
  ['read', 'sub0', START + P],
  ['deactivate', 'sub0', START],
  ['alloc_wait', 'sub0', 4 * P],
  ['alloc_wait', 'sub0', 3 * P],
  ['free_wakeup', 'sub0', START + 3 * P, P],
  ['resume', 7],
];
const recording = record(RICH);
const last: TraceRecord & { readonly state: TraceState } = stateful(recording.records.at(-1));

function stateful(one: TraceRecord | undefined): TraceRecord & { readonly state: TraceState } {
  if (one?.state === undefined) throw new Error('the last operation shows no state');
  return { ...one, state: one.state };
}

/** Paths of the fields in which a replay finds the recording wrong once its last record is `changed`. */
function wrongPaths(changed: TraceRecord): string[] {
  const records = [...recording.records.slice(0, -1), changed];
  const { failures }: Replay = replayOnModel({ ...recording, records });
  expect(failures.filter(({ number }) => number !== changed.number)).toEqual([]);
  return failures.flatMap(({ differences }) => differences.map(({ path }) => path));
}

const reversed = (path: string): unknown => {
  const value = fieldAt(last, path);
  return Array.isArray(value) ? value.toReversed() : value;
};

test('the recording as it is has nothing wrong', () => {
  expect(wrongPaths(last)).toEqual([]);
});

describe('a wrong answer is found', () => {
  test.each<[string, unknown]>([
    ['result.sleep', 'map:kernel'],
    ['result.addr', 0],
    ['woken', [8]],
    ['resumed', 8],
    ['console', ['out of order']],
  ])('%s', (path, value) => {
    expect(wrongPaths(withField(last, path, value))).toEqual([path]);
  });

  test('somebody too few woken', () => {
    const records = recording.records.map((one) => (one.woken === undefined ? one : { ...one, woken: [7] }));
    expect(replayOnModel({ ...recording, records }).failures).toMatchObject([
      { number: 9, differences: [{ path: 'woken', expected: [7], actual: [7, 8] }] },
    ]);
  });
});

describe('a wrong state is found', () => {
  test.each<[string, unknown]>([
    ['state.maps.sub0.min', START + P],
    ['state.maps.sub0.max', START + P],
    ['state.maps.sub0.size', P],
    ['state.maps.sub0.pageable', false],
    ['state.maps.sub0.nentries', 2],
    ['state.maps.sub0.ref_count', 1],
    ['state.maps.sub0.locked', true],
    ['state.maps.sub0.entries[0].start', START + P],
    ['state.maps.sub0.entries[0].end', START + P],
    ['state.maps.sub0.entries[0].obj', 'kernel'],
    ['state.maps.sub0.entries[0].offset', P],
    ['state.maps.sub0.entries[0].prot', 5],
    ['state.maps.sub0.entries[0].max_prot', 5],
    ['state.maps.sub0.entries[0].inherit', 0],
    ['state.maps.sub0.entries[0].wired', 1],
    ['state.maps.sub0.entries[0].cow', 1],
    ['state.maps.sub0.entries[0].needs_copy', 1],
    ['state.maps.sub0', undefined],
    ['state.maps.other', last.state.maps.sub0],
    ['state.objects.anon1.ref_count', 2],
    ['state.objects.anon1.size', P],
    ['state.objects.anon1.shadow', 'kernel'],
    ['state.objects.anon1.shadow_offset', P],
    ['state.objects.anon1.paging_in_progress', 1],
    ['state.objects.anon1.pages[0].offset', 8 * P],
    ['state.objects.anon1.pages[0].ppn', 11],
    ['state.objects.anon1.pages[0].wire_count', 65_535],
    ['state.objects.anon1.pages[0].fill', 0],
    ['state.objects.anon1', undefined],
    ['state.counters.free', 0],
    ['state.counters.active', 0],
    ['state.counters.inactive', 0],
    ['state.counters.wired', 0],
    ['state.queues.free', reversed('state.queues.free')],
    ['state.queues.active', []],
    ['state.queues.inactive', []],
    ['state.pmap[0].va', START + 16 * P],
    ['state.pmap[0].ppn', 11],
    ['state.pmap[0].wired', 1],
    ['state.kentries_free', 0],
    ['state.kmaps_free', 0],
    ['state.asleep[0].event', 'pages'],
    ['state.asleep[0].op', 3],
    ['state.runnable', [7]],
  ])('%s', (path, value) => {
    expect(wrongPaths(withField(last, path, value))).toEqual([path]);
  });

  test.each<[string, string, unknown]>([
    ['a missing entry', 'state.maps.sub0.entries', []],
    ['an added page', 'state.objects.kmem.pages', last.state.objects.anon1?.pages],
    ['pages in another order', 'state.objects.kernel.pages', reversed('state.objects.kernel.pages')],
    ['a missing mapping', 'state.pmap', last.state.pmap.slice(1)],
    ['flag busy', 'state.objects.anon1.pages[0].flags', ['inactive', 'busy']],
    ['flag wanted', 'state.objects.anon1.pages[0].flags', ['inactive', 'wanted']],
    ['flag active', 'state.objects.anon1.pages[0].flags', ['inactive', 'active']],
    ['no flag inactive', 'state.objects.anon1.pages[0].flags', []],
    ['a mapping that cannot be written', 'state.pmap[0].prot', 5],
    ['a mapping that cannot be used', 'state.pmap[0].prot', 4],
  ])('%s', (_what, path, value) => {
    expect(wrongPaths(withField(last, path, value))).not.toEqual([]);
  });

  test('a wrong state after boot', () => {
    const boot = withField(recording.boot, 'kentries_free', 0);
    expect(replayOnModel({ ...recording, boot }).failures).toMatchObject([
      { number: 0, operation: null, differences: [{ path: 'state.kentries_free', expected: 0, actual: 29 }] },
    ]);
  });
});

describe('what is never compared may be anything', () => {
  test.each<[string, string, unknown]>([
    ['first_free', 'state.maps.sub0.first_free', 'header'],
    ['other flags', 'state.objects.anon1.pages[0].flags', ['fake', 'clean', 'inactive', 'laundry', 'cow']],
    ['EXECUTE of a mapping', 'state.pmap[0].prot', 3],
    ['a mapping without READ', 'state.pmap', [{ va: P, ppn: 0, prot: 4, wired: 0 }, ...last.state.pmap]],
  ])('%s', (_what, path, value) => {
    expect(wrongPaths(withField(last, path, value))).toEqual([]);
  });
});

describe('at level contract', () => {
  const actual = observedInTrace(last.state);
  const differencesAfter = (path: string, value: unknown): string[] => {
    const expected = observedInTrace(withField(last.state, path, value));
    return stateDifferences(expected, actual, 'contract').map((one) => one.path);
  };
  const whole = last.state.maps.sub0?.entries[0];
  const middle = START + P;
  const parts = (backOffset: number) => [
    { ...whole, end: middle },
    { ...whole, start: middle, offset: backOffset },
  ];

  test.each<[string, string, unknown]>([
    ['reference counts', 'objects.anon1.ref_count', 7],
    ['entry counts', 'maps.sub0.nentries', 7],
    ['pools', 'kentries_free', 7],
    ['the order of a queue', 'queues.free', reversed('state.queues.free')],
    ['the order of pages', 'objects.kernel.pages', reversed('state.objects.kernel.pages')],
    ['entry boundaries inside a run', 'maps.sub0.entries', parts(P)],
  ])('%s are free', (_what, path, value) => {
    expect(differencesAfter(path, value)).toEqual([]);
  });

  test('frame numbers are free, as long as mappings name the same pages', () => {
    const moved = withField(last.state, 'objects.anon1.pages[0].ppn', 11);
    const frame = last.state.objects.anon1?.pages[0]?.ppn;
    const at = moved.pmap.findIndex(({ ppn }) => ppn === frame);
    const expected = observedInTrace(withField(moved, `pmap[${at}].ppn`, 11));
    expect(stateDifferences(expected, actual, 'contract')).toEqual([]);
  });

  test.each<[string, string, unknown, string]>([
    ['a protection', 'maps.sub0.entries[0].prot', 1, 'state.maps.sub0.runs[0].prot'],
    ['an offset that does not go on', 'maps.sub0.entries', parts(0), 'state.maps.sub0.runs[1]'],
    ['a mapping of another page', 'pmap[0].ppn', 0, 'state.pmap[0].page'],
    ['contents', 'objects.anon1.pages[0].fill', 1, 'state.objects.anon1.pages[0].fill'],
  ])('%s counts', (_what, path, value, reported) => {
    expect(differencesAfter(path, value)).toContain(reported);
  });
});
