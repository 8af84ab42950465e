/** The exhaustive search: what it merges, what it finds, and that it finds it as early as can be. */
import { describe, expect, test } from 'vitest';
import { frameNumber, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { FAULTY_KERNELS } from '../../faults/kernels.ts';
import { loadFaultyKernel } from '../../faults/load.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { type ExploreOptions, exploreLevels, shortestFailure } from '../../properties/explore.ts';
import { type AtlasContent, Exploration } from '../../properties/explore-atlas.ts';
import { hashOf } from '../../properties/explore-hash.ts';
import { tinyMachine } from '../../properties/explore-machine.ts';
import { Expander, type Node } from '../../properties/explore-node.ts';
import { ALL_INVARIANTS } from '../../properties/invariants/all.ts';
import { tampered } from './lockstep-fixtures.ts';

const setup: Omit<ExploreOptions, 'depth'> = {
  reference: referenceKernel,
  candidate: optimizedKernel,
  invariants: ALL_INVARIANTS,
  machine: tinyMachine({ frames: 2, entries: 3, maps: 2, largest: 2, scratch: false }),
  vocabulary: { alphabet: 'core', sizes: [0, 1, 2], maps: 2 },
};

const faulty = (name: string) => {
  const fault = FAULTY_KERNELS.find((known) => known.name === name);
  if (fault === undefined) throw new Error(`no fault is called ${name}`);
  return loadFaultyKernel(fault);
};

describe('every operation at every place', () => {
  const full: Omit<ExploreOptions, 'depth'> = {
    ...setup,
    machine: tinyMachine({ frames: 2, entries: 3, maps: 2, largest: 1, scratch: true }),
    vocabulary: { alphabet: 'full', sizes: [0, 1], maps: 2 },
  };

  test('holds: among them memory of a map without page tables, at which the machine stops', () => {
    const { failure, levels } = exploreLevels({ ...full, depth: 2 });
    expect(failure).toBeNull();
    expect(levels.at(-1)?.panics).toBeGreaterThan(0);
  });

  test('leaves the scratch window to pmap operations', () => {
    const { kernelMin: start, kernelStart: end } = full.machine;
    const window = { map: 'kernel', start, end } as const;
    const choices = new Expander(full).choicesAfter([
      { kind: 'vm_map_pageable', ...window, pageable: false },
      { kind: 'pmap_enter', address: start, frame: frameNumber(0), protection: 3, wired: false },
    ]);
    const kinds = choices.flatMap((one) => {
      const reaches =
        ('end' in one && one.start < one.end && one.start < end) ||
        ('size' in one && 'address' in one && one.size > 0 && one.address < end);
      return reaches ? [one.kind] : [];
    });
    expect([...new Set(kinds)].sort()).toEqual([
      'pmap_protect',
      'pmap_remove',
      'vm_map_check_protection',
      'vm_map_pageable',
    ]);
  });
});

describe('merging states', () => {
  test('reaches exactly the states that brute force reaches, sleepers among them', () => {
    const options: ExploreOptions = {
      ...setup,
      depth: 3,
      kinds: [
        'kmem_alloc',
        'kmem_free',
        'cpu_read',
        'vm_map_lookup_entry',
        'pagedaemon',
        'resume',
        'vm_map_pageable',
      ],
    };
    const merged = exploreLevels(options);
    const brute = exploreLevels({ ...options, merging: false });
    expect(new Set(merged.states)).toEqual(new Set(brute.states));
    expect(merged.states.length).toBeLessThan(brute.states.length);
    expect(merged.failure).toBeNull();
    expect(brute.failure).toBeNull();
  });

  test('gives one name only to states with one future: whatever led there, every next operation does the same', () => {
    const expander = new Expander({ ...setup, merging: false });
    const root = expander.root();
    if ('scenario' in root) throw new Error('the machine boots');
    const ways = new Map<string, Node[]>();
    let level: Node[] = [root];
    for (let depth = 1; depth <= 2; depth++)
      level = level.flatMap((node) =>
        expander.expand(node).edges.flatMap(({ operation, key, since }) => {
          if (key === null) return [];
          const next = { operations: [...node.operations, operation], key, since };
          const known = ways.get(key) ?? [];
          ways.set(key, [...known, next]);
          return known.length === 0 ? [next] : [];
        }),
      );
    const met = [...ways.values()].filter((nodes) => nodes.length > 1).slice(0, 40);
    expect(met.length).toBeGreaterThan(10);
    for (const [first, ...others] of met) {
      if (first === undefined) continue;
      const edges = expander.expand(first).edges;
      for (const other of others.slice(0, 2)) expect(expander.expand(other).edges).toEqual(edges);
    }
  });

  test('keeps states apart that differ in the contents of a page alone', () => {
    const expander = new Expander({ ...setup, kinds: ['kmem_alloc_pageable'] });
    const behind = (value: number) => {
      const way: Operation[] = [
        { kind: 'kmem_alloc', map: 'kernel', size: pages(1) },
        { kind: 'cpu_write', address: setup.machine.kernelMin, bytes: [value] },
      ];
      return expander.expand({ operations: way, key: 'any', since: '' }).edges.map(({ key }) => key);
    };
    expect(behind(1)).not.toEqual([]);
    expect(behind(1)).toEqual(behind(1));
    for (const [at, key] of behind(2).entries()) expect(key).not.toBe(behind(1)[at]);
  });

  test('keeps sleepers apart that want different things, though every snapshot of them is the same', () => {
    const expander = new Expander({ ...setup, kinds: ['kmem_alloc_wait'] });
    const way: Operation[] = [
      { kind: 'kmem_suballoc', name: 'sub0', parent: 'kernel', size: pages(2), pageable: true },
      { kind: 'kmem_alloc_wait', map: 'sub0', size: pages(2) },
    ];
    const { edges } = expander.expand({ operations: way, key: 'full', since: '' });
    const asleep = edges.filter(({ since }) => since !== '');
    expect(asleep.length).toBeGreaterThan(1);
    expect(new Set(asleep.map(({ key }) => key)).size).toBe(asleep.length);
  });
});

describe('the first failure', () => {
  test('has as few operations as brute force finds', () => {
    const options = {
      ...setup,
      depth: 3,
      kinds: ['kmem_alloc', 'vm_map_protect', 'kmem_free', 'vm_map_pageable'] as const,
    };
    const candidate = faulty('unwire-needs-pte');
    const report = shortestFailure(candidate, options);
    expect(report?.failure?.number).toBe(3);
    expect(report?.scenario.operations.map(({ kind }) => kind)).toEqual([
      'kmem_alloc',
      'vm_map_protect',
      'kmem_free',
    ]);
    expect(shortestFailure(candidate, { ...options, merging: false })).toEqual(report);
    expect(shortestFailure(candidate, { ...options, depth: 2 })).toBeNull();
  });

  test('is found too where a kernel remembers what the reference does not show, after what needs fewer operations', () => {
    let looked = false;
    const forgetful = tampered({
      step: (step, number, operation) => {
        if (number === 1) looked = false;
        const was = looked;
        if (operation.kind === 'vm_map_lookup_entry') looked = true;
        return was && operation.kind === 'kmem_alloc_pageable' ? { outcome: { kind: 'none' } } : step;
      },
    });
    const report = shortestFailure(forgetful, {
      ...setup,
      depth: 3,
      kinds: ['kmem_alloc_pageable', 'vm_map_lookup_entry'],
    });
    expect(report?.scenario.operations.map(({ kind }) => kind)).toEqual([
      'kmem_alloc_pageable',
      'vm_map_lookup_entry',
      'kmem_alloc_pageable',
    ]);
  });
});

describe('a search in progress', () => {
  test('goes on from its content as if it had never stopped', () => {
    const expander = new Expander(setup);
    const root = expander.root();
    if ('scenario' in root) throw new Error('the machine boots');
    const go = (exploration: Exploration, most: number): Exploration => {
      for (let count = 0; count < most; count++) {
        const node = exploration.next(2);
        if (node === null) break;
        exploration.absorb(expander.expand(node));
      }
      return exploration;
    };
    const whole = go(new Exploration(root), 1000);
    const part: AtlasContent = JSON.parse(JSON.stringify(go(new Exploration(root), 3).content));
    expect(part.expanded).toBe(3);
    expect(go(new Exploration(part), 1000).content).toEqual(whole.content);
    expect(whole.waiting(2)).toBe(0);
    expect(whole.waiting(3)).toBe(whole.levels[2]?.states);
  });
});

test('a hash changes with any character and with their order', () => {
  const texts = ['', '0', '1', '01', '10', '010', 'a b', 'b a', 'x'.repeat(1000), `${'x'.repeat(999)}y`];
  const hashes = texts.map(hashOf);
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/);
  for (const half of [0, 8])
    expect(new Set(hashes.map((hash) => hash.slice(half, half + 8))).size).toBe(texts.length);
});
