/** The stored cases and the verbs about them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { additionOf, caseName } from '../../cli/corpus-add.ts';
import { readCorpus } from '../../cli/corpus-files.ts';
import { judgeCase } from '../../cli/corpus-job.ts';
import { fatesOf, superfluous } from '../../cli/corpus-min.ts';
import { verifyCase } from '../../cli/corpus-verify.ts';
import type { CaseResult } from '../../cli/job.ts';
import { parseScenario, type StoredScenario, scenarioText } from '../../cli/scenario-file.ts';
import { outcomesOf } from '../../cli/scenario-outcomes.ts';
import { address, bytes } from '../../contract/address.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import type { LockstepReport } from '../../properties/verdict.ts';
import { MACHINE } from '../deviations/example.ts';
import { directoryWith, filesIn, root, vmlockstep } from './command.ts';

const corpus = readCorpus({ path: join(root, 'corpus'), given: true });
const readmes = corpus.find(({ stored }) => stored.note?.startsWith('The counterexample of the README'));

describe('the cases of this repository', () => {
  test.each(corpus.map((each) => [each.file.slice(root.length + 1), each] as const))(
    '%s',
    async (_, each) => {
      expect(await verifyCase(each, null)).toEqual({ file: each.file, status: 'ok', why: null });
    },
  );

  test('have the names that follow from what they are, and the bytes that are written', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(15);
    for (const { file, stored } of corpus) {
      expect(file.endsWith(`/${caseName(stored)}`)).toBe(true);
      expect(readFileSync(file, 'utf8')).toBe(scenarioText(stored));
      expect(stored.outcomes).toEqual(outcomesOf(stored.scenario));
    }
  });
});

const scenario: Scenario = {
  machine: MACHINE,
  operations: [
    { kind: 'kmem_alloc', map: 'kernel', size: bytes(8192) },
    { kind: 'kmem_free', map: 'kernel', address: address(MACHINE.kernelMin), size: bytes(8192) },
  ],
};
const outcomes = outcomesOf(scenario) ?? [];
const held: StoredScenario = { scenario, expect: 'holds', signature: null, outcomes };
const signature = { property: 'INV-X', side: 'candidate', operation: 'kmem_free', field: null } as const;

describe('a case', () => {
  test('is stale when the model answers otherwise than it did', async () => {
    const stored = { ...held, outcomes: ['0xfe001000', 'done'] };
    expect(await verifyCase({ file: 'x', stored }, null)).toEqual({
      file: 'x',
      status: 'stale',
      why: 'operations[0] (kmem_alloc) meant "0xfe001000" and now means "0xfe000000"',
      remedy: expect.stringMatching(/^if the change was meant, remove "outcomes" .* corpus migrate x$/),
    });
  });

  test.each<[string, Partial<StoredScenario>, RegExp]>([
    ['its fault is gone', { kernel: 'fault:no-such' }, /^there is no fault:no-such any more$/],
    [
      'its kernel holds',
      { kernel: 'fault:zero-size-finds-room' },
      /^holds on fault:zero-size-finds-room, where it had/,
    ],
    [
      'its kernel fails otherwise',
      { kernel: readmes?.stored.kernel ?? '', scenario: readmes?.stored.scenario ?? scenario },
      /^fails on fault:unwire-needs-pte otherwise: INV-PAGE-COUNTERS after kmem_free \(counters\.wired\), not INV-X/,
    ],
  ])('is stale when %s', async (_, change, why) => {
    const { outcomes: _outcomes, ...rest } = held;
    const stored = { ...rest, expect: 'fails', signature, ...change } as const;
    const verified = await verifyCase({ file: 'x', stored }, null);
    expect(verified.status).toBe('stale');
    expect(verified.why).toMatch(why);
    expect(verified.remedy).toMatch(
      /^if the change was meant, move x out of the corpus and run .* corpus add/,
    );
  });

  test('is refused where its outcomes are of other operations', () => {
    const text = scenarioText({ ...held, outcomes: ['done'] });
    expect(() => parseScenario('x', text)).toThrow(
      /^x: outcomes: must hold one word for each of the 2 operations/,
    );
  });

  test('that is to fail is refused without kernel or signature', () => {
    const text = scenarioText({ scenario, expect: 'fails' });
    expect(() => parseScenario('x', text)).toThrow(/^x: signature: must say how it fails/);
    const named = scenarioText({ scenario, expect: 'fails', signature });
    expect(() => parseScenario('x', named)).toThrow(/^x: kernel: must name the kernel/);
  });

  test('needs what the kernel does not declare: it is skipped', () => {
    const small = {
      ...optimizedKernel,
      declares: { ...optimizedKernel.declares, operations: ['kmem_alloc' as const] },
    };
    expect(judgeCase({ file: 'x', scenario }, small, 1)).toMatchObject({
      status: 'skipped',
      why: 'kernel optimized does not declare kmem_free',
    });
  });

  test('on a kernel that answers by turns is flaky, and told where', () => {
    let boots = 0;
    const turns: typeof optimizedKernel = {
      ...optimizedKernel,
      boot: (machine) => {
        const kernel = optimizedKernel.boot(machine);
        boots += 1;
        if (boots % 2 === 0) kernel.apply({ kind: 'kmem_alloc', map: 'kernel', size: bytes(4096) }, 1);
        return kernel;
      },
    };
    expect(
      judgeCase(
        { file: 'x', scenario: { ...scenario, operations: scenario.operations.slice(0, 1) } },
        turns,
        3,
      ),
    ).toMatchObject({
      status: 'flaky',
      why: expect.stringMatching(/^3 runs of the same scenario gave held \(2 of 3\), INV-\S+ .*\(1 of 3\); /),
    });
  });

  test('whose outcomes changed is not added', () => {
    const stored = { ...held, outcomes: ['none', 'done'] };
    expect(additionOf({ file: 'x', stored }, null)).toMatchObject({ kind: 'refused', status: 6 });
  });

  test('goes only where others show all that it shows', () => {
    const longer = { ...scenario, operations: [...scenario.operations, ...scenario.operations] };
    const cases = [
      { file: 'a', stored: held },
      { file: 'b', stored: { ...held, scenario: longer } },
      { file: 'c', stored: { ...held, signature } },
    ];
    expect(superfluous(cases).map(({ file }) => file)).toEqual(['b', 'a']);
    expect(superfluous(cases.slice(0, 1))).toEqual([]);
    expect(fatesOf(cases)).toEqual([
      { file: 'a', kept: false, why: 'all that it shows is shown by c' },
      { file: 'b', kept: false, why: 'all that it shows is shown by c' },
      {
        file: 'c',
        kept: true,
        why: 'alone shows signature INV-X after kmem_free, kind kmem_alloc, kind kmem_free',
      },
    ]);
  });

  test('of an outside kernel is to hold there, and keeps how it fails at present', () => {
    const report: LockstepReport = {
      scenario,
      failure: { ...signature, sentence: 's', number: 2, witnesses: [], differences: [] },
      expected: [],
      actual: [],
    };
    const judged = (result: Partial<CaseResult>) =>
      additionOf(
        { file: 'x', stored: { scenario } },
        {
          ...{ kind: 'outside', name: './k.ts' },
          result: { file: 'x', status: 'failed', report, why: null, ...result },
        },
      );
    expect(judged({})).toMatchObject({
      kind: 'case',
      stored: { expect: 'holds', kernel: './k.ts', signature, number: 2 },
      note: 'x: fails at present: INV-X; check fails until it holds',
    });
    const held = judged({ status: 'passed', report: { ...report, failure: null } });
    expect(held).toMatchObject({ kind: 'case', stored: { expect: 'holds', signature: null }, note: null });
    expect(held).not.toHaveProperty('stored.kernel');
    expect(judged({ status: 'flaky', why: 'by turns' })).toMatchObject({ kind: 'refused', status: 5 });
    expect(judged({ status: 'skipped', report: null, why: 'no kmem_free' })).toMatchObject({
      ...{ kind: 'refused', status: 2, why: 'x: no kmem_free; remove it' },
    });
  });
});

/** A kernel that fails every second time that it boots, the first of all (a trial) not counted. */
const FLAKY = `let boots = 0;
export default {
  declares: { name: 'by-turns', operations: ['kmem_alloc', 'kmem_free'], shows: ['outcomes'], placement: 'first-fit' },
  boot: (machine) => {
    const wrong = (boots += 1) % 2 === 0;
    return { apply: ({ kind }) => ({ outcome: kind === 'kmem_alloc'
      ? { kind: 'address', address: machine.kernelStart + (wrong ? 4096 : 0) } : { kind: 'done' } }) };
  },
};`;

