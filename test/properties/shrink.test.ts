/** Shrinking as a whole: what stays the same, what is counted, what is certified, and what is left when it is stopped. */
import { describe, expect, test } from 'vitest';
import { address, bytes, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { FAULTY_KERNELS } from '../../faults/kernels.ts';
import { loadFaultyKernel } from '../../faults/load.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { type SearchMemory, searchScope } from '../../properties/certificate.ts';
import { exploreLevels } from '../../properties/explore.ts';
import { tinyMachine } from '../../properties/explore-machine.ts';
import { ALL_INVARIANTS } from '../../properties/invariants/all.ts';
import { judgeScenario } from '../../properties/lockstep.ts';
import { REFERENCE_TOO } from '../../properties/lockstep-judge.ts';
import { choicesOf, ownScope, type Scope } from '../../properties/search-scope.ts';
import { certificateLine, type ShrinkScenarioOptions, shrinkScenario } from '../../properties/shrink.ts';
import type { Judge } from '../../properties/shrinker.ts';
import { signatureOf } from '../../properties/signature.ts';
import { likenessTo } from '../../properties/symptoms.ts';
import type { LockstepReport } from '../../properties/verdict.ts';
import { smallMachine } from './generated.ts';

/** The bug of the README: unwiring looks a page up in the page tables, where one without rights is not. */
const fault = FAULTY_KERNELS.find(({ name }) => name === 'unwire-needs-pte');
const candidate = loadFaultyKernel(fault ?? null);
const judge: Judge = (scenario) =>
  judgeScenario(scenario, {
    reference: referenceKernel,
    candidate,
    compare: true,
    invariants: ALL_INVARIANTS,
    fullEvery: 1,
  });
const shrunk = (found: LockstepReport, more: Partial<ShrinkScenarioOptions> = {}, judging = judge) =>
  shrinkScenario(found, judging, {
    reference: referenceKernel,
    candidate,
    invariants: ALL_INVARIANTS,
    searchMost: 100,
    ...more,
  });

const page = (n: number) => address(smallMachine.kernelStart + n * 4096);
const KERNEL = { map: 'kernel' } as const;

/** Sixty operations as a person might write them: the bug in the middle, among others that have nothing to do with it. */
const SIXTY: readonly Operation[] = [
  { kind: 'kmem_alloc', ...KERNEL, size: pages(2) },
  ...Array.from({ length: 14 }, (): Operation[] => [
    { kind: 'kmem_alloc_pageable', ...KERNEL, size: pages(3) },
    { kind: 'kmem_free', ...KERNEL, address: page(2), size: pages(3) },
  ]).flat(),
  { kind: 'vm_map_protect', ...KERNEL, start: page(1), end: page(2), protection: 0, setMax: false },
  ...Array.from({ length: 28 }, (_, i): Operation => {
    if (i % 2 === 0) return { kind: 'cpu_read', address: page(0), length: 4 };
    return { kind: 'vm_map_lookup_entry', ...KERNEL, address: page(1) };
  }),
  { kind: 'kmem_free', ...KERNEL, address: page(0), size: pages(2) },
  { kind: 'pagedaemon' },
];
const sixty = judge({ machine: smallMachine, operations: SIXTY });
const kindsOf = ({ operations }: Scenario) => operations.map(({ kind }) => kind);

describe('a scenario of sixty operations written by hand', () => {
  const result = shrunk(sixty);
  const { report, certificate } = result;

  test('fails, and shrinks to the three that matter on the plainest machine', () => {
    expect(SIXTY).toHaveLength(60);
    expect(kindsOf(report.scenario)).toEqual(['kmem_alloc', 'vm_map_protect', 'kmem_free']);
    expect(report.scenario.machine.managedPages).toBe(1);
    expect(report.failure?.number).toBe(3);
  });

  test('keeps its signature', () => {
    expect(signatureOf(report)).toEqual(signatureOf(sixty));
  });

  test('is certified: no shorter one fails', () => {
    expect(certificate.minimal).toBe(true);
    expect(certificateLine(certificate)).toMatch(/^minimal within \{kmem_alloc_pageable, .*: \d+ shorter/);
  });

  test('comes out the same every time, whatever searches before it have learned', () => {
    const memory: SearchMemory = new Map();
    const first = JSON.stringify(result);
    expect(JSON.stringify(shrunk(sixty, { memory }))).toBe(first);
    expect(JSON.stringify(shrunk(sixty, { memory }))).toBe(first);
  });
});

describe('what the reference breaks too', () => {
  const { failure } = sixty;
  const both: LockstepReport = {
    ...sixty,
    failure: failure && { ...failure, witnesses: [...failure.witnesses, REFERENCE_TOO] },
  };

  test('is another failure than what the kernel breaks alone', () => {
    for (const alike of ['signature', 'symptom'] as const) {
      expect(likenessTo(sixty, alike)(sixty)).toBe(true);
      expect(likenessTo(sixty, alike)(both)).toBe(false);
      expect(likenessTo(both, alike)(both)).toBe(true);
      expect(likenessTo(both, alike)(sixty)).toBe(false);
    }
  });

  test('is not handed over as a failure of the kernel', () => {
    const { others } = shrunk(sixty, { searchMost: 0 }, (scenario) => {
      const report = judge(scenario);
      const claim = failure && { ...failure, property: 'INV-CLAIM', witnesses: [REFERENCE_TOO] };
      return report.failure === null ? { ...report, failure: claim } : report;
    });
    expect(others.map((other) => other.failure?.property)).not.toContain('INV-CLAIM');
  });
});

describe('a wrong outcome', () => {
  const answered = (path: string, expected: string, actual: string): LockstepReport => ({
    ...sixty,
    failure: sixty.failure && {
      ...sixty.failure,
      property: 'INV-ACC-MODEL',
      differences: [{ path, expected, actual }],
    },
  });
  const granted = answered('outcome', 'none', '0xfe002000');
  const isLike = likenessTo(granted, 'symptom');

  test.each([
    ['another address', answered('outcome', 'none', '0xfe008000')],
    ['a code', answered('outcome.code', 'KERN_NO_SPACE', 'KERN_SUCCESS')],
    ['a sleep', answered('outcome', 'KERN_PROTECTION_FAILURE', 'sleeps on pages')],
    ['the wrong code', answered('outcome.code', 'KERN_NO_SPACE', 'KERN_INVALID_ADDRESS')],
  ])('where a refusal is due is one thing, with %s too', (_, other) => {
    expect(isLike(other)).toBe(true);
  });

  test.each([
    ['refuses what is granted', answered('outcome', '0xfe002000', 'none')],
    ['differs where nothing is refused', answered('outcome.code', 'KERN_SUCCESS', 'KERN_NO_SPACE')],
    ['panics where a refusal is due', answered('outcome', 'none', 'panic vm_map_find')],
    ['is none, but a wrong field', answered('counters.free', '1', '0')],
  ])('is another where it %s', (_, other) => {
    expect(isLike(other)).toBe(false);
  });
});

describe('what is run', () => {
  test('is counted, once for each scenario', () => {
    const run: string[] = [];
    const { executions, executionsBeforeSearch } = shrunk(sixty, { searchMost: 20 }, (scenario) => {
      run.push(JSON.stringify(scenario));
      return judge(scenario);
    });
    expect(run).toHaveLength(executions);
    expect(new Set(run).size).toBe(run.length);
    expect(executionsBeforeSearch).toBeGreaterThan(10);
    expect(executionsBeforeSearch).toBeLessThanOrEqual(executions);
  });

  test('ends at the limit, and then nothing is certified', () => {
    const { executions, certificate } = shrunk(sixty, { most: 3 });
    expect(executions).toBe(3);
    expect(certificateLine(certificate)).toBe('not certified minimal: 3 scenarios were run by then');
  });
});

describe('shrinking that is stopped', () => {
  test('gives the smallest so far, which fails alike, and goes on from there', () => {
    let asked = 0;
    const seen: LockstepReport[] = [];
    const half = shrunk(sixty, {
      searchMost: 0,
      shouldStop: () => {
        asked += 1;
        return asked > 6;
      },
      onBetter: (report) => seen.push(report),
    });
    expect(half.interrupted).toBe(true);
    expect(half.certificate.minimal).toBe(false);
    expect(half.report).toEqual(seen.at(-1));
    expect(half.report.scenario.operations.length).toBeLessThan(60);
    expect(likenessTo(sixty, 'signature')(judge(half.report.scenario))).toBe(true);
    const stopReason = (): string => 'it was interrupted';
    const ended = (more: Partial<ShrinkScenarioOptions>) =>
      shrunk(sixty, { shouldStop: () => true, ...more }).certificate.reason;
    expect(ended({})).toBe('the time was up');
    expect(ended({ stopReason })).toBe('it was interrupted');
    const whole = { searchMost: 0 };
    expect(shrunk(half.report, whole).report).toEqual(shrunk(sixty, whole).report);
  });
});

describe('progress', () => {
  test('counts what the searches try, and never goes back', () => {
    const told: { executions: number; tried: number }[] = [];
    shrunk(sixty, { onTry: ({ executions, tried }) => told.push({ executions, tried }) });
    const counts = told.map(({ tried }) => tried);
    expect(counts).toEqual([...counts].sort((one, other) => one - other));
    const searching = told.filter(({ executions }, i) => executions === told[i - 1]?.executions);
    expect(new Set(searching.map(({ tried }) => tried)).size).toBeGreaterThan(10);
  });
});

describe('another failure', () => {
  const other = { property: 'INV-OTHER', differences: [] };
  /** As the kernel, but whoever has not allocated sees another failure. */
  const judging: Judge = (scenario) => {
    const report = judge(scenario);
    if (scenario.operations.some(({ kind }) => kind === 'kmem_alloc')) return report;
    const failure = { sentence: '', side: 'candidate', witnesses: [], number: 1, ...other } as const;
    return { ...report, failure };
  };

  test('is not taken for the one sought, and is handed over once', () => {
    const { report, others } = shrunk(sixty, { searchMost: 0 }, judging);
    expect(signatureOf(report)).toEqual(signatureOf(sixty));
    const named = others.filter(({ failure }) => failure?.property === 'INV-OTHER');
    expect(named.length).toBeGreaterThan(0);
    const signatures = others.map((one) => JSON.stringify(signatureOf(one)));
    expect(new Set(signatures).size).toBe(signatures.length);
  });
});

describe('the search for shorter scenarios', () => {
  const machine = tinyMachine({ frames: 1, entries: 4, maps: 2, largest: 2, scratch: false });
  const three = shrunk(sixty, { searchMost: 0 }).report;
  const scope: Scope = ownScope(three.scenario.operations, machine);
  const ground = { reference: referenceKernel, candidate, invariants: ALL_INVARIANTS };
  const limits = {
    most: 100_000,
    isSought: likenessTo(three, 'signature'),
    onOther: () => undefined,
    onTry: () => undefined,
    shouldStop: () => false,
  };
  const search = (depth: number) =>
    searchScope(scope, { ...ground, memory: new Map() }, { ...limits, depth });

  test('finds none where brute force finds none, and one as short where it finds one', () => {
    const brute = (depth: number) => {
      const met: LockstepReport[] = [];
      exploreLevels({
        ...{ ...ground, machine, depth, vocabulary: scope.vocabulary, merging: false },
        choose: choicesOf(scope),
        onFailure: (report) => met.push(report),
      });
      return met.filter(limits.isSought).map(({ scenario }) => scenario.operations.length);
    };
    expect(brute(2)).toEqual([]);
    expect(search(2)).toMatchObject({ found: null, reason: null });
    const { found } = search(3);
    expect(found?.scenario.operations).toHaveLength(Math.min(...brute(3)));
  });

  test('does not certify what is longer than need be', () => {
    const longer: Scenario = {
      machine: three.scenario.machine,
      operations: [{ kind: 'kmem_alloc', ...KERNEL, size: bytes(4096) }, ...three.scenario.operations],
    };
    const { found } = searchScope(
      ownScope(longer.operations, machine),
      { ...ground, memory: new Map() },
      { ...limits, depth: 3 },
    );
    expect(found?.scenario.operations).toHaveLength(3);
  });

  test('looks only at what begins as it is told, and counts from there', () => {
    const { operations } = three.scenario;
    const first = searchScope(scope, { ...ground, memory: new Map() }, { ...limits, depth: 3 }).found;
    const begin = first?.scenario.operations.slice(0, 1) ?? [];
    const behind = (depth: number) =>
      searchScope({ ...scope, begin }, { ...ground, memory: new Map() }, { ...limits, depth });
    expect(behind(1)).toMatchObject({ found: null, reason: null });
    const { found, scenarios } = behind(2);
    expect(found?.scenario.operations).toHaveLength(operations.length);
    expect(found?.scenario.operations.slice(0, 1)).toEqual(begin);
    expect(scenarios).toBeLessThan(search(3).scenarios);
  });

  test('says why it came to no end', () => {
    const scenarios = 50;
    const result = searchScope(
      scope,
      { ...ground, memory: new Map() },
      { ...limits, depth: 2, most: scenarios },
    );
    expect(result).toEqual({ found: null, scenarios, reason: 'there are more than 50 to try' });
  });
});
