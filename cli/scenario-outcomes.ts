/**
 * What a stored scenario means: the words of the model's answers, kept with it. They are independent of the wording of
 * reports, so that only a change of meaning makes a case stale.
 */
import { createHash } from 'node:crypto';
import type { Outcome, Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { shellWord } from './command-text.ts';
import { quoted } from './nearest.ts';
import { modelSteps } from './scenario-model.ts';

const LONGEST_WORD = 64;
const HASH_DIGITS = 12;

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

function answerWord(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'done':
    case 'none':
      return outcome.kind;
    case 'address':
      return hex(outcome.address);
    case 'kern':
      return outcome.address === undefined
        ? `kern ${outcome.code}`
        : `kern ${outcome.code} ${hex(outcome.address)}`;
    case 'submap':
      return `submap ${outcome.map} ${hex(outcome.min)} ${hex(outcome.max)}`;
    case 'entry':
      return `entry ${outcome.found} ${outcome.start === null ? 'none' : hex(outcome.start)}`;
    case 'flag':
      return String(outcome.value);
    case 'bytes':
      return `bytes ${outcome.bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    case 'trap':
      return `trap ${outcome.code} ${hex(outcome.address)}`;
    case 'frame':
      return `frame ${outcome.frame} ${outcome.offset}`;
    case 'sleep':
      return `sleep ${outcome.event}`;
    case 'panic':
      return `panic ${outcome.text}`;
    case 'rejected':
      return `rejected ${outcome.rule}`;
  }
}

/** One step in a few words, long ones cut and hashed. */
export function outcomeWord({ outcome, woken, resumed, console, daemonPoked }: Step): string {
  const word = [
    answerWord(outcome),
    ...(woken === undefined ? [] : [`woken ${woken.join(' ')}`]),
    ...(resumed === undefined ? [] : [`resumed ${resumed}`]),
    ...(daemonPoked ? ['daemon'] : []),
    ...(console ?? []).map((line) => `prints ${line}`),
  ].join('; ');
  if (word.length <= LONGEST_WORD) return word;
  const hash = createHash('sha256').update(word).digest('hex').slice(0, HASH_DIGITS);
  return `${word.slice(0, LONGEST_WORD - HASH_DIGITS - 1)}…${hash}`;
}

/** The words of every operation, as the model answers them; null where there is no telling. */
export const outcomesOf = (scenario: Scenario): string[] | null =>
  modelSteps(scenario)?.map(outcomeWord) ?? null;

/** What to do about a case whose `outcomes` are no longer the model's answers. */
export const outcomesRemedy = (file: string): string =>
  `if the change was meant, remove "outcomes" from the file and run npx vmlockstep corpus migrate ${shellWord(file)}`;

/** Why a scenario no longer means what it meant; null where it does, or where nobody wrote down what it meant. */
export function staleness(scenario: Scenario, recorded: readonly string[] | undefined): string | null {
  if (recorded === undefined) return null;
  const now = outcomesOf(scenario);
  if (now === null) return 'the model gives no answers any more';
  if (now.length !== recorded.length)
    return `outcomes has ${recorded.length} words for ${now.length} operations`;
  const at = now.findIndex((word, i) => word !== recorded[i]);
  return at < 0
    ? null
    : `operations[${at}] (${scenario.operations[at]?.kind}) meant ${quoted(recorded[at] ?? '')} and now means ${quoted(now[at] ?? '')}`;
}
