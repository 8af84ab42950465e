/** Every claim about kernel memory that has an ID: where it belongs, when it applies, and what judges it. */
import type { Stage } from '../../contract/rules.ts';

export type Section =
  | 'Maps'
  | 'Objects'
  | 'Pages'
  | 'Wiring'
  | 'Pmap'
  | 'TLB and CPU'
  | 'Scheduling and locks'
  | 'Accounting';

/**
 * `invariant`: a state or a step under that ID. `audit`: a kernel's own audit alone, for what no snapshot shows.
 * `law`: operations of its own, run behind a prefix. `runner`: the comparison of the two kernels.
 */
export type JudgedBy = 'invariant' | 'audit' | 'law' | 'runner';

export interface CatalogueRow {
  readonly id: string;
  readonly section: Section;
  /** The stage whose operations can break the claim. */
  readonly stage: Stage;
  readonly judgedBy: JudgedBy;
}

/** Claims that are not judged by an invariant of stage 1. */
const ELSEWHERE: { readonly [Id in string]?: { readonly stage?: Stage; readonly judgedBy?: JudgedBy } } = {
  'INV-MAP-INDEX': { judgedBy: 'audit' },
  'INV-MAP-HINT': { judgedBy: 'audit' },
  'INV-MAP-FREEHINT': { judgedBy: 'audit' },
  'INV-MAP-TIMESTAMP': { stage: 'threads' },
  'INV-OBJ-PIP': { stage: 'wider' },
  'INV-OBJ-CHAIN': { stage: 'wider' },
  'INV-OBJ-VALUE': { stage: 'wider' },
  'INV-PAGE-BUSYOWNED': { stage: 'threads' },
  'INV-PAGE-WANTED': { stage: 'threads' },
  'INV-PAGE-FAKE': { judgedBy: 'audit' },
  'INV-WIRE-NORECLAIM': { stage: 'wider' },
  'INV-PMAP-SELFMAP': { judgedBy: 'audit' },
  'INV-TLB-TRANSPARENT': { judgedBy: 'law' },
  'INV-CPU-FORK': { stage: 'wider' },
  'INV-SCHED-NOLOSTBUSY': { stage: 'threads' },
  'INV-SCHED-NOYIELD': { stage: 'threads' },
  'INV-SCHED-YIELDLOCKS': { stage: 'threads' },
  'INV-SCHED-INTRSAFE': { stage: 'threads', judgedBy: 'law' },
  'INV-SCHED-REPLAY': { judgedBy: 'law' },
  'INV-SCHED-STEPBOUND': { stage: 'threads' },
  'INV-SCHED-SERIAL': { stage: 'threads' },
  'INV-ACC-ALLOCFREE': { judgedBy: 'law' },
  'INV-ACC-FREEALL': { judgedBy: 'law' },
  'INV-ACC-SWAP': { stage: 'wider' },
  'INV-ACC-MODEL': { judgedBy: 'runner' },
};

const IDS: { readonly [Name in Section]: { readonly prefix: string; readonly names: string } } = {
  Maps: {
    prefix: 'INV-MAP-',
    names: `SORTED NONOVERLAP NONEMPTY BOUNDS ALIGN SIZE NENT LOOKUP INDEX HINT FIRSTFIT FREEHINT SUBCONTAIN SUBEXCL
      SUBACYCLIC REF LEAFDISJ PROT MAXMONO INH ATTR-RANGE CLIPNEUTRAL NOTRANS POOL BOOT FAILPURE LOCKFREE TIMESTAMP
      CHKPROT`,
  },
  Objects: {
    prefix: 'INV-OBJ-',
    names: 'REF LIVE RESIDENT BOUNDS KOFF NOALIAS NOORPHAN NULLNEW PIP CHAIN VALUE',
  },
  Pages: {
    prefix: 'INV-PAGE-',
    names: `CONSERVE COUNTERS QUEUEEXCL FREEBARE UNIQUE ONEOWNER WIREDOFFQ OFFQ WIRERANGE BUSYOWNED WANTED FAKE FIFO
      ZERO DIRTY`,
  },
  Wiring: {
    prefix: 'INV-WIRE-',
    names: 'RESIDENT PTE COUNT NOWAIT SPLIT NEST UNWIRED NORECLAIM',
  },
  Pmap: {
    prefix: 'INV-PMAP-',
    names: `FRAME AGREE COVERED PV STATS STATSNN RIGHTS NONE PTHOLD PTRECLAIM PDEFRAME RECURSIVE SELFMAP ALT KSYNC
      COUNT NOJUNK EXTRACT ADKEEP KCOVER WINDOW EFFECT MARKS LIFE`,
  },
  'TLB and CPU': {
    prefix: 'INV-',
    names: `TLB-NOSTALE TLB-TRANSPARENT TLB-PRESENTONLY TLB-FREEFRAME CPU-ISOLATION CPU-WIREDNOFAULT CPU-FORK
      CPU-USERDENY`,
  },
  'Scheduling and locks': {
    prefix: 'INV-SCHED-',
    names: `NOLOSTMAP NOLOSTPAGE NOLOSTBUSY NOLOSTTRANS DAEMON RETRY NOYIELD YIELDLOCKS NOLOCKRET INTRSAFE REPLAY
      STEPBOUND SERIAL`,
  },
  Accounting: {
    prefix: 'INV-ACC-',
    names: `ALLOCFREE KMEMROLLBACK SIZEZERO FREECLAMP FREEALL FRAMES HOLES SWAP PANICTEXT UNMAPPED MODEL`,
  },
};

/** All IDs by section, in the order of the catalogue. */
export const CATALOGUE: readonly CatalogueRow[] = Object.entries(IDS).flatMap(
  ([section, { prefix, names }]) =>
    names.split(/\s+/).map((name): CatalogueRow => {
      const id = prefix + name;
      const { stage = '1', judgedBy = 'invariant' } = ELSEWHERE[id] ?? {};
      return { id, section: section as Section, stage, judgedBy };
    }),
);

/** The claim that the runner judges itself: it is no invariant of one kernel. */
export const MODEL_AGREEMENT = {
  id: 'INV-ACC-MODEL',
  claim:
    'The kernel under test and the reference model give the same outcomes and show the same state after every step, at the level that the kernel declares.',
  source: 'SPEC §13',
} as const;
