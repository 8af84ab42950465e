/** The rules of the contract by ID, each in one sentence, with the stage that realizes it. */
import { RULE_SENTENCES } from './rule-sentences.ts';

/** `1` and `pmap` now; `threads`, `wider` in later stages. */
export type Stage = '1' | 'pmap' | 'threads' | 'wider';

/** Stages that model and implementation realize. */
export const REALIZED: readonly Stage[] = ['1', 'pmap'];

export type RuleId = keyof typeof RULE_SENTENCES;

/** One rule: its stage and its meaning in one sentence. */
export interface Rule {
  readonly stage: Stage;
  readonly sentence: string;
}

/** Rules of the other stages; every other one belongs to stage 1. */
const OTHER_STAGES: { readonly [Name in Exclude<Stage, '1'>]: readonly RuleId[] } = {
  threads: [
    'SCHED-1',
    'LOCK-1',
    'LOCK-2',
    'LOCK-3',
    'LOCK-4',
    'LOCK-5',
    'LOCK-6',
    'SPL-1',
    'SPL-2',
    'SPL-3',
    'PAGE-BUSY-1',
  ],
  pmap: [
    'FAULT-8',
    'PMAP-CREATE-1',
    'PMAP-PINIT-1',
    'PMAP-REF-1',
    'PMAP-REL-1',
    'PMAP-PT-1',
    'PMAP-PT-2',
    'PMAP-REC-1',
    'PMAP-ALT-1',
    'PMAP-KSYNC-1',
    'CPU-4',
    'CPU-5',
    'CPU-6',
  ],
  wider: ['PAGE-FILL-2', 'PAGE-REN-1'],
};

/** The IDs of all rules, in the order of the specification. */
export const RULE_IDS = Object.keys(RULE_SENTENCES) as readonly RuleId[];

function stageOf(rule: RuleId): Stage {
  for (const stage of ['threads', 'pmap', 'wider'] as const)
    if (OTHER_STAGES[stage].includes(rule)) return stage;
  return '1';
}

/** Every rule, in the order of the specification. */
export const RULES = Object.fromEntries(
  Object.entries(RULE_SENTENCES).map(([id, sentence]) => [id, { stage: stageOf(id as RuleId), sentence }]),
) as { readonly [Id in RuleId]: Rule };
