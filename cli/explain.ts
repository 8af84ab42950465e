/** `vmlockstep explain`: a stored scenario, taken apart. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { RULES } from '../contract/rules.ts';
import type { Explanation } from '../properties/explain.ts';
import type { StateView } from '../properties/view.ts';
import { explanationLines } from '../report/explain.ts';
import { failureLines } from '../report/failure.ts';
import { EXIT, type ExitStatus, tallyLine } from './exit-status.ts';
import type { ExplainAnswer } from './job.ts';
import { type KernelFault, settled } from './job-end.ts';
import type { Output } from './output.ts';
import { readScenario, type StoredScenario } from './scenario-file.ts';
import { nameWarnings } from './scenario-names.ts';
import { scenarioVerdict } from './scenario-verdict.ts';
import { supervise } from './supervisor.ts';
import { brokenKernelLine, plainFault, replayCommand } from './verdict-lines.ts';

/** The verb's flags. */
export interface ExplainVerbOptions {
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly json: boolean;
}

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function explainVerb(
  file: string,
  options: ExplainVerbOptions,
  out: Output,
  bin: URL,
): Promise<ExitStatus> {
  const stored = readScenario(file);
  for (const warning of nameWarnings(file, stored)) out.note(warning);
  const { kernel, kernelTimeout: timeout } = options;
  let declares: KernelDeclaration | null = null;
  const end = await supervise(
    { verb: 'explain', kernel, directory: process.cwd(), file, scenario: stored.scenario },
    {
      bin,
      timeout,
      tape: null,
      onNote: out.note,
      onLoaded: (loaded) => {
        declares = loaded;
      },
      onProgress: (text) => out.progress(`explain: ${text}`),
    },
  );
  const result = settled(end, { kernel, declares, timeout });
  if (result.kind === 'interrupted') {
    out.note('interrupted: stopped at once, nothing is known');
    return EXIT.interrupted;
  }
  if (result.kind === 'fault') return faulted(file, result.fault, options, out);
  return result.answer.verb === 'explain'
    ? concluded(file, stored, result.answer, options, out)
    : EXIT.internal;
}

/** A kernel that hangs or dies gives nothing to explain but where. */
function faulted(
  file: string,
  { report }: KernelFault,
  { kernel, json }: ExplainVerbOptions,
  out: Output,
): ExitStatus {
  const plain = plainFault(report, kernel);
  const context = {
    origin: file,
    again: null,
    stored: `stored in ${file}`,
    replay: replayCommand(file, kernel),
  };
  const status = kernel === null ? EXIT.failed : EXIT.kernel;
  if (json)
    out.line(JSON.stringify({ version: 1, verb: 'explain', failure: plain.failure, exit: status }, null, 2));
  else out.lines([...failureLines(plain, context), tallyLine(0, 1, 0)]);
  const broken = brokenKernelLine(plain, kernel);
  if (broken !== null) out.note(`error: ${broken}`);
  return status;
}

/** Prints the explanation, and the status that follows from it. */
function concluded(
  file: string,
  stored: StoredScenario,
  answer: ExplainAnswer,
  { kernel, json }: ExplainVerbOptions,
  out: Output,
): ExitStatus {
  const explanation = { ...answer.explanation, report: plainFault(answer.explanation.report, kernel) };
  const { flaky, stray } = answer;
  const run = { report: explanation.report, flaky, stray };
  const verdict = scenarioVerdict(file, stored, run, kernel);
  const { status, stale } = verdict;
  if (json)
    out.line(JSON.stringify(document(file, answer.kernel, explanation, { flaky, stale, status }), null, 2));
  else out.lines([...explanationLines(explanation, { file, kernel: answer.kernel }), ...verdict.closing]);
  verdict.tellKernels(out);
  return status;
}

/** A state as JSON shows it: lists instead of tables. */
function plainState(state: StateView | null): object | null {
  if (state === null) return null;
  const { maps, objects, mappings, queues, counters, pools, pmap, sched } = state;
  return {
    maps: [...maps.values()],
    objects: [...objects.values()],
    mappings: [...mappings.values()].sort((one, other) => one.address - other.address),
    ...{ queues, counters, pools, pmap, sched },
  };
}

interface Circumstances {
  readonly flaky: string | null;
  readonly stale: string | null;
  readonly status: ExitStatus;
}

function document(
  file: string,
  kernel: string,
  { report, behind, rules, states, needs, freedoms, leftOut, executions }: Explanation,
  { flaky, stale, status }: Circumstances,
): object {
  const { scenario, expected, actual, failure } = report;
  const sentences = Object.fromEntries(
    [...new Set(rules.flat())].map((rule) => [rule, RULES[rule].sentence]),
  );
  return {
    version: 1,
    verb: 'explain',
    file,
    kernel,
    failure,
    behind,
    machine: scenario.machine,
    steps: scenario.operations.map((operation, i) => ({
      number: i + 1,
      operation,
      expected: expected[i] ?? null,
      actual: actual[i] ?? null,
      rules: rules[i + 1] ?? [],
    })),
    needs,
    arguments: freedoms,
    rules: sentences,
    states:
      states === null
        ? null
        : {
            before: plainState(states.before),
            expected: plainState(states.expected),
            actual: plainState(states.actual),
          },
    ...{ leftOut, executions, flaky, stale },
    exit: status,
  };
}
