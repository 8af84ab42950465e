/** The line of a running campaign. */
import { counted } from '../report/tables.ts';
import type { CampaignState } from './check-campaign.ts';

/** What the line is about. */
export interface ProgressContext {
  /** Since the campaign began. */
  readonly seconds: number;
  /** Goals that the kernel can meet. */
  readonly goals: number;
  /** Scenarios to run; null with a time limit alone. */
  readonly runs: number | null;
  /** Time limit in milliseconds; null for none. */
  readonly milliseconds: number | null;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Fewer say nothing about the pace: the kernels are still warming up. */
const FEW_SCENARIOS = 32;

function duration(seconds: number): string {
  if (seconds < 2 * MINUTE) return `${Math.ceil(seconds)} s`;
  if (seconds < 2 * HOUR) return `${Math.round(seconds / MINUTE)} min`;
  return `${(seconds / HOUR).toFixed(1)} h`;
}

/** Seconds to go, at the pace so far and within the time limit; null where nothing can be said. */
function secondsLeft({ scenarios }: CampaignState, context: ProgressContext): number | null {
  const { seconds, runs, milliseconds } = context;
  const limits: number[] = [];
  if (runs !== null && scenarios >= FEW_SCENARIOS) limits.push((seconds * (runs - scenarios)) / scenarios);
  if (milliseconds !== null) limits.push(milliseconds / 1000 - seconds);
  return limits.length === 0 ? null : Math.max(0, Math.min(...limits));
}

/** Scenarios, operations, speed, goals, time and time left. */
export function searchLine(state: CampaignState, context: ProgressContext): string {
  const { scenarios, operations, goals } = state;
  const speed = Math.round(operations / Math.max(context.seconds, 0.001)).toLocaleString('en-US');
  const left = secondsLeft(state, context);
  return [
    counted(scenarios, 'scenario'),
    counted(operations, 'operation'),
    `${speed}/s`,
    ...(context.goals === 0 ? [] : [`${goals}/${context.goals} goals reached`]),
    duration(context.seconds),
    ...(left === null ? [] : [`${duration(left)} left`]),
  ].join(', ');
}

/** How far the shrinking of a failure has come. */
export const shrinkLine = (
  property: string,
  {
    from,
    now,
    tried,
    left,
  }: { readonly from: number; readonly now: number; readonly tried: number; readonly left: number },
): string =>
  `shrinking ${property}: ${now} of ${counted(from, 'operation')}, ${counted(tried, 'scenario')} tried, at most ${duration(Math.max(0, left))} left`;
