/** An exception that came out of a kernel, which is always that kernel's bug (CONV-4: failures are values). */

export type Side = 'reference' | 'candidate';

/** Carries the exception to the runner, which makes a failure of it. */
export class KernelThrew extends Error {
  override readonly name = 'KernelThrew';
  readonly side: Side;

  constructor(side: Side, cause: unknown) {
    super(`the ${side} kernel threw`, { cause });
    this.side = side;
  }

  /** Message and place of the original exception, for a report. */
  get witnesses(): string[] {
    const { cause } = this;
    if (!(cause instanceof Error)) return [`threw ${String(cause)}`];
    const place = cause.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
    const message = `${cause.name}: ${cause.message}`;
    return place === undefined ? [message] : [message, place.trim()];
  }
}

/** Runs code of a kernel, or code that trusts what a kernel has shown. */
export function blaming<Result>(side: Side, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw blamed(side, error);
  }
}

/** The error as the runner wants it: that of a kernel, whoever was first to be blamed. */
export const blamed = (side: Side, error: unknown): KernelThrew =>
  error instanceof KernelThrew ? error : new KernelThrew(side, error);
