/** Claims about user pmaps: their page tables, directories, counts and reverse records. */
import { PAGE_SIZE, pdeSlot } from '../../contract/address.ts';
import { kernelSlots, recursiveSlot } from '../../contract/machine.ts';
import {
  KERNEL_PMAP,
  type MappingSnapshot,
  type PageTableSnapshot,
  PG_A,
  PG_D,
  PG_P,
  PG_RW,
  PG_U,
  pteObjectOf,
  type UserPmapSnapshot,
  type UserTableSnapshot,
} from '../../contract/pmap.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { hex } from './phrase.ts';

const frameOf = (word: number): number => Math.floor(word / PAGE_SIZE);
const has = (word: number, bits: number): boolean => (word & bits) === bits;
/** Words as they are when nothing has used them: A and D come and go. */
const steady = (word: number): number => word - (word & (PG_A | PG_D));

const hasUserPmaps = ({ spaces }: View): boolean => spaces.pmaps.length > 0;

/** The raw tables of each user pmap beside what the kernel shows of it; nothing for a kernel without tables. */
function* eachSpace(view: View): Generator<[UserPmapSnapshot, UserTableSnapshot, PageTableSnapshot]> {
  const tables = view.pageTables();
  if (tables === null) return;
  for (const pmap of view.spaces.pmaps) {
    const raw = tables.spaces.find((space) => space.pmap === pmap.name);
    if (raw !== undefined) yield [pmap, raw, tables];
  }
}

/** A claim about the raw tables of every user pmap. */
const tableClaim = (
  fields: Pick<Invariant, 'id' | 'claim' | 'source'>,
  violations: (
    view: View,
    ...space: [UserPmapSnapshot, UserTableSnapshot, PageTableSnapshot]
  ) => Iterable<string>,
): Invariant => ({
  ...fields,
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['pmap'],
  looksInside: true,
  looksAt: ['spaces'],
  watch: statelessWhere(hasUserPmaps, function* (view) {
    for (const space of eachSpace(view))
      for (const found of violations(view, ...space)) yield `pmap ${space[0].name}: ${found}`;
  }),
});

function validBySlot({ tables }: UserTableSnapshot): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { address, word } of tables)
    if (has(word, PG_P)) counts.set(pdeSlot(address), (counts.get(pdeSlot(address)) ?? 0) + 1);
  return counts;
}

const holds = tableClaim(
  {
    id: 'INV-PMAP-PTHOLD',
    claim: 'The hold count of a user page table is the number of valid words in it.',
    source: 'pmap.c: pmap_enter, pmap_remove, pmap_unuse_pt; PMAP-PT-2, DEV-22, DEV-23',
  },
  function* (_, __, raw) {
    const valid = validBySlot(raw);
    for (const { slot, hold } of raw.holds)
      if (hold !== (valid.get(slot) ?? 0))
        yield `slot ${slot} is held ${hold} times by ${valid.get(slot) ?? 0} words`;
    for (const [slot, count] of valid)
      if (!raw.holds.some((one) => one.slot === slot))
        yield `slot ${slot} has ${count} valid words and no hold count`;
  },
);

const isUserSlot = ({ machine }: View, slot: number): boolean =>
  slot < kernelSlots(machine).first && slot !== recursiveSlot(machine);

const reclaimed = tableClaim(
  {
    id: 'INV-PMAP-PTRECLAIM',
    claim: 'A user page table exists exactly as long as a mapping needs it, and is counted.',
    source: 'pmap.c: pmap_unuse_pt; PMAP-PT-1, PMAP-PT-2, DEV-22, DEV-23',
  },
  function* (view, { mappings, tables: counted, name }, raw) {
    const needed = new Set(mappings.map(({ address }) => pdeSlot(address)));
    const there = raw.directory.filter(({ slot, word }) => isUserSlot(view, slot) && has(word, PG_P));
    for (const { slot } of there)
      if (!needed.has(slot)) yield `slot ${slot} has a page table that maps nothing`;
    for (const slot of needed)
      if (!there.some((pde) => pde.slot === slot)) yield `slot ${slot} has mappings and no page table`;
    if (counted !== there.length) yield `pm_ptpages is ${counted} of ${there.length}`;
    const pages = view.objects.get(pteObjectOf(name))?.pages.length ?? 0;
    if (pages !== there.length)
      yield `${pteObjectOf(name)} has ${pages} pages for ${there.length} page tables`;
  },
);

/** A word of a user pmap's directory. */
interface UserPde {
  readonly pmap: string;
  readonly slot: number;
  readonly word: number;
  /** Physical frame of FrameNumber 0. */
  readonly firstManagedFrame: number;
}

/** What is wrong with a user slot of a directory; null: nothing. */
export function userTableFault(view: View, { pmap, slot, word, firstManagedFrame }: UserPde): string | null {
  if (!has(word, PG_P | PG_RW | PG_U)) return 'is not a present, writable user table';
  const object = pteObjectOf(pmap);
  const page = view.objects.get(object)?.pages.find(({ offset }) => offset === slot * PAGE_SIZE);
  if (page === undefined) return `names no page of ${object}`;
  return page.frame + firstManagedFrame === frameOf(word) ? null : `its page is frame ${page.frame}`;
}

