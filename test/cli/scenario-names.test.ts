/** What is said of names that nothing makes, and of the kernel that a file was failed by. */
import { describe, expect, test } from 'vitest';
import { parseScenario, type StoredScenario, scenarioText } from '../../cli/scenario-file.ts';
import { keptKernel, kernelThatFailed, otherKernelLine } from '../../cli/scenario-kernel.ts';
import { nameWarnings, unmadeNames } from '../../cli/scenario-names.ts';
import { address, bytes } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { directoryWith, vmlockstep } from './command.ts';
import { scenario } from './kernel-text.ts';

const size = bytes(4096);
const made: Operation = { kind: 'kmem_suballoc', name: 'submap', parent: 'kernel', size, pageable: true };
const inMap = (map: string): Operation => ({ kind: 'kmem_alloc', map, size });
const inPmap = (pmap: string): Operation => ({ kind: 'pmap_extract', pmap, address: address(0xfe00_0000) });

describe('a name that nothing makes', () => {
  test('is told once, with operation, field and what was meant', () => {
    expect(unmadeNames('f', [made, inMap('submpa'), inMap('submpa'), inMap('kernel')])).toEqual([
      `warning: f: operations[1].map: operation 2 (kmem_alloc) names the map "submpa", which no operation makes; did you mean 'submap'?`,
    ]);
  });

  test('may be made later, or never have been near any other', () => {
    expect(unmadeNames('f', [inMap('submap'), made])).toEqual([]);
    expect(unmadeNames('f', [inMap('zzzzzzzzzz')])).toEqual([
      'warning: f: operations[0].map: operation 1 (kmem_alloc) names the map "zzzzzzzzzz", which no operation makes',
    ]);
  });

  test('of a pmap is no name of a map', () => {
    const create: Operation = { kind: 'pmap_pinit', name: 'p0' };
    expect(unmadeNames('f', [create, inPmap('p0'), inPmap('kernel'), inPmap('null')])).toEqual([]);
    expect(unmadeNames('f', [made, inPmap('submap')])).toHaveLength(1);
    expect(unmadeNames('f', [create, inMap('p0')])).toHaveLength(1);
  });

  test('is expected in what a command made and found failing', () => {
    const stored: StoredScenario = { scenario: { ...scenario, operations: [inMap('sub0')] } };
    const signature = { property: 'INV-X', side: 'candidate', operation: null } as const;
    const found = { seed: 1, command: 'npx vmlockstep check', version: '1', path: null };
    expect(nameWarnings('f', stored)).toHaveLength(1);
    expect(nameWarnings('f', { ...stored, signature, provenance: { ...found, command: null } })).toHaveLength(
      1,
    );
    expect(nameWarnings('f', { ...stored, signature: null, provenance: found })).toHaveLength(1);
    expect(nameWarnings('f', { ...stored, signature, provenance: found })).toEqual([]);
  });

  test('does not change what replay says otherwise', async () => {
    const input = scenarioText({ scenario: { ...scenario, operations: [made, inMap('submpa')] } });
    const { status, stdout, stderr } = await vmlockstep(directoryWith(), ['replay', '-'], { input });
    expect(status).toBe(0);
    expect(stdout).toMatch(/\nheld by kernel optimized\n1 passed, 0 failed, 0 skipped\n$/);
    expect(stderr).toBe(`${unmadeNames('-', parseScenario('-', input).scenario.operations).join('\n')}\n`);
    expect(stderr).not.toBe('\n');
  });
});

describe('the kernel that failed', () => {
  const signature = { property: 'INV-X', side: 'candidate', operation: null } as const;
  const provenance = { seed: 1, command: null, version: '1', path: null };
  const by = (command: string | null): StoredScenario => ({
    scenario,
    signature,
    provenance: { ...provenance, command },
  });

  test.each<[string, StoredScenario, string | null]>([
    ['of its own field', { scenario, kernel: './k.ts' }, './k.ts'],
    ['of its command', by('npx vmlockstep check --kernel ./k.ts --seed 4'), './k.ts'],
    ['of its command, in quotes', by("npx vmlockstep check --kernel 'a'\\''s b.ts'"), "a's b.ts"],
    ['not where the command names none', by('npx vmlockstep check --seed 4'), null],
    ['not where none failed', { ...by('npx vmlockstep check --kernel k.ts'), signature: null }, null],
  ])('is known %s', (_, stored, kernel) => {
    expect(kernelThatFailed(stored)).toBe(kernel);
  });

  test('is named where another one held, with the flag to add', () => {
    const stored = { scenario, kernel: 'my k.ts' };
    expect(otherKernelLine(stored, null)).toBe(
      "the file was failed by kernel my k.ts; add --kernel 'my k.ts'",
    );
    expect(otherKernelLine(stored, 'fault:x')).toContain('; give --kernel');
    expect(otherKernelLine(stored, './my k.ts')).toBeNull();
    expect(otherKernelLine({ scenario }, null)).toBeNull();
  });

  test('is kept as it was given, below the working directory relative to it', () => {
    expect(keptKernel('../k.ts', '/w')).toBe('../k.ts');
    expect(keptKernel('/w/a/k.ts', '/w')).toBe('./a/k.ts');
    expect(keptKernel('/elsewhere/k.ts', '/w')).toBe('/elsewhere/k.ts');
    expect(keptKernel('fault:x', '/w')).toBe('fault:x');
  });
});
