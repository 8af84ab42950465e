import { describe, expect, test } from 'vitest';
import { directoryWith, filesIn, vmlockstep } from './command.ts';

const directory = directoryWith();

describe.concurrent('wrong usage ends with status 2 and one line', () => {
  test.each<{ args: string[]; says: RegExp; env?: Record<string, string> }>([
    { args: ['chek'], says: /unknown command 'chek' \(Did you mean check\?\)/ },
    { args: ['check', '--sed', '4'], says: /unknown option '--sed' \(Did you mean --seed\?\)/ },
    { args: ['--frobnicate'], says: /unknown option '--frobnicate' \(see vmlockstep --help\)/ },
    { args: ['check', 'everything'], says: /too many arguments for 'check'/ },
    { args: ['check', '--runs', '-5'], says: /--runs <n>' argument '-5' is invalid\. Give a whole number/ },
    {
      args: ['check', '--runs='],
      says: /--runs <n>' argument '' is invalid\. It is empty: .* Give a whole number/,
    },
    { args: ['check', '--runs', '1e3'], says: /Give a whole number/ },
    { args: ['check', '--runs', '0'], says: /Give a whole number from 1/ },
    { args: ['check', '--seed', 'lucky'], says: /Give a whole number from 0 to 2147483647, or random/ },
    { args: ['check', '--seed', '99999999999'], says: /Give a whole number from 0 to 2147483647/ },
    { args: ['check', '--seed', '1', '--seed', '2'], says: /option '--seed <n>' was given twice; leave one/ },
    { args: ['check', '--json', '--runs', '1', '--json'], says: /option '--json' was given twice/ },
    { args: ['golden', '--side', 'model', '--side', 'impl'], says: /option '--side <side>' was given twice/ },
    { args: ['golden', ''], says: /golden: a path is empty; name a trace/ },
    { args: ['help', 'chek'], says: /help: no verb is called "chek"; did you mean 'check'\?/ },
    { args: ['help', 'check', 'me'], says: /help: "me" is too much; name one verb/ },
    {
      args: ['faults', 'unwire-need-pte'],
      says: /no faulty kernel is called "unwire-need-pte"; did you mean 'unwire-needs-pte'\?/,
    },
    {
      args: ['check'],
      env: { VMLOCKSTEP_SEED: '' },
      says: /'VMLOCKSTEP_SEED' is invalid\. It is empty: leave/,
    },
    { args: ['check', '--time', '60'], says: /Give a time with its unit, such as 500ms, 60s or 5m/ },
    { args: ['check', '--time', '-1s'], says: /Give a time with its unit/ },
    { args: ['check', '--out', ''], says: /--out <dir>' argument '' is invalid\. It must not be empty/ },
    { args: ['check'], env: { VMLOCKSTEP_RUNS: '' }, says: /from env 'VMLOCKSTEP_RUNS' is invalid/ },
    { args: ['check'], env: { VMLOCKSTEP_SEED: 'x' }, says: /from env 'VMLOCKSTEP_SEED' is invalid/ },
    {
      args: ['check', '--workload', 'ballanced'],
      says: /no workload is called "ballanced"; did you mean 'balanced'\?/,
    },
    { args: ['replay'], says: /missing required argument 'file'/ },
    { args: ['replay', ''], says: /replay: the file name is empty; name a scenario file/ },
    { args: ['replay', 'x', '--show', 'mops'], says: /Unknown part "mops"; did you mean 'maps'\?/ },
    { args: ['replay', 'x', '--show', 'maps,maps'], says: /maps is named twice/ },
    {
      args: ['list'],
      says: /list: name what to list: operations, invariants, goals, rules, workloads, panics, faults$/m,
    },
    { args: ['check', '--kernel-timeout', '5s'], says: /--kernel-timeout: there is no outside kernel; add/ },
    { args: ['replay', 'x', '--kernel-timeout', '5s'], says: /--kernel-timeout: there is no outside kernel/ },
    { args: ['check', '--workers', '0'], says: /Give a whole number from 1 to 64\./ },
    { args: ['check', '--events', '-', '--json'], says: /--events -: stdout is taken by --json/ },
    { args: ['check', '--events-timing'], says: /--events-timing: there is no event stream; add --events/ },
    { args: ['check'], env: { VMLOCKSTEP_WORKERS: 'all' }, says: /Give a whole number from 1 to 64\./ },
    { args: ['list', 'invariant'], says: /nothing is called "invariant"; did you mean 'invariants'\?/ },
    { args: ['golden', '--side', 'left'], says: /Allowed choices are model, impl, both/ },
  ])('$args $env', async ({ args, env, says }) => {
    const { status, stdout, stderr } = await vmlockstep(directory, args, env === undefined ? {} : { env });
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(filesIn(directory)).toEqual({});
  });
});

describe.concurrent('asking is no error', () => {
  test('--version prints the version of the package', async () => {
    const { status, stdout } = await vmlockstep(directory, ['--version']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
  test('--help names the verbs, the exit statuses and the environment', async () => {
    const { status, stdout } = await vmlockstep(directory, ['--help']);
    expect(status).toBe(0);
    for (const word of ['check', 'golden', 'replay', 'list', 'Exit status: 0 passed', 'VMLOCKSTEP_SEED'])
      expect(stdout).toContain(word);
  });
  test('check --help tells the defaults', async () => {
    const { status, stdout } = await vmlockstep(directory, ['check', '--help']);
    expect(status).toBe(0);
    const words = stdout.replaceAll(/\s+/g, ' ');
    expect(words).toContain('(default: 1994, env: VMLOCKSTEP_SEED)');
    expect(words).toContain('or fault:NAME for one of our faulty ones (list faults)');
  });
  test.each(['operations', 'invariants', 'goals', 'rules', 'workloads', 'panics', 'faults'])(
    'list %s',
    async (what) => {
      const { status, stdout, stderr } = await vmlockstep(directory, ['list', what]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout.trimEnd().split('\n').length).toBeGreaterThan(8);
    },
  );
});
