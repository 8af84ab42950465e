/** The error of a suite whose kernel fails: an assertion error to any test runner, its message the whole report. */
import type { LockstepReport } from '../properties/verdict.ts';

/** What a failure comes with beside its text. */
export interface FailureDetails {
  /** The run that failed, shrunk where it was to be. */
  readonly report: LockstepReport;
  /** Path of the file that keeps the scenario; null where none was to be kept. */
  readonly stored: string | null;
}

/** Beside the errors and not in them, since test runners print whatever an error has as a field. */
const DETAILS = new WeakMap<LockstepFailure, FailureDetails>();

/** Thrown by `expectLockstep`. */
export class LockstepFailure extends Error {
  /** Test runners tell assertions from broken tests by this name. */
  override readonly name = 'AssertionError';

  /** The stack begins with the caller of `thrower`, so that a test runner shows the line of the test. */
  constructor(message: string, details: FailureDetails, thrower: (...args: never[]) => unknown) {
    super(message);
    DETAILS.set(this, details);
    Error.captureStackTrace(this, thrower);
  }
}

/** The run behind an error that `expectLockstep` threw; null for any other value. */
export const failureDetails = (error: unknown): FailureDetails | null =>
  error instanceof LockstepFailure ? (DETAILS.get(error) ?? null) : null;
