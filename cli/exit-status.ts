/** Documented exit statuses. With several reasons the first of internal, kernel, failed, flaky, stale, gate wins. */
export const EXIT = {
  passed: 0,
  /** A property failed. */
  failed: 1,
  /** Bad usage or bad input. */
  usage: 2,
  /** Nothing failed, but the run did not exercise what it promises. */
  gate: 3,
  /** An outside kernel could not be run. */
  kernel: 4,
  /** A kernel's verdict changes from run to run. */
  flaky: 5,
  /** A stored scenario no longer means what it meant. */
  stale: 6,
  /** A bug of vmlockstep itself. */
  internal: 70,
  interrupted: 130,
} as const;

/** One of the documented statuses. */
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** The reasons that a run may have several of, the strongest first. */
const STRONGEST_FIRST: readonly ExitStatus[] = [
  EXIT.internal,
  EXIT.kernel,
  EXIT.failed,
  EXIT.flaky,
  EXIT.stale,
  EXIT.gate,
];

/** The status of a run with all of these; passed where there is none. */
export const strongest = (statuses: readonly ExitStatus[]): ExitStatus =>
  STRONGEST_FIRST.find((status) => statuses.includes(status)) ??
  statuses.find((status) => status !== EXIT.passed) ??
  EXIT.passed;

/** The plain closing line of a run. */
export const tallyLine = (passed: number, failed: number, skipped: number): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
