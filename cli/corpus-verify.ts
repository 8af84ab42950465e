/** Judges stored cases: do they still mean what they meant, and does every kernel named do what they say? */
import type { KernelModule } from '../contract/kernel-memory.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { signatureOf } from '../properties/signature.ts';
import { kernelFlags, shellWord } from './command-text.ts';
import { RUNS_TO_CONFIRM } from './confirm.ts';
import type { CorpusCase } from './corpus-files.ts';
import { judgeCase } from './corpus-job.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { faultKernel, faultsAreHere, isFaultName } from './fault-kernel.ts';
import type { CaseResult } from './job.ts';
import type { StoredScenario, StoredSignature } from './scenario-file.ts';
import { outcomesRemedy, staleness } from './scenario-outcomes.ts';

/** What became of a case. */
export interface VerifiedCase {
  readonly file: string;
  readonly status: 'ok' | 'failed' | 'flaky' | 'stale' | 'skipped';
  /** Why it is not ok, or null. */
  readonly why: string | null;
  /** What to do about a stale case; absent for any other. */
  readonly remedy?: string;
}

/** The status that a case asks for. */
export const STATUS_OF: Readonly<Record<VerifiedCase['status'], ExitStatus>> = {
  ok: EXIT.passed,
  skipped: EXIT.passed,
  failed: EXIT.failed,
  flaky: EXIT.flaky,
  stale: EXIT.stale,
};

/** A signature in a few words. */
export const signatureWord = ({ property, operation, field }: StoredSignature): string =>
  `${property} after ${operation ?? 'boot'}${field == null ? '' : ` (${field})`}`;

/** Whether a failure is the one that a file tells of; a file that does not know the field takes any. */
const isTold = (told: StoredSignature, found: StoredSignature): boolean =>
  told.property === found.property &&
  told.side === found.side &&
  told.operation === found.operation &&
  (told.field === undefined || told.field === found.field);

/** The case on the optimized kernel, or on the results of another that was run elsewhere, and on the kernel it names. */
export async function verifyCase(
  { file, stored }: CorpusCase,
  underTest: CaseResult | null,
): Promise<VerifiedCase> {
  const stale = staleness(stored.scenario, stored.outcomes);
  if (stale !== null) return { file, status: 'stale', why: stale, remedy: outcomesRemedy(file) };
  const { scenario } = stored;
  const held = underTest ?? judgeCase({ file, scenario }, optimizedKernel, RUNS_TO_CONFIRM);
  const { status, report, why } = held;
  if (status === 'failed') {
    const signature = report && signatureOf(report);
    return { file, status, why: signature === null ? 'fails' : `fails: ${signatureWord(signature)}` };
  }
  if (status !== 'passed') return { file, status, why };
  return stored.expect === 'fails' ? verifyFailure(file, stored) : { file, status: 'ok', why: null };
}

/** A case that is to fail on one of our faulty kernels must fail there as it did. */
async function verifyFailure(file: string, stored: StoredScenario): Promise<VerifiedCase> {
  const { kernel = '', signature } = stored;
  if (!isFaultName(kernel)) return { file, status: 'skipped', why: `kernel ${kernel} is not ours to load` };
  if (!(await faultsAreHere()))
    return { file, status: 'skipped', why: `kernel ${kernel} can only be made in a clone` };
  const faulty = await faultKernel(kernel);
  if (faulty === null)
    return {
      ...{ file, status: 'stale', why: `there is no ${kernel} any more` },
      remedy: renewal(file, null),
    };
  return failureOn(faulty, file, stored, signature);
}

function failureOn(
  faulty: KernelModule,
  file: string,
  { scenario, kernel }: StoredScenario,
  signature: StoredSignature | null | undefined,
): VerifiedCase {
  const { status, report, why } = judgeCase({ file, scenario }, faulty, RUNS_TO_CONFIRM);
  if (status === 'flaky' || status === 'skipped') return { file, status, why };
  const found = report && signatureOf(report);
  const told = signature == null ? 'fails' : signatureWord(signature);
  if (found == null)
    return {
      ...{ file, status: 'stale', why: `holds on ${kernel}, where it had failed: ${told}` },
      remedy: renewal(file, null),
    };
  return signature == null || isTold(signature, found)
    ? { file, status: 'ok', why: null }
    : {
        ...{
          file,
          status: 'stale',
          why: `fails on ${kernel} otherwise: ${signatureWord(found)}, not ${told}`,
        },
        remedy: renewal(file, kernel ?? null),
      };
}

/** What to do about a case whose kernel no longer fails as it did; `kernel`: the one that fails otherwise, or null. */
const renewal = (file: string, kernel: string | null): string =>
  `if the change was meant, move ${shellWord(file)} out of the corpus and run npx vmlockstep corpus add on it${kernel === null ? ', which keeps it as one that holds' : ` with ${kernelFlags(kernel).join(' ')}`}`;