const inStep = tableClaim(
  {
    id: 'INV-PMAP-KSYNC',
    claim: 'The kernel slots are the same in every directory.',
    source: 'pmap.c: pmap_pinit; PMAP-PINIT-1, PMAP-KSYNC-1',
  },
  function* (view, _, raw, { directory }) {
    const { first, end } = kernelSlots(view.machine);
    const wordIn = (words: UserTableSnapshot['directory'], slot: number): number =>
      steady(words.find((pde) => pde.slot === slot)?.word ?? 0);
    for (let slot = first; slot < end; slot++) {
      const [own, kernels] = [wordIn(raw.directory, slot), wordIn(directory, slot)];
      if (own !== kernels) yield `slot ${slot} holds ${hex(own)}, in the kernel's directory ${hex(kernels)}`;
    }
  },
);

/** Directory slot through which one pmap reaches the tables of another (APTDPTDI). */
const ALTERNATE_SLOT = 1023;

const alternate: Invariant = {
  id: 'INV-PMAP-ALT',
  claim:
    'The alternate slot of a directory is empty or names a live directory, where the kernel does not need it.',
  source: 'pmap.c: get_pt_entry, pmap_release; PMAP-ALT-1, PMAP-REL-1, DEV-30',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['pmap'],
  looksInside: true,
  watch: stateless(function* (view) {
    const tables = view.pageTables();
    const { end } = kernelSlots(view.machine);
    if (tables === null || end > ALTERNATE_SLOT || recursiveSlot(view.machine) === ALTERNATE_SLOT) return;
    const live = [tables.directoryFrame, ...tables.spaces.map(({ directoryFrame }) => directoryFrame)];
    for (const [name, words] of [
      [KERNEL_PMAP, tables.directory] as const,
      ...tables.spaces.map(({ pmap, directory }) => [pmap, directory] as const),
    ]) {
      const word = words.find(({ slot }) => slot === ALTERNATE_SLOT)?.word ?? 0;
      if (word !== 0 && !live.includes(frameOf(word)))
        yield `pmap ${name}: slot ${ALTERNATE_SLOT} holds ${hex(word)}, which is no live directory`;
    }
  }),
};

/** The pmap and the address of an operation that may change rights or wiring of one mapping. */
function keptMapping(view: View): readonly [MappingSnapshot | undefined, MappingSnapshot | undefined] | null {
  const { subject } = view;
  if (subject?.kind !== 'pmap_enter' && subject?.kind !== 'pmap_change_wiring') return null;
  const page = subject.address - (subject.address % PAGE_SIZE);
  const { pmap: name = KERNEL_PMAP } = subject;
  if (name === KERNEL_PMAP) return [view.before(`mapping:${page}`) ?? undefined, view.mappings.get(page)];
  const [before, after] = [view.before('spaces'), view.spaces].map(({ pmaps }) =>
    pmaps.find((pmap) => pmap.name === name)?.mappings.find(({ address }) => address === page),
  );
  return [before, after];
}

const changesOne = ({ subject }: View): boolean =>
  subject?.kind === 'pmap_enter' || subject?.kind === 'pmap_change_wiring';

const marksKept: Invariant = {
  id: 'INV-PMAP-ADKEEP',
  claim: 'A mapping whose frame stays keeps its accessed and dirty marks; unwiring may add the dirty one.',
  source: 'pmap.c: pmap_enter, pmap_change_wiring; PMAP-ENTER-3, PMAP-WIRE-1, DEV-24',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['pmap', 'structure'],
  judges: ['pmap_enter', 'pmap_change_wiring'],
  watch: statelessWhere(changesOne, function* (view) {
    const [before, after] = keptMapping(view) ?? [];
    if (before === undefined || after === undefined || before.frame !== after.frame) return;
    if (before.accessed && !after.accessed) yield `${hex(after.address)} has lost its accessed mark`;
    if (before.dirty && !after.dirty) yield `${hex(after.address)} has lost its dirty mark`;
  }),
};

const wiped = ({ subject }: View): boolean =>
  subject?.kind === 'pmap_zero_page' || subject?.kind === 'pmap_copy_page';

const window: Invariant = {
  id: 'INV-PMAP-WINDOW',
  claim: 'Zeroing and copying frames leave no mapping behind.',
  source: 'pmap.c: pmap_zero_page, pmap_copy_page; PMAP-ZERO-1, DEV-29',
  scope: 'R',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['pmap', 'structure'],
  judges: ['pmap_zero_page', 'pmap_copy_page'],
  watch: statelessWhere(wiped, function* (view) {
    for (const address of view.touchedMappings) yield `the mapping at ${hex(address)} has changed`;
  }),
};

/** Section Pmap of INVARIANTS.md, as far as it needs user pmaps or their operations. */
export const userPmapInvariants: readonly Invariant[] = [
  holds,
  reclaimed,
  inStep,
  alternate,
  marksKept,
  window,
];