describe('check', () => {
  test('runs the corpus first and ends with a case that fails', async () => {
    const directory = directoryWith({ 'k.mjs': FLAKY.replace('wrong ? 4096', 'true ? 4096') });
    expect((await vmlockstep(directory, ['check', '--runs', '3', '--no-corpus'])).stdout).not.toContain(
      'corpus',
    );
    writeFileSync(join(directory, 's.scn.json'), scenarioText({ scenario }));
    const added = await vmlockstep(directory, ['corpus', 'add', 's.scn.json']);
    const name = `corpus/${caseName(held)}`;
    expect(added).toMatchObject({
      status: 0,
      stdout: `added s.scn.json as ${name}: holds\n1 case added, 0 refused\n1 passed, 0 failed, 0 skipped\n`,
    });
    const failed = await vmlockstep(directory, ['check', '--kernel', './k.mjs', '--runs', '3']);
    expect(failed.status).toBe(1);
    expect(failed.stdout).toMatch(
      /^corpus: 1 stored case\n\nFAILED INV-ACC-MODEL after operation 1\n {2}stored case corpus\//,
    );
    expect(failed.stdout).toContain(`npx vmlockstep replay ${name} --kernel ./k.mjs`);
    expect(failed.stdout).toMatch(/\n0 passed, 1 failed, 0 skipped\n$/);
    const passed = await vmlockstep(directory, ['check', '--runs', '3', '--json']);
    expect(JSON.parse(passed.stdout)).toMatchObject({
      passed: 4,
      failed: 0,
      skipped: 0,
      corpus: [{ file: name, status: 'passed', property: null, why: null }],
    });
  });

  test('ends with 6 where a case is stale, and with 5 where the kernel is flaky', async () => {
    const directory = directoryWith({
      'k.mjs': FLAKY,
      's.scn.json': scenarioText({ ...held, outcomes: ['none', 'done'] }),
    });
    const stale = await vmlockstep(directory, ['check', '--runs', '3', '--corpus', '.']);
    expect(stale.status).toBe(6);
    expect(stale.stdout).toContain(
      'stale: s.scn.json: operations[0] (kmem_alloc) meant "none" and now means "0xfe000000"; if the change was meant,',
    );
    expect(stale.stdout).toMatch(/\n3 passed, 1 failed, 0 skipped\n$/);
    const flaky = await vmlockstep(directory, ['check', '--kernel', './k.mjs', '--runs', '3', '--no-corpus']);
    expect(flaky.stdout).toMatch(/\nflaky: /);
    expect(flaky.status).toBe(5);
  });

  test.each([
    [
      ['--corpus', 'nowhere'],
      /corpus nowhere: there is no such directory; name a directory of scenario files/,
    ],
    [
      ['--corpus', 'x.scn.json'],
      /corpus x\.scn\.json: a part of the path is not a directory; name a directory/,
    ],
    [['--corpus', '.'], /x\.scn\.json: is empty; a scenario file holds one JSON object/],
    [['--corpus', ''], /--corpus.*must not be empty/],
  ])('refuses %j', async (flags, says) => {
    const directory = directoryWith({ 'x.scn.json': '' });
    const { status, stderr, stdout } = await vmlockstep(directory, ['check', '--runs', '1', ...flags]);
    expect(stderr).toMatch(says);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(Object.keys(filesIn(directory))).toEqual([join(directory, 'x.scn.json')]);
  });
});

