import { describe, expect, test } from 'vitest';
import type { KernelDeclaration } from '../../contract/kernel-memory.ts';
import { OPERATION_KINDS } from '../../contract/operation.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { GOALS, GoalCounter } from '../../properties/goals.ts';
import { intentsOf, workloadOf } from '../../properties/scenarios.ts';
import { KERNEL_KINDS, WORKLOAD_NAMES, WORKLOADS, type WorkloadName } from '../../properties/workloads.ts';
import { generated, observed } from './generated.ts';

/** Goals that each workload exists for. */
const TARGETS: { readonly [Name in WorkloadName]: readonly string[] } = {
  balanced: [
    'kern:vm_map_protect:0',
    'none:zero:kmem_alloc',
    'crosses-line',
    'frame-mapped-twice',
    'sleep:pages:kmem_alloc',
  ],
  fragmenting: ['freed-middle', 'hole-below-entry', 'coalesced-null', 'freed-several'],
  wiring: ['wired-twice', 'nowait-unwired', 'merged-wired', 'nowait-made-active'],
  'page-shortage': [
    'woken-in-vain-for-pages',
    'page-waiter-served',
    'shortage-at-page-1',
    'sleep:transition:kmem_free',
    'page-deadlock',
  ],
  'entry-exhaustion': ['panic:out-of-map-entries', 'last-entry-taken'],
  submap: ['submap-full', 'submap-nested', 'map-attached', 'submap-removed', 'space-waiter-served'],
  protection: ['wired-loses-read', 'kern:vm_map_protect:2', 'write-right-removed', 'kern:vm_fault:2'],
  'top-of-memory': ['last-page-of-memory', 'kernel-map-full-to-end', 'none:overflow:kmem_alloc_pageable'],
  hostile: ['panic:unwire-not-in-pmap'],
  pmap: ['frame-mapped-twice'],
};

describe.each(WORKLOAD_NAMES)('workload %s', (name) => {
  const list = generated(name === 'hostile' ? 60 : 90, { workload: name });
  const counter = new GoalCounter(GOALS);
  let aliased = 0;
  for (const scenario of list) {
    let seen = false;
    counter.begin();
    observed(scenario, counter, {
      step: (view) => {
        seen ||= view.aliased;
      },
    });
    if (seen) aliased += 1;
  }

  test('reaches what it is for', () => {
    const counts = new Map(counter.counts().map(({ id, count }) => [id, count]));
    expect(TARGETS[name].filter((id) => (counts.get(id) ?? 0) === 0)).toEqual([]);
  });

  test('keeps the shares of deliberate errors and of reads that it fixes', () => {
    const { errorShare, readShare } = WORKLOADS[name];
    const intents = list.flatMap((scenario) => intentsOf(scenario) ?? []);
    const share = (intent: string): number => intents.filter((one) => one === intent).length / intents.length;
    expect(errorShare).toBeGreaterThanOrEqual(0.05);
    expect(errorShare).toBeLessThanOrEqual(0.15);
    expect(readShare).toBeLessThanOrEqual(0.25);
    expect(Math.abs(share('error') - errorShare)).toBeLessThan(0.03);
    expect(Math.abs(share('read-only') - readShare)).toBeLessThan(0.04);
  });

  test(name === 'hostile' ? 'aliases pages' : 'aliases no page', () => {
    expect(aliased > 0).toBe(name === 'hostile');
  });
});

test('the default mix runs every kind of operation', () => {
  const kinds = new Set(generated(200).flatMap(({ operations }) => operations.map(({ kind }) => kind)));
  expect(OPERATION_KINDS.filter((kind) => !kinds.has(kind))).toEqual([]);
});

test('a kernel without pmap_create and pmap_pinit meets no other address space than its own', () => {
  const others = OPERATION_KINDS.filter((kind) => !KERNEL_KINDS.has(kind));
  expect(others.length).toBe(7);
  for (const kind of others) expect(kind).toMatch(/^(pmap|tlb)_/);
  const without = { ...optimizedKernel.declares, operations: [...KERNEL_KINDS] };
  const spaces = (declares: KernelDeclaration): number =>
    generated(100, { declares }).filter((scenario) => workloadOf(scenario) === 'pmap').length;
  expect(spaces(without)).toBe(0);
  expect(spaces(optimizedKernel.declares)).toBeGreaterThan(0);
});
