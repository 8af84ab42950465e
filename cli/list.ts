/** `vmlockstep list`: the vocabulary as tables. */
import { type FieldMeaning, OPERATION_FIELDS, OPERATION_KINDS } from '../contract/operation.ts';
import { PANIC } from '../contract/outcome.ts';
import { RULES, type Rule } from '../contract/rules.ts';
import { GOALS } from '../properties/goals.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { WORKLOADS } from '../properties/workloads.ts';
import { table } from '../report/tables.ts';
import { faultTable } from './fault-kernel.ts';

/** What can be listed. */
export const LISTS = ['operations', 'invariants', 'goals', 'rules', 'workloads', 'panics', 'faults'] as const;
export type ListName = (typeof LISTS)[number];

interface Listing {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

const LISTINGS: Readonly<Record<ListName, () => Listing | Promise<Listing>>> = {
  operations: () => ({
    headings: ['operation', 'arguments'],
    rows: OPERATION_KINDS.map((kind) => [
      kind,
      Object.entries(OPERATION_FIELDS[kind] as Readonly<Record<string, FieldMeaning>>)
        .map(([field, meaning]) => (field === meaning ? field : `${field}: ${meaning}`))
        .join(', '),
    ]),
  }),
  invariants: () => ({
    headings: ['invariant', 'scope', 'cost', 'claim'],
    rows: ALL_INVARIANTS.map(({ id, scope, cost, claim }) => [id, scope, cost, claim]),
  }),
  goals: () => ({ headings: ['goal', 'claim'], rows: GOALS.map(({ id, claim }) => [id, claim]) }),
  rules: () => ({
    headings: ['rule', 'stage', 'sentence'],
    rows: Object.entries<Rule>(RULES).map(([id, { stage, sentence }]) => [id, stage, sentence]),
  }),
  workloads: () => ({
    headings: ['workload', 'errors', 'reads', 'for'],
    rows: Object.entries(WORKLOADS).map(([name, { errorShare, readShare, claim }]) => [
      name,
      percent(errorShare),
      percent(readShare),
      claim,
    ]),
  }),
  panics: () => ({
    headings: ['panic', 'text'],
    rows: Object.entries(PANIC),
  }),
  faults: async () => ({
    headings: ['kernel', 'source'],
    rows: (await faultTable()).map(({ name, source }) => [name, source]),
  }),
};

/** The lines of one list. */
export async function listLines(name: ListName): Promise<string[]> {
  const { headings, rows } = await LISTINGS[name]();
  return table(
    headings.map((heading) => ({ heading })),
    rows,
  );
}