describe('replay', () => {
  test('confirms a failure, and tells a kernel that changes its verdict', async () => {
    const directory = directoryWith({ 'k.mjs': FLAKY, 's.scn.json': scenarioText({ scenario }) });
    const { status, stdout } = await vmlockstep(directory, ['replay', 's.scn.json', '--kernel', './k.mjs']);
    expect(stdout).toMatch(
      /flaky: 3 runs of the same scenario gave .*; operation 1 \(kmem_alloc\) answered 0xfe00\d000 and 0xfe00\d000\n0 passed, 1 failed, 0 skipped\n$/,
    );
    expect(status).toBe(5);
  });

  test('of a stale file is no pass', async () => {
    const directory = directoryWith({ 's.scn.json': scenarioText({ ...held, outcomes: ['none', 'done'] }) });
    const { status, stdout } = await vmlockstep(directory, ['replay', 's.scn.json']);
    expect(stdout).toMatch(
      /stale: s\.scn\.json: operations\[0\].*; if the change was meant, remove .*\n0 passed, 1 failed, 0 skipped\n$/,
    );
    expect(status).toBe(6);
  });

  test('breaks after an operation and draws the state', async () => {
    const directory = directoryWith({ 's.scn.json': scenarioText({ scenario }) });
    const { status, stdout } = await vmlockstep(directory, ['replay', 's.scn.json', '--break-at', '1']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/\n {2}after operation 1 \(the state of the reference model\)\n {6}map kernel /);
    expect(stdout).toContain('stopped after operation 1: held so far by kernel optimized');
    expect(stdout).not.toContain('kmem_free');
    const beyond = await vmlockstep(directory, ['replay', 's.scn.json', '--break-at', '3']);
    expect(beyond).toMatchObject({
      status: 2,
      stderr: 'error: --break-at 3: s.scn.json has 2 operations; name one of them\n',
    });
  });
});

