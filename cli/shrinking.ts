/** Shrinks a failure in a runner thread, against the clock, telling the main thread how far it has come. */
import { shrinkFound } from '../properties/campaign.ts';
import type { SearchOptions } from '../properties/search.ts';
import type { Shrunk } from '../properties/shrink.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { INTERRUPTED } from '../report/shrinking.ts';
import type { FlightRecorder } from './flight-recorder.ts';
import type { JobMessage } from './job.ts';

/** What shrinking may cost, and who hears of it. */
export interface ShrinkTies {
  /** Most milliseconds; what is reached by then is the result. */
  readonly milliseconds: number;
  readonly recorder: FlightRecorder;
  post(message: JobMessage): void;
}

const BETWEEN_TELLINGS = 100;

/** Shrinks; ends early, with the best so far, when the time is up or the run is to end. */
export function shrinkTimed(
  found: LockstepReport,
  options: SearchOptions,
  { milliseconds, recorder, post }: ShrinkTies,
): Shrunk {
  const end = performance.now() + milliseconds;
  let next = 0;
  return shrinkFound(found, {
    ...options,
    shouldStop: () => recorder.stopRequested() || performance.now() > end,
    stopReason: () => (recorder.stopRequested() ? INTERRUPTED : 'the time was up'),
    onBetter: (report) => post({ type: 'better', report }),
    onTry: (progress) => {
      const now = performance.now();
      if (now < next) return;
      next = now + BETWEEN_TELLINGS;
      post({ type: 'trying', progress });
    },
  });
}
