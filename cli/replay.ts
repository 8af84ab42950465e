/** `vmlockstep replay`: one stored scenario in lockstep, printed as a program, on request with the state after each step. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { failureLines } from '../report/failure.ts';
import { machineLine, program } from '../report/program.ts';
import type { DrawnPart } from '../report/state.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import type { ReplayAnswer } from './job.ts';
import { type KernelFault, settled } from './job-end.ts';
import type { Output } from './output.ts';
import { readScenario, type StoredScenario } from './scenario-file.ts';
import { supervise } from './supervisor.ts';
import { brokenKernelLine, plainFault, replayCommand, strayLine } from './verdict-lines.ts';

/** The verb's flags. */
export interface ReplayOptions {
  readonly show: readonly DrawnPart[];
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly json: boolean;
}

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function replayVerb(
  file: string,
  options: ReplayOptions,
  out: Output,
  bin: URL,
): Promise<ExitStatus> {
  const stored = readScenario(file);
  const { kernel, show, kernelTimeout } = options;
  let declares: KernelDeclaration | null = null;
  const end = await supervise(
    { verb: 'replay', kernel, directory: process.cwd(), file, scenario: stored.scenario, show },
    {
      bin,
      timeout: kernelTimeout,
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
  stray: null,
});

/** Prints what the run showed, and the status that follows from it. */
function concluded(
  file: string,
  stored: StoredScenario,
  answer: ReplayAnswer,
  { kernel, json }: ReplayOptions,
  out: Output,
): ExitStatus {
  const { report, stray } = answer;
  const broken = brokenKernelLine(report, kernel);
  if (json) out.line(JSON.stringify(document(answer), null, 2));
  else out.lines(text(file, stored, answer, kernel));
  if (broken !== null) out.note(`error: ${broken}`);
  if (stray !== null) out.note(strayLine(kernel, stray));
  if (broken !== null || stray !== null) return EXIT.kernel;
  return report.failure === null ? EXIT.passed : EXIT.failed;
}

function document({ kernel, report }: ReplayAnswer): object {
  const { failure, scenario, expected, actual } = report;
  return {
    version: 1,
    verb: 'replay',
    kernel,
    operations: scenario.operations.length,
    executed: expected.length,
    passed: failure === null ? 1 : 0,
    failed: failure === null ? 0 : 1,
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
  const tally = report.failure === null ? '1 passed, 0 failed' : '0 passed, 1 failed';
  const told = states.length > 0 ? withStates(answer) : [];
  if (report.failure !== null)
    return [
      ...told,
      ...failureLines(report, {
        origin: `${file}, kernel ${answer.kernel}`,
        again: null,
        stored: `stored in ${file}`,
        replay: replayCommand(file, kernel),
      }),
      '',
      tally,
    ];
  const signature = stored.failure;
  return [
    ...(told.length > 0 ? told : programLines(answer)),
    `held by kernel ${answer.kernel}`,
    ...(signature === undefined
      ? []
      : [
          `the file records ${signature.property}${stored.note === undefined ? '' : `, ${stored.note}`}; with kernel ${answer.kernel} it does not fail`,
        ]),
    tally,
  ];
}

const programLines = ({ report }: ReplayAnswer): string[] => [
  `  ${machineLine(report.scenario.machine)}`,
  ...program(report.scenario, report.expected, { marked: 0, most: Number.POSITIVE_INFINITY }),
];

/** Each line of the program followed by the state that it leaves. */
function withStates({ report, states }: ReplayAnswer): string[] {
  const marked = report.failure?.number ?? 0;
  const lines = program(report.scenario, report.expected, { marked, most: Number.POSITIVE_INFINITY });
  const drawn = (state: readonly string[] | undefined): string[] =>
    (state ?? []).map((line) => `      ${line}`);
  return [
    `  ${machineLine(report.scenario.machine)}`,
    '',
    '  at boot (the state of the reference model)',
    ...drawn(states[0]),
    ...lines.flatMap((line, i) => ['', line, ...drawn(states[i + 1])]),
    '',
  ];
}
