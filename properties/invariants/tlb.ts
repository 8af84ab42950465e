/** Claims about cached translations and about what user code reaches. */
import { PAGE_SIZE, truncPage } from '../../contract/address.ts';
import { userEnd } from '../../contract/machine.ts';
import type { MappingSnapshot, TlbEntrySnapshot } from '../../contract/pmap.ts';
import { type Invariant, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { hex } from './phrase.ts';

interface Reached {
  readonly mapping: MappingSnapshot;
  readonly user: boolean;
}

/** What an address means in the current address space; undefined where nothing is mapped. */
function reached({ machine, spaces, mappings }: View, address: number): Reached | undefined {
  if (address < userEnd(machine)) {
    const current = spaces.pmaps.find(({ name }) => name === spaces.current);
    const mapping = current?.mappings.find((one) => one.address === address);
    return mapping && { mapping, user: true };
  }
  const mapping = mappings.get(address);
  return mapping && { mapping, user: false };
}

/** A claim about every cached translation. */
const cached = (
  fields: Pick<Invariant, 'id' | 'claim' | 'source'>,
  fault: (entry: TlbEntrySnapshot, view: View, firstManaged: number) => string | null,
): Invariant => ({
  ...fields,
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['pmap'],
  looksInside: true,
  looksAt: ['mapping', 'spaces', 'queue'],
  judges: ['cpu_read', 'cpu_write', 'checked_read', 'checked_write', 'pmap_activate', 'pmap_update'],
  watch: () => {
    /** Of the machine at hand: it never moves. */
    let firstManaged: number | undefined;
    return {
      *violations(view) {
        const entries = view.tlb();
        if (entries === null || entries.length === 0) return;
        firstManaged ??= view.pageTables()?.firstManagedFrame;
        if (firstManaged === undefined) return;
        for (const entry of entries) {
          const found = fault(entry, view, firstManaged);
          if (found !== null) yield `the translation of ${hex(entry.address)}: ${found}`;
        }
      },
    };
  },
});

const noStale = cached(
  {
    id: 'INV-TLB-NOSTALE',
    claim:
      'No cached translation names another frame or grants more than the page tables do, between operations.',
    source: 'SPEC CPU-5; pmap.c: tlbflush in pmap_enter, pmap_remove, pmap_protect, pmap_changebit',
  },
  (entry, view, firstManaged) => {
    const now = reached(view, entry.address);
    if (now === undefined) return 'nothing is mapped there any more';
    const { mapping, user } = now;
    if (entry.frame !== firstManaged + mapping.frame)
      return `goes to physical frame ${hex(entry.frame)}, not to frame ${mapping.frame}`;
    if (entry.writable && !mapping.writable) return 'is writable, the mapping is not';
    if (entry.user && !user) return 'is open to user code, the mapping is not';
    return entry.dirty && !mapping.dirty ? 'is marked dirty, the mapping is not' : null;
  },
);

const presentOnly = cached(
  {
    id: 'INV-TLB-PRESENTONLY',
    claim: 'Only translations of present mappings are cached.',
    source: 'SPEC CPU-1, CPU-4',
  },
  (entry, view) => (reached(view, entry.address) === undefined ? 'is cached and not present' : null),
);

const freeFrame = cached(
  {
    id: 'INV-TLB-FREEFRAME',
    claim: 'No cached translation names a free frame.',
    source: 'SPEC CPU-5, PAGE-FREE-1; DEV-5, DEV-29',
  },
  ({ frame }, { queues }, firstManaged) =>
    queues.free.some((free) => free + firstManaged === frame)
      ? `goes to the free frame ${frame - firstManaged}`
      : null,
);

const isUserAccess = ({ operation, step }: View): boolean =>
  (operation?.kind === 'cpu_read' || operation?.kind === 'cpu_write') &&
  operation.mode === 'user' &&
  step !== null &&
  (step.outcome.kind === 'bytes' || step.outcome.kind === 'done');

const userDenied: Invariant = {
  id: 'INV-CPU-USERDENY',
  claim:
    'User code reaches the mappings of the current user pmap alone, and writes only those that are writable.',
  source: 'SPEC CPU-2; pmap.c: pmap_enter; PMAP-ENTER-6, DEV-19',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'pmap', 'structure'],
  judges: ['cpu_read', 'cpu_write'],
  watch: statelessWhere(isUserAccess, function* (view) {
    const { operation } = view;
    if (operation?.kind !== 'cpu_read' && operation?.kind !== 'cpu_write') return;
    const length = operation.kind === 'cpu_read' ? operation.length : operation.bytes.length;
    for (
      let page: number = truncPage(operation.address);
      page < operation.address + length;
      page += PAGE_SIZE
    ) {
      const now = reached(view, page);
      if (now === undefined || !now.user)
        yield `${hex(page)} is no page of the current user pmap, and was reached`;
      else if (operation.kind === 'cpu_write' && !now.mapping.writable)
        yield `${hex(page)} is read-only, and was written`;
    }
  }),
};

const isWrite = ({ operation, step }: View): boolean =>
  operation?.kind === 'cpu_write' && step?.outcome.kind === 'done';

const writtenIsDirty: Invariant = {
  id: 'INV-PAGE-DIRTY',
  claim: 'A page that has just been written through a mapping is marked dirty there.',
  source: 'SPEC CPU-3; pmap.c: pmap_is_modified; DEV-24',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'pmap', 'structure'],
  judges: ['cpu_write'],
  watch: statelessWhere(isWrite, function* (view) {
    const { operation } = view;
    if (operation?.kind !== 'cpu_write') return;
    const end = operation.address + operation.bytes.length;
    for (let page: number = truncPage(operation.address); page < end; page += PAGE_SIZE) {
      const mapping = reached(view, page)?.mapping;
      if (mapping !== undefined && !mapping.dirty) yield `${hex(page)} was written and is clean`;
    }
  }),
};

/** Section TLB and CPU of INVARIANTS.md, as far as translations are concerned. */
export const tlbInvariants: readonly Invariant[] = [
  noStale,
  presentOnly,
  freeFrame,
  userDenied,
  writtenIsDirty,
];
