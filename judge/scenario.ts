/** The verdict on the states of one scenario. */
import type { Scenario } from '../contract/scenario.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { type Combination, combinationsIn } from './combinations.ts';
import type { GuestPool } from './guest-pool.ts';
import { judgeState, type StateVerdict } from './judge.ts';
import { type Kernels, type StateOnTheWay, statesOf } from './states.ts';

/** The property that a state breaks whose tables the guest reads otherwise. */
export const MMU_PROPERTY = 'MMU-WALK';
export const MMU_SENTENCE =
  'An i386 that walks the page tables finds what the reference says is mapped, with the same rights, and sets the same bits.';

/** Which states to judge, and how. */
export interface JudgeScope {
  /** Which operations the state is judged after; 0: at boot. */
  readonly wanted: (number: number) => boolean;
  /** Any whole number; with the number of the operation it says which words are probed, and in which order. */
  readonly salt: number;
  /** Asked before each state; true ends the work with what it has. */
  readonly shouldStop?: () => boolean;
  /** After each state that was judged. */
  readonly onState?: () => void;
}

/** What became of a scenario. */
export interface ScenarioVerdict {
  /** Hashes of the states judged, each once. */
  readonly hashes: readonly string[];
  readonly probes: number;
  readonly words: number;
  readonly combinations: readonly Combination[];
  /** The first state that differs, as a failed run up to there; `failure` is null where none does. */
  readonly report: LockstepReport;
}

/** Judges the states of a scenario up to the first that differs; a state that was there before is not judged again. */
export async function judgeScenario(
  scenario: Scenario,
  kernels: Kernels,
  guests: GuestPool,
  { wanted, salt, shouldStop, onState }: JudgeScope,
): Promise<ScenarioVerdict> {
  const hashes = new Set<string>();
  const combinations = new Set<Combination>();
  let probes = 0;
  let words = 0;
  let report: LockstepReport = { scenario, failure: null, expected: [], actual: [] };
  for (const step of statesOf(scenario, kernels, wanted)) {
    if (shouldStop?.() === true) break;
    if (step.outcome.length === 0 && hashes.has(step.hash)) continue;
    hashes.add(step.hash);
    for (const seen of combinationsIn(step.tables, scenario.machine)) combinations.add(seen);
    const verdict = await judgeState(step.state, guests, salt + step.number);
    probes += verdict.probes;
    words += verdict.words;
    onState?.();
    if (verdict.differences.length + step.outcome.length === 0) continue;
    report = reportOf(scenario, step, verdict);
    break;
  }
  return { hashes: [...hashes], probes, words, combinations: [...combinations], report };
}

function reportOf(scenario: Scenario, step: StateOnTheWay, { differences }: StateVerdict): LockstepReport {
  const { number, steps, outcome } = step;
  return {
    scenario: { ...scenario, operations: scenario.operations.slice(0, number) },
    failure: {
      property: MMU_PROPERTY,
      sentence: MMU_SENTENCE,
      side: 'candidate',
      number,
      witnesses: outcome.length === 0 ? [] : ['the kernels answer differently: npx vmlockstep replay shows it too'],
      differences: [...outcome, ...differences],
    },
    expected: steps,
    actual: [],
  };
}
