import { describe, expect, test } from 'vitest';
import { scenarioText } from '../../cli/scenario-file.ts';
import { address, bytes } from '../../contract/address.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { machine } from '../report/failing-report.ts';
import { directoryWith, filesIn, vmlockstep } from './command.ts';
import { kernel, scenario as toyScenario } from './kernel-text.ts';

const start = 0xfe00_2000;
const scenario: Scenario = {
  machine: { ...machine, scratchPages: 0, deviceFrames: 0 },
  operations: [
    { kind: 'pagedaemon' },
    { kind: 'kmem_alloc', map: 'kernel', size: bytes(4096) },
    {
      kind: 'vm_map_protect',
      map: 'kernel',
      ...{ start: address(start), end: address(start + 4096), protection: 0, setMax: false },
    },
    { kind: 'kmem_free', map: 'kernel', address: address(start), size: bytes(4096) },
  ],
};
const text = scenarioText({ scenario });
const FAULT = ['--kernel', 'fault:unwire-needs-pte'];

describe('explain', () => {
  test('tells what goes wrong, what it takes, what may be otherwise, by which rules, and draws the states', async () => {
    const directory = directoryWith({ 's.scn.json': text });
    const { status, stdout, stderr } = await vmlockstep(directory, ['explain', 's.scn.json', ...FAULT]);
    expect(status).toBe(1);
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^FAILED INV-PAGE-COUNTERS after operation 4: kernel fault:unwire-needs-pte\n {2}The three page counters/,
    );
    const sections = [
      '> 4  kmem_free(kernel, a, 0x1000)',
      'what differs there',
      'which operations it takes',
      '  1  not needed: fails as before without it',
      '  2  needed: nothing fails without it',
      'which arguments may be others',
      'rules that the reference applied in operation 4',
      '  KM-FREE-1: Freeing takes every page',
      'and in the operations before',
      'the state before operation 4',
      'the state after it in the reference model',
      'the state after it in kernel fault:unwire-needs-pte',
      ' scenarios run to find out',
    ];
    let at = 0;
    for (const section of sections) {
      expect(stdout.indexOf(section, at), section).toBeGreaterThanOrEqual(at);
      at = stdout.indexOf(section, at);
    }
    expect(stdout).toMatch(/ counters\.wired +0 +1\n/);
    expect(stdout).toMatch(/ 3 {2}vm_map_protect +protection +NONE +also WRITE, EXECUTE, .*not READ,/);
    expect(stdout).toMatch(/\n0 passed, 1 failed, 0 skipped\n$/);
    expect(Object.keys(filesIn(directory))).toHaveLength(1);
  });

  test('gives the same as one JSON document, in the same bytes each time', async () => {
    const directory = directoryWith({ 's.scn.json': text });
    const args = ['explain', 's.scn.json', ...FAULT, '--json'];
    const { status, stdout } = await vmlockstep(directory, args);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ version: 1, verb: 'explain', file: 's.scn.json', kernel: 'fault:unwire-needs-pte', exit: 1 },
      failure: { property: 'INV-PAGE-COUNTERS', number: 4 },
      needs: [{ without: 'same' }, { without: 'holds' }, { without: 'holds' }, { without: 'holds' }],
      states: { expected: { counters: { wired: 0 } }, actual: { counters: { wired: 1 } } },
      rules: { 'KM-FREE-1': expect.stringContaining('Freeing takes every page') },
    });
    expect((await vmlockstep(directory, args)).stdout).toBe(stdout);
  });

  test('tells of a scenario that holds what it does, by which rules, and where it is known to fail', async () => {
    const stored = scenarioText({ scenario, kernel: 'fault:unwire-needs-pte' });
    const { status, stdout, stderr } = await vmlockstep(directoryWith(), ['explain', '-'], { input: stored });
    expect(status).toBe(0);
    expect(stdout).toMatch(/holds on kernel optimized\n/);
    expect(stdout).toMatch(/ 4 {2}kmem_free\(kernel, a, 0x1000\) .*→ done\n {6}/);
    expect(stdout).toMatch(/\n {6}KM-FREE-1: Freeing takes every page/);
    expect(stderr).toBe(
      'the file was failed by kernel fault:unwire-needs-pte; add --kernel fault:unwire-needs-pte\n',
    );
    expect(stdout).toMatch(/\n1 passed, 0 failed, 0 skipped\n$/);
  });

  test.each([
    ['hangs', '() => { for (;;); }', 'KERNEL-HUNG', /gave no answer|no answer within/],
    ['ends its process', '() => process.exit(3)', 'KERNEL-DIED', /process/],
    ['throws', "() => { throw new Error('lost') }", 'KERNEL-THREW', /lost/],
  ])('names a kernel that %s, with status 4 and without a stack', async (_, apply, property, says) => {
    const directory = directoryWith({
      'k.mjs': kernel({ apply }),
      's.scn.json': scenarioText({ scenario: toyScenario }),
    });
    const args = ['explain', 's.scn.json', '--kernel', './k.mjs', '--kernel-timeout', '700ms'];
    const { status, stdout, stderr } = await vmlockstep(directory, args);
    expect({ status, stderr }).toEqual({ status: 4, stderr: expect.stringMatching(says) });
    expect(stdout).toContain(property);
    expect(stdout + stderr).not.toMatch(/\n {4}at /);
    const document = JSON.parse((await vmlockstep(directory, [...args, '--json'])).stdout);
    expect(document).toMatchObject({ verb: 'explain', failure: { property }, exit: 4 });
  });

  test('says flaky with 5 where the verdict changes, and stale with 6 where the file means something else', async () => {
    const turns = `let boots = 0;\n${kernel({
      declares:
        "{ name: 'by-turns', operations: ['kmem_alloc', 'kmem_free'], shows: ['outcomes'], placement: 'first-fit' }",
      boot: `(machine) => {
        const wrong = (boots += 1) % 2 === 0;
        return { apply: ({ kind }) => ({ outcome: kind === 'kmem_alloc'
          ? { kind: 'address', address: machine.kernelStart + (wrong ? 4096 : 0) } : { kind: 'done' } }) };
      }`,
    })}`;
    const two: Scenario = { ...scenario, operations: scenario.operations.slice(1, 2) };
    const directory = directoryWith({
      'k.mjs': turns,
      's.scn.json': scenarioText({ scenario: two }),
      'old.scn.json': scenarioText({ scenario: two, outcomes: ['none'] }),
    });
    const flaky = await vmlockstep(directory, ['explain', 's.scn.json', '--kernel', './k.mjs']);
    expect(flaky.stdout).toMatch(/\nflaky: .*\n0 passed, 1 failed, 0 skipped\n$/);
    expect(flaky.status).toBe(5);
    const stale = await vmlockstep(directory, ['explain', 'old.scn.json']);
    expect(stale.stdout).toMatch(
      /\nstale: old\.scn\.json: operations\[0\].*\n0 passed, 1 failed, 0 skipped\n$/,
    );
    expect(stale.status).toBe(6);
  });

  test.each([
    [['nowhere.scn.json'], /nowhere\.scn\.json: /],
    [['bad.scn.json'], /bad\.scn\.json: .*JSON/],
    [[''], /explain: the file name is empty; name a scenario file/],
    [[], /missing required argument 'file'/],
    [['s.scn.json', '--shwo'], /unknown option '--shwo'/],
    [['s.scn.json', '--kernel', 'fault:unwire-needs-pt'], /fault.*unwire-needs-pte/],
    [['s.scn.json', '--kernel-timeout', '5s'], /--kernel-timeout/],
    [['s.scn.json', '--kernel', './k.mjs'], /kernel toy does not declare kmem_alloc/],
  ])('refuses %j in one line with status 2 and changes nothing', async (args, says) => {
    const directory = directoryWith({
      's.scn.json': text,
      'bad.scn.json': '{"version": 2,',
      'k.mjs': kernel(),
    });
    const before = filesIn(directory);
    const { status, stdout, stderr } = await vmlockstep(directory, ['explain', ...args]);
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(filesIn(directory)).toEqual(before);
  });
});
