/** Runs a comparison in a runner thread: loads both kernels, looks for differences, then measures. */
import { pathToFileURL } from 'node:url';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { runGuard } from '../properties/guard.ts';
import type { WorkerTies } from './check-job.ts';
import { CALL, type CallNumber, type FlightRecorder } from './flight-recorder.ts';
import { type KernelPlace, OWN_KERNEL } from './guard-places.ts';
import { traceScenarios } from './guard-sources.ts';
import { compareSpeed } from './guard-speed.ts';
import type { GuardAnswer, GuardJob } from './job.ts';
import { judgedModule, KernelBroke } from './judged-kernel.ts';
import { defaultExport, loadKernelModule } from './kernel-module.ts';
import { generationFault } from './kernel-schema.ts';
import { loadErrorText } from './thrown.ts';
import { watchedKernel } from './watched-kernel.ts';

type Exports = Readonly<Record<string, unknown>>;

/** The exports of a module; what goes wrong is told under the name that the user knows. */
async function exportsOf({ file, label }: KernelPlace): Promise<Exports> {
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (error) {
    throw new KernelBroke(`${label}: cannot be loaded: ${loadErrorText(error, file)}`);
  }
}

/** The kernel of a tree of this project: its shape is looked at, its answers are believed. */
async function ownKernel(place: KernelPlace): Promise<KernelModule> {
  const { optimizedKernel: kernel } = await exportsOf(place);
  if (kernel === undefined)
    throw new KernelBroke(`${place.label}: does not export optimizedKernel from ${OWN_KERNEL}`);
  judgedModule(kernel, place.label);
  return kernel as KernelModule;
}

/** A kernel of a comparison; an outside one is held to its word at every call. `boots` is told before it boots. */
async function loaded(place: KernelPlace, boots: () => void): Promise<KernelModule> {
  if (place.own) return ownKernel(place);
  const silent = () => undefined;
  try {
    return await loadKernelModule(place.file, process.cwd(), { note: silent, failed: silent, boots });
  } catch (error) {
    if (!(error instanceof KernelBroke)) throw error;
    throw new KernelBroke(error.message.replaceAll(`kernel ${place.file}`, place.label));
  }
}

/** The same kernel with nothing between it and who measures it. */
async function plainKernel(place: KernelPlace): Promise<KernelModule> {
  if (place.own) return ownKernel(place);
  const exported = defaultExport(await exportsOf(place));
  judgedModule(exported, place.label);
  return exported as KernelModule;
}

/** Loads the working kernel; a call that never returns can be told. */
export async function loadPlace(place: KernelPlace, recorder: FlightRecorder): Promise<KernelModule> {
  recorder.enter(CALL.load);
  try {
    return watchedKernel(await loaded(place, () => recorder.enter(CALL.boot)), recorder);
  } finally {
    recorder.leave();
  }
}

/** The base under watch: what it is asked is noted as the base's, and the record stays the working kernel's. */
function watchedBase(module: KernelModule, recorder: FlightRecorder): KernelModule {
  const watched = <Result>(call: () => Result, number: CallNumber = CALL.base): Result => {
    recorder.enter(number);
    try {
      return call();
    } finally {
      recorder.leave();
    }
  };
  return {
    declares: module.declares,
    boot: (machine) => {
      const kernel = watched(() => module.boot(machine), CALL.baseBoot);
      const { snapshot, cell, touched } = kernel;
      return {
        apply: (operation, number) => {
          recorder.meets(operation, number);
          return watched(() => kernel.apply(operation, number));
        },
        ...(snapshot && { snapshot: (options) => watched(() => snapshot.call(kernel, options)) }),
        ...(cell && { cell: cell.bind(kernel) }),
        ...(touched && { touched: () => watched(() => touched.call(kernel)) }),
      };
    },
  };
}

/** Compares; the working kernel is loaded and under watch already. */
export async function guardKernels(
  job: GuardJob,
  working: KernelModule,
  { recorder, post, trust }: Pick<WorkerTies, 'recorder' | 'post' | 'trust'>,
): Promise<GuardAnswer> {
  recorder.enter(CALL.baseLoad);
  const plainBase = await loaded(job.base, () => recorder.enter(CALL.baseBoot)).finally(() =>
    recorder.leave(),
  );
  trust();
  const { seed } = job;
  const declared = new Set(
    working.declares.operations.filter((kind) => plainBase.declares.operations.includes(kind)),
  );
  const traces = traceScenarios(job.traces, declared);
  const compared = { model: referenceKernel, base: watchedBase(plainBase, recorder), working };
  const fault = declared.size === 0 ? 'they declare no operation in common' : generationFault([...declared]);
  if (fault !== null) post({ type: 'note', text: `note: nothing is generated: ${fault}` });
  const pool: Scenario[] = [];
  const found = runGuard({
    ...compared,
    onScenario: (scenario) => pool.push(scenario),
    given: [...job.given, ...traces.given],
    seed,
    runs: fault === null ? job.runs : 0,
    shouldStop: () => recorder.stopRequested(),
    onProgress: paced((text) => post({ type: 'progress', text })),
  });
  const result = { ...found, skipped: found.skipped + traces.skipped };
  trust();
  const measures =
    job.bench && !result.interrupted && result.findings.every(({ kind }) => kind !== 'meaning');
  const speed = measures
    ? compareSpeed(await plainKernel(job.base), await plainKernel(job.working), {
        // Generated ones have every kind; they come last.
        scenarios: pool.toReversed(),
        recorder,
        onProgress: (text) => post({ type: 'progress', text }),
      })
    : null;
  trust();
  return { verb: 'guard', result, speed, stray: null };
}

const MILLISECONDS_BETWEEN = 200;

/** A message now and then instead of thousands. */
function paced(tell: (text: string) => void): (text: string) => void {
  let next = 0;
  return (text) => {
    const now = performance.now();
    if (now < next) return;
    next = now + MILLISECONDS_BETWEEN;
    tell(text);
  };
}