describe('the verbs of the corpus', () => {
  test('list, verify, min and migrate', async () => {
    const old = JSON.stringify({ version: 1, note: 'n', ...scenario });
    const directory = directoryWith({ 'old.scn.json': old, 'new.scn.json': scenarioText(held) });
    const at = ['--corpus', '.'];
    const listed = await vmlockstep(directory, ['corpus', 'list', ...at]);
    expect(listed.stdout.replaceAll(/ +/g, ' ')).toBe(
      'file operations expected signature status\nnew.scn.json 2 holds none current\nold.scn.json 2 holds none unrecorded\n2 cases in .\n',
    );
    const dry = await vmlockstep(directory, ['corpus', 'migrate', '--dry-run', ...at]);
    expect(dry.stdout).toBe('would rewrite old.scn.json: version 1 to 2\n1 of 2 files to rewrite\n');
    expect(readFileSync(join(directory, 'old.scn.json'), 'utf8')).toBe(old);
    const migrated = await vmlockstep(directory, ['corpus', 'migrate', ...at]);
    expect(migrated.stdout).toBe('rewrote old.scn.json: version 1 to 2\n1 of 2 files rewritten\n');
    expect(readFileSync(join(directory, 'old.scn.json'), 'utf8')).toBe(
      scenarioText({ scenario, note: 'n', outcomes }),
    );
    const verified = await vmlockstep(directory, ['corpus', 'verify', ...at]);
    expect(verified).toMatchObject({
      status: 0,
      stdout: 'ok      new.scn.json\nok      old.scn.json\n2 passed, 0 failed, 0 skipped\n',
    });
    const min = await vmlockstep(directory, ['corpus', 'min', ...at]);
    expect(min.stdout).toBe(
      'kept new.scn.json: alone shows kind kmem_alloc, kind kmem_free\n' +
        'dropped old.scn.json: all that it shows is shown by new.scn.json\n1 of 2 cases needed\n',
    );
    expect(readdirSync(directory)).toEqual(['new.scn.json']);
  });

  test('list what can be read, and tell what cannot', async () => {
    const directory = directoryWith({ 'a.scn.json': '{', 'b.scn.json': scenarioText(held) });
    const [listed, verified] = await Promise.all(
      ['list', 'verify'].map((verb) => vmlockstep(directory, ['corpus', verb, '--corpus', '.'])),
    );
    for (const ended of [listed, verified]) {
      expect(ended?.status).toBe(2);
      expect(ended?.stderr).toMatch(/^error: a\.scn\.json: is not JSON .*\n$/);
      expect(ended?.stdout).toContain('b.scn.json');
    }
    expect(listed?.stdout).toMatch(/\n1 case in \.\n$/);
    expect(verified?.stdout).toMatch(/\n1 passed, 1 failed, 0 skipped\n$/);
  });

  test('list none before the first is added, with an outside kernel too', async () => {
    const directory = directoryWith({ 'k.mjs': FLAKY, 's.scn.json': scenarioText({ scenario }) });
    expect(await vmlockstep(directory, ['corpus', 'list'])).toEqual({
      ...{ status: 0, stderr: '' },
      stdout: 'no cases in corpus; corpus add FILE keeps the first\n',
    });
    const wrong = FLAKY.replace('(boots += 1) % 2 === 0', 'true');
    writeFileSync(join(directory, 'k.mjs'), wrong);
    const added = await vmlockstep(directory, ['corpus', 'add', 's.scn.json', '--kernel', './k.mjs']);
    expect(added.stderr).toBe('s.scn.json: fails at present: INV-ACC-MODEL; check fails until it holds\n');
    expect(added.stdout).toMatch(
      /^added s\.scn\.json as corpus\/INV-ACC-MODEL-kmem_alloc-\w+\.scn\.json: holds\n1 case added, 0 refused\n1 passed, 0 failed, 0 skipped\n$/,
    );
    expect(added.status).toBe(0);
  });

  test('verify is not content with nothing', async () => {
    const { status, stdout, stderr } = await vmlockstep(directoryWith(), [
      'corpus',
      'verify',
      '--corpus',
      '.',
    ]);
    expect(stderr).toBe(
      'error: corpus .: holds no case (*.scn.json), so there is nothing to verify; add one with corpus add\n',
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('verify says stale with 6, and add refuses what is there', async () => {
    const directory = directoryWith({ 'a.scn.json': scenarioText({ ...held, outcomes: ['none', 'done'] }) });
    const { status, stdout } = await vmlockstep(directory, ['corpus', 'verify', '--corpus', '.']);
    expect(stdout).toMatch(
      /^stale {3}a\.scn\.json: .*; if the change was meant, remove "outcomes" .* npx vmlockstep corpus migrate a\.scn\.json\n/,
    );
    expect(stdout).toMatch(/^stale {3}a\.scn\.json: operations\[0\] .*\n0 passed, 1 failed, 0 skipped\n$/);
    expect(status).toBe(6);
    writeFileSync(join(directory, 'b.scn.json'), scenarioText(held));
    const before = filesIn(directory);
    const added = await vmlockstep(directory, ['corpus', 'add', 'b.scn.json', '--corpus', '.']);
    expect(added.stderr).toMatch(
      /^error: b\.scn\.json: is stored already as (a|b)\.scn\.json; nothing to add\n$/,
    );
    expect(added.status).toBe(2);
    const unknown = await vmlockstep(directory, [
      'corpus',
      'add',
      'b.scn.json',
      '--kernel',
      'fault:unwire-need-pte',
    ]);
    expect(unknown.stderr).toMatch(/no fault is called so; did you mean 'fault:unwire-needs-pte'\?/);
    expect(filesIn(directory)).toEqual(before);
  });
});
