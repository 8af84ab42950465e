/** `vmlockstep replay`: one stored scenario in lockstep, printed as a program, on request with the state after each step. */
import { url as inspectorUrl } from 'node:inspector';
import { InputError } from '../contract/input-error.ts';
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { failureLines } from '../report/failure.ts';
import { machineLine, program } from '../report/program.ts';
import { DRAWN_PARTS, type ShownPart } from '../report/state.ts';
import { counted } from '../report/tables.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import type { ReplayAnswer } from './job.ts';
import { type KernelFault, settled } from './job-end.ts';
import type { Output } from './output.ts';
import { readScenario, type StoredScenario } from './scenario-file.ts';
import { nameWarnings } from './scenario-names.ts';
import { scenarioVerdict } from './scenario-verdict.ts';
import { supervise } from './supervisor.ts';
import { plainFault, replayCommand } from './verdict-lines.ts';

/** The verb's flags. */
export interface ReplayOptions {
  readonly show: readonly ShownPart[];
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly json: boolean;
  /** Number of the operation after which to stop, or null. */
  readonly breakAt: number | null;
}

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function replayVerb(
  file: string,
  options: ReplayOptions,
  out: Output,
  bin: URL,
): Promise<ExitStatus> {
  const stored = readScenario(file);
  for (const warning of nameWarnings(file, stored)) out.note(warning);
  const { kernel, kernelTimeout, breakAt } = options;
  const { length } = stored.scenario.operations;
  if (breakAt !== null && breakAt > length)
    throw new InputError(
      `--break-at ${breakAt}: ${file} has ${counted(length, 'operation')}; name one of them`,
    );
  const show = breakAt !== null && options.show.length === 0 ? DRAWN_PARTS : options.show;
  let declares: KernelDeclaration | null = null;
  const end = await supervise(
    {
      verb: 'replay',
      kernel,
      directory: process.cwd(),
      file,
      scenario: stored.scenario,
      show,
      breakAt,
      failsAlready: (stored.signature ?? null) !== null,
    },
    {
      bin,
      // A debugger may hold the kernel for as long as it likes.
      timeout: inspectorUrl() === undefined ? kernelTimeout : Number.POSITIVE_INFINITY,
      tape: null,
      onNote: out.note,
      onLoaded: (loaded) => {
        declares = loaded;
      },
    },
  );
  const result = settled(end, { kernel, declares, timeout: kernelTimeout });
  if (result.kind === 'interrupted') {
    out.note('interrupted: stopped at once, nothing had failed so far');
    return EXIT.interrupted;
  }
  const answer = result.kind === 'answer' ? result.answer : answerOfFault(result.fault, stored, declares);
  if (answer.verb !== 'replay') return EXIT.internal;
  return concluded(file, stored, { ...answer, report: plainFault(answer.report, kernel) }, options, out);
}

/** The fault of a kernel in a replay; the report is about the whole file, of which only a part ran. */
const answerOfFault = (
  { report }: KernelFault,
  { scenario }: StoredScenario,
  declares: KernelDeclaration | null,
): ReplayAnswer => ({
  verb: 'replay',
  kernel: declares?.name ?? 'optimized',
  report: { ...report, scenario },
  states: [],
  flaky: null,
  stray: null,
});

/** Prints what the run showed, and the status that follows from it. */
function concluded(
  file: string,
  stored: StoredScenario,
  answer: ReplayAnswer,
  { kernel, json, breakAt }: ReplayOptions,
  out: Output,
): ExitStatus {
  const verdict = scenarioVerdict(file, stored, answer, kernel);
  const { status, stale } = verdict;
  if (json) out.line(JSON.stringify(document(answer, stale, status), null, 2));
  else {
    const told =
      breakAt === null ? text(file, stored, answer, kernel) : stoppedText(file, answer, breakAt, kernel);
    out.lines([...told, ...verdict.closing]);
  }
  verdict.tellKernels(out);
  return status;
}

function document({ kernel, report, flaky }: ReplayAnswer, stale: string | null, exit: ExitStatus): object {
  const { failure, scenario, expected, actual } = report;
  return {
    version: 1,
    verb: 'replay',
    kernel,
    operations: scenario.operations.length,
    executed: expected.length,
    passed: exit === EXIT.passed ? 1 : 0,
    failed: exit === EXIT.passed ? 0 : 1,
    skipped: 0,
    exit,
    flaky,
    stale,
    failure,
    steps: expected.map((step, i) => ({
      number: i + 1,
      operation: scenario.operations[i],
      expected: step,
      actual: actual[i] ?? null,
    })),
  };
}

function text(file: string, stored: StoredScenario, answer: ReplayAnswer, kernel: string | null): string[] {
  const { report, states } = answer;
  const told = states.length > 0 ? withStates(answer) : [];
  if (report.failure !== null) return [...told, ...failureText(file, answer, kernel), ''];
  const { signature, provenance, note } = stored;
  const origin = provenance?.command == null ? note : `found by ${provenance.command}`;
  return [
    ...(told.length > 0 ? told : programLines(answer)),
    `held by kernel ${answer.kernel}`,
    ...(signature == null
      ? []
      : [
          `the file records ${signature.property}${origin === undefined ? '' : `, ${origin}`}; with kernel ${answer.kernel} it does not fail`,
        ]),
  ];
}

const failureText = (file: string, { report, kernel: name }: ReplayAnswer, kernel: string | null): string[] =>
  failureLines(report, {
    origin: `${file}, kernel ${name}`,
    again: null,
    stored: `stored in ${file}`,
    replay: replayCommand(file, kernel),
  });

/** The program up to where it was to stop, or to where it failed, and the state there. */
function stoppedText(file: string, answer: ReplayAnswer, breakAt: number, kernel: string | null): string[] {
  const { report, states } = answer;
  const at = Math.min(breakAt, report.expected.length);
  return [
    ...(report.failure === null ? programLines(answer) : failureText(file, answer, kernel)),
    '',
    `  after operation ${at} (the state of the reference model)`,
    ...drawn(states[at]),
    '',
    report.failure === null ? `stopped after operation ${at}: held so far by kernel ${answer.kernel}` : '',
  ];
}

const programLines = ({ report }: ReplayAnswer): string[] => [
  `  ${machineLine(report.scenario.machine)}`,
  ...program(report.scenario, report.expected, { marked: 0, most: Number.POSITIVE_INFINITY }),
];

const drawn = (state: readonly string[] | undefined): string[] =>
  (state ?? []).map((line) => `      ${line}`);

/** Each line of the program followed by the state that it leaves. */
function withStates({ report, states }: ReplayAnswer): string[] {
  const marked = report.failure?.number ?? 0;
  const lines = program(report.scenario, report.expected, { marked, most: Number.POSITIVE_INFINITY });
  return [
    `  ${machineLine(report.scenario.machine)}`,
    '',
    '  at boot (the state of the reference model)',
    ...drawn(states[0]),
    ...lines.flatMap((line, i) => ['', line, ...drawn(states[i + 1])]),
    '',
  ];
}
