/** The verdict on the states of one scenario. */
import type { Scenario } from '../contract/scenario.ts';
import type { Difference, LockstepReport } from '../properties/verdict.ts';
import { type Combination, combinationsIn } from './combinations.ts';
import type { GuestPool } from './guest-pool.ts';
import { judgeState } from './judge.ts';
import type { JudgedState } from './state.ts';
import { type Kernels, type StateOnTheWay, statesOf } from './states.ts';

/** The property that a state breaks whose tables the guest reads otherwise. */
export const MMU_PROPERTY = 'MMU-WALK';
export const MMU_SENTENCE =
  'An i386 that walks the page tables finds what the reference says is mapped, with the same rights, and sets the same bits.';

/** Which states to judge, and how. */
export interface JudgeScope {
  /** Which operations the state is judged after; 0: at boot. */
  readonly wanted: (number: number) => boolean;
  /** Each state is judged once with each: it says, with the number of the operation, which words are probed, in which order. */
  readonly salts: readonly number[];
  /** Asked before each state; true ends the work with what it has. */
  readonly shouldStop?: () => boolean;
}

/** Salts for a scenario that is looked at closely: every order of accesses, with either setting of WP first. */
export const CLOSELY: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

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
  { wanted, salts, shouldStop }: JudgeScope,
): Promise<ScenarioVerdict> {
  const hashes = new Set<string>();
  const combinations = new Set<Combination>();
  const known = new Set<number>();
  let probes = 0;
  let words = 0;
  let report: LockstepReport = { scenario, failure: null, expected: [], actual: [] };
  for (const step of statesOf(scenario, kernels, wanted)) {
    if (shouldStop?.() === true) break;
    if (step.outcome.length === 0 && hashes.has(step.hash)) continue;
    hashes.add(step.hash);
    for (const seen of combinationsIn(step.tables, scenario.machine)) combinations.add(seen);
    for (const page of livePages(step.state)) known.add(page);
    let differences = step.outcome;
    for (const salt of salts) {
      const verdict = await judgeState(step.state, guests, { salt: salt + step.number, known });
      probes += verdict.probes;
      words += verdict.words;
      differences = [...step.outcome, ...verdict.differences];
      if (verdict.differences.length > 0) break;
    }
    if (differences.length === 0) continue;
    report = reportOf(scenario, step, differences);
    break;
  }
  return { hashes: [...hashes], probes, words, combinations: [...combinations], report };
}

const livePages = ({ reference: { mappings, spaces } }: JudgedState): number[] =>
  [...mappings, ...spaces.pmaps.flatMap((pmap) => pmap.mappings)].map(({ address }) => address);

function reportOf(
  scenario: Scenario,
  step: StateOnTheWay,
  differences: readonly Difference[],
): LockstepReport {
  const { number, steps, outcome } = step;
  return {
    scenario: { ...scenario, operations: scenario.operations.slice(0, number) },
    failure: {
      property: MMU_PROPERTY,
      sentence: MMU_SENTENCE,
      side: 'candidate',
      number,
      witnesses:
        outcome.length === 0 ? [] : ['the kernels answer differently: npx vmlockstep replay shows it too'],
      differences,
    },
    expected: steps,
    actual: [],
  };
}
