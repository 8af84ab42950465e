/** Faults of user pmaps, their page tables and the TLB; scenarios of workload `pmap` show them. */
import type { FaultPatch } from './patch.ts';
import { HISTORIC_SPACES } from './spaces-historic.ts';
import { INVITED_SPACES } from './spaces-invited.ts';

export const FAULTY_SPACES: readonly FaultPatch[] = [...HISTORIC_SPACES, ...INVITED_SPACES];
