/** Every invariant of stage 1, in the order in which a broken state is reported: structure first, conservation last. */
import type { Invariant } from '../invariant.ts';
import { accountingInvariants } from './accounting.ts';
import { auditInvariants } from './audit.ts';
import { cpuInvariants } from './cpu.ts';
import { failureInvariants } from './failure.ts';
import { mapAttributeInvariants } from './map-attributes.ts';
import { mapOrderInvariants } from './map-order.ts';
import { mapSearchInvariants } from './map-search.ts';
import { mapStateInvariants } from './map-state.ts';
import { objectInvariants } from './objects.ts';
import { pageInvariants } from './pages.ts';
import { panicInvariants } from './panics.ts';
import { pmapInvariants } from './pmap.ts';
import { pmapEffectInvariants } from './pmap-effect.ts';
import { schedulingInvariants } from './scheduling.ts';
import { submapInvariants } from './submap.ts';
import { tlbInvariants } from './tlb.ts';
import { wiringInvariants } from './wiring.ts';

export const ALL_INVARIANTS: readonly Invariant[] = [
  ...panicInvariants,
  ...mapOrderInvariants,
  ...mapAttributeInvariants,
  ...mapStateInvariants,
  ...submapInvariants,
  ...mapSearchInvariants,
  ...objectInvariants,
  ...pageInvariants,
  ...wiringInvariants,
  ...pmapInvariants,
  ...cpuInvariants,
  ...tlbInvariants,
  ...schedulingInvariants,
  ...accountingInvariants,
  ...failureInvariants,
  ...pmapEffectInvariants,
  ...auditInvariants,
];

const byId: ReadonlyMap<string, Invariant> = new Map(
  ALL_INVARIANTS.map((invariant) => [invariant.id, invariant]),
);

/** The invariant with that ID; undefined for IDs that are laws, of a later stage, or unknown. */
export const invariantById = (id: string): Invariant | undefined => byId.get(id);
