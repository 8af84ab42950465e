/** Claims about the raw i386 tables, of a kernel that has them. */
import { PAGE_SIZE } from '../../contract/address.ts';
import { kernelSlots, recursiveSlot } from '../../contract/machine.ts';
import {
  type MappingSnapshot,
  type PageTableSnapshot,
  PG_A,
  PG_D,
  PG_N,
  PG_P,
  PG_RW,
  PG_U,
  PG_W,
} from '../../contract/pmap.ts';
import { type Invariant, stateless } from '../invariant.ts';
import type { View } from '../view.ts';
import { hex } from './phrase.ts';
import { userTableFault } from './pmap-user.ts';

/** Physical frame in a table word: bits 31 to 12. */
const frameOf = (word: number): number => Math.floor(word / PAGE_SIZE);
const has = (word: number, bit: number): boolean => (word & bit) === bit;

/** Directory words as they are when nothing has used them: A and D come and go. */
const steady = (word: number): number => word - (word & (PG_A | PG_D));

const recursive: Invariant = {
  id: 'INV-PMAP-RECURSIVE',
  claim: 'The recursive slot of the page directory names the directory itself, present and writable.',
  source: 'pmap.c: pmap_bootstrap; BOOT-4, PMAP-PINIT-1',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['pmap'],
  looksInside: true,
  watch: stateless(function* (view) {
    const tables = view.pageTables();
    if (tables === null) return;
    const slot = recursiveSlot(view.machine);
    for (const { directory: words, directoryFrame: own } of [tables, ...tables.spaces]) {
      const word = words.find((pde) => pde.slot === slot)?.word ?? 0;
      if (frameOf(word) !== own || !has(word, PG_P | PG_RW) || has(word, PG_U))
        yield `slot ${slot} holds ${hex(word)}, the directory is physical frame ${hex(own)}`;
    }
  }),
};

/** What is wrong with a directory word of a kernel slot; null: nothing. */
function staticTableFault(view: View, tables: PageTableSnapshot, word: number): string | null {
  const { managedPages, deviceFrames } = view.machine;
  const frame = frameOf(word);
  const numbered = frame - tables.firstManagedFrame;
  if (!has(word, PG_P | PG_RW) || has(word, PG_U)) return 'is not a present, writable supervisor table';
  if (frame === tables.directoryFrame) return 'names the directory';
  if (numbered >= 0 && numbered < managedPages + deviceFrames) return `names numbered frame ${numbered}`;
  return null;
}

const directory: Invariant = {
  id: 'INV-PMAP-PDEFRAME',
  claim:
    'Every kernel slot of the directory names a static page table of its own, the same since boot; no other slot but the recursive one is used.',
  source: 'pmap.c: pmap_bootstrap; BOOT-4, PMAP-BOOT-1',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['pmap'],
  looksInside: true,
  watch: () => {
    const atFirst = new Map<number, number>();
    return {
      *violations(view) {
        const tables = view.pageTables();
        if (tables === null) return;
        const words = new Map(tables.directory.map(({ slot, word }) => [slot, word]));
        const { first, end } = kernelSlots(view.machine);
        const owners = new Map<number, number>();
        for (let slot = first; slot < end; slot++) {
          const word = words.get(slot) ?? 0;
          const known = atFirst.get(slot) ?? steady(word);
          atFirst.set(slot, known);
          const fault = staticTableFault(view, tables, word);
          const twin = owners.get(frameOf(word));
          owners.set(frameOf(word), slot);
          if (fault !== null) yield `slot ${slot} holds ${hex(word)}: ${fault}`;
          else if (twin !== undefined) yield `slots ${twin} and ${slot} share the page table ${hex(word)}`;
          else if (steady(word) !== known) yield `slot ${slot} changed from ${hex(known)} to ${hex(word)}`;
        }
        for (const [slot, word] of words)
          if ((slot < first || slot >= end) && slot !== recursiveSlot(view.machine))
            yield `slot ${slot} holds ${hex(word)} and belongs to nobody`;
        yield* userDirectoryFaults(view, tables);
      },
    };
  },
};

function* userDirectoryFaults(
  view: View,
  { spaces, firstManagedFrame }: PageTableSnapshot,
): Generator<string> {
  const { first, end } = kernelSlots(view.machine);
  for (const { pmap, directory: words } of spaces)
    for (const { slot, word } of words) {
      if ((slot >= first && slot < end) || slot === recursiveSlot(view.machine)) continue;
      const fault =
        slot < first ? userTableFault(view, { pmap, slot, word, firstManagedFrame }) : 'belongs to nobody';
      if (fault !== null) yield `pmap ${pmap}: slot ${slot} holds ${hex(word)}: ${fault}`;
    }
}

/** The word that a mapping makes (PMAP-ENTER-6): no U bit on kernel addresses, PG_N for device frames. */
function wordOf({ machine }: View, tables: PageTableSnapshot, mapping: MappingSnapshot): number {
  const bits =
    PG_P +
    (mapping.writable ? PG_RW : 0) +
    (mapping.wired ? PG_W : 0) +
    (mapping.accessed ? PG_A : 0) +
    (mapping.dirty ? PG_D : 0) +
    (mapping.frame >= machine.managedPages ? PG_N : 0);
  return (tables.firstManagedFrame + mapping.frame) * PAGE_SIZE + bits;
}

const noJunk: Invariant = {
  id: 'INV-PMAP-NOJUNK',
  claim:
    'A page-table word is 0, or exactly the present supervisor mapping that the pmap shows for its address.',
  source: 'pmap.c: pmap_enter, pmap_remove, pmap_change_wiring; PMAP-ENTER-6, PMAP-WIRE-1, DEV-19, DEV-21',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['pmap'],
  looksInside: true,
  watch: stateless(function* (view) {
    const tables = view.pageTables();
    if (tables === null) return;
    const seen = new Set<number>();
    for (const { address, word } of tables.tables) {
      seen.add(address);
      const mapping = view.mappings.get(address);
      const expected = mapping === undefined ? 0 : wordOf(view, tables, mapping);
      if (word !== expected)
        yield `the word for ${hex(address)} is ${hex(word)}, ${mapping === undefined ? 'nothing is mapped there' : `its mapping makes ${hex(expected)}`}`;
    }
    for (const address of view.mappings.keys())
      if (!seen.has(address)) yield `the word for ${hex(address)} is 0 although something is mapped there`;
    yield* userWordFaults(view, tables);
  }),
};

function* userWordFaults(view: View, tables: PageTableSnapshot): Generator<string> {
  for (const { name, mappings } of view.spaces.pmaps) {
    const words = new Map(
      tables.spaces.find(({ pmap }) => pmap === name)?.tables.map(({ address, word }) => [address, word]),
    );
    const shown = new Map(mappings.map((mapping) => [mapping.address, wordOf(view, tables, mapping) + PG_U]));
    for (const address of new Set([...words.keys(), ...shown.keys()])) {
      const [word, expected] = [words.get(address) ?? 0, shown.get(address) ?? 0];
      if (word !== expected)
        yield `pmap ${name}: the word for ${hex(address)} is ${hex(word)}, its mapping makes ${hex(expected)}`;
    }
  }
}

/** Claims about page directory and page tables. */
export const pageTableInvariants: readonly Invariant[] = [recursive, directory, noJunk];
