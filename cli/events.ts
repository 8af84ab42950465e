/** Writes an event stream: one JSON object a line, appended and never rewritten, so that a killed run leaves whole lines. */
import { fstatSync, openSync, writeSync } from 'node:fs';
import { InputError } from '../contract/input-error.ts';
import { signatureOf } from '../properties/signature.ts';
import type { CheckOptions } from './check-options.ts';
import { DEFAULT_WORKLOAD } from './check-options.ts';
import type { CheckResult } from './check-result.ts';
import type { JudgedCase } from './corpus-check.ts';
import type { StreamEvent } from './events-schema.ts';
import type { ExitStatus } from './exit-status.ts';
import type { CampaignPart, FailedScenario } from './job.ts';
import { systemReason } from './out-directory.ts';
import type { Output } from './output.ts';
import { version } from './version.ts';

/** What `--events` asks for. */
export interface EventOptions {
  /** A path, or `-` for stdout. */
  readonly file: string;
  readonly timing: boolean;
}

/** Where lines go. */
type Sink = (text: string) => void;

const MILLISECONDS = 1000;

/** Opens a stream that is new, empty, or no file at all (a pipe, a terminal). Throws InputError for any other. */
function openSink(file: string, out: Output): Sink {
  if (file === '-') return (text) => out.line(text.trimEnd());
  const descriptor = opened(file);
  let broken = false;
  return (text) => {
    if (broken) return;
    try {
      for (let bytes = Buffer.from(text); bytes.length > 0; )
        bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      // The campaign is worth more than its record.
      broken = true;
      out.note(`--events ${file}: cannot be written: ${systemReason(error)}; the stream ends here`);
    }
  };
}

function opened(file: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'a');
  } catch (error) {
    throw new InputError(`--events ${file}: cannot be written: ${systemReason(error)}; name another file`);
  }
  const { size } = fstatSync(descriptor);
  if (size > 0) throw new InputError(`--events ${file}: exists already; name another file, or remove it`);
  return descriptor;
}

/** The stream of one campaign. */
export class EventStream {
  readonly #write: Sink;
  readonly #timing: boolean;
  readonly #began = performance.now();
  #steps = 0;
  #cases: readonly JudgedCase[] = [];

  /** Opens the stream; throws InputError where it cannot be written. */
  constructor({ file, timing }: EventOptions, out: Output) {
    this.#write = openSink(file, out);
    this.#timing = timing;
  }

  #put(...events: readonly StreamEvent[]): void {
    if (events.length > 0) this.#write(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }

  /** First line. `runs`: null with a time limit alone. */
  run({ seed, milliseconds, workload }: CheckOptions, kernel: string, runs: number | null): void {
    this.#put({
      event: 'run',
      version: 1,
      verb: 'check',
      versions: { vmlockstep: version(), node: process.version },
      seed,
      runs,
      time: milliseconds,
      workload: workload ?? DEFAULT_WORKLOAD,
      kernel,
      run_start: this.#timing ? (performance.timeOrigin + this.#began) / MILLISECONDS : 0,
    });
    for (const { file, status, report } of this.#cases)
      if (status !== 'skipped')
        this.#put({ event: 'corpus', file, status, property: report?.failure?.property ?? null });
  }

  /** The stored cases, which ran before anything else. */
  corpus(cases: readonly JudgedCase[]): void {
    this.#cases = cases;
  }

  /** The scenarios of a part. */
  scenarios({ events }: CampaignPart): void {
    this.#put(...events);
  }

  /** The first failure; `stored` is where it is kept as it was found. */
  failure({ report, index }: FailedScenario, stored: string | null): void {
    const signature = signatureOf(report);
    if (signature === null) return;
    const operations = report.scenario.operations.length;
    this.#put({ event: 'failure', number: index + 1, signature, operations, stored });
  }

  /** A smaller scenario that fails alike. */
  shrink(operations: number): void {
    this.#steps += 1;
    this.#put({ event: 'shrink', step: this.#steps, operations });
  }

  /** Last line. */
  end(result: CheckResult, exit: ExitStatus): void {
    const { scenarios, operations, goals, failure, interrupted } = result;
    this.#put({
      event: 'end',
      scenarios,
      operations,
      passed: failure === null ? scenarios : Math.max(0, scenarios - 1),
      failed: failure === null ? 0 : 1,
      goals: { reached: goals.filter(({ count }) => count > 0).length, of: goals.length },
      failure: failure && {
        property: failure.report.failure?.property ?? '',
        operations: failure.report.scenario.operations.length,
        stored: failure.path,
      },
      interrupted,
      exit,
      ...(this.#timing && { seconds: (performance.now() - this.#began) / MILLISECONDS }),
    });
  }
}
