/** The raw i386 page tables and the TLB of a kernel under test, drawn word by word. */
import { PDE_SPAN } from '../contract/address.ts';
import {
  type PageTableSnapshot,
  PG_A,
  PG_D,
  PG_N,
  PG_P,
  PG_RW,
  PG_U,
  PG_W,
  type PteSnapshot,
  type TlbEntrySnapshot,
} from '../contract/pmap.ts';
import { table } from './tables.ts';
import { hex } from './values.ts';

/** Bits of a directory or table word as they are drawn: name and mask, in the order of the columns. */
const BITS: readonly (readonly [string, number])[] = [
  ['P', PG_P],
  ['RW', PG_RW],
  ['U', PG_U],
  ['N', PG_N],
  ['A', PG_A],
  ['D', PG_D],
  ['W', PG_W],
];
const FRAME_SHIFT = 12;
const SLOT_SHIFT = 22;

const bits = (word: number): string =>
  BITS.filter(([, mask]) => (word & mask) !== 0)
    .map(([name]) => name)
    .join(' ');

/** A physical frame by its FrameNumber, where it has one. */
const frameName = (physical: number, firstManaged: number): string =>
  physical >= firstManaged ? `frame ${physical - firstManaged}` : `boot frame ${hex(physical)}`;

type Slots = readonly { readonly slot: number; readonly word: number }[];

/** One directory: the slots behind which something is mapped, each followed by its words. */
function directoryLines(slots: Slots, words: readonly PteSnapshot[], firstManaged: number): string[] {
  const rows = slots.flatMap(({ slot, word }) => {
    const below = words.filter(({ address }) => Math.floor(address / PDE_SPAN) === slot);
    if (below.length === 0) return [];
    return [
      [
        `PDE ${slot}`,
        hex(slot * 2 ** SLOT_SHIFT),
        hex(word),
        frameName(word >>> FRAME_SHIFT, firstManaged),
        bits(word),
      ],
      ...below.map((pte) => [
        '  PTE',
        hex(pte.address),
        hex(pte.word),
        frameName(pte.word >>> FRAME_SHIFT, firstManaged),
        bits(pte.word),
      ]),
    ];
  });
  if (rows.length === 0) return ['  nothing is mapped'];
  return table(
    ['', 'address', 'word', 'names', 'bits'].map((heading) => ({ heading })),
    rows,
    '  ',
  );
}

/** The page tables of the kernel and of each user pmap; directory slots without a word behind them are left out. */
export function pageTableLines({
  directoryFrame,
  firstManagedFrame,
  directory,
  tables,
  spaces,
}: PageTableSnapshot): string[] {
  const head = (name: string, frame: number): string =>
    `page tables of pmap ${name}, directory in ${frameName(frame, firstManagedFrame)}`;
  return [
    head('kernel', directoryFrame),
    ...directoryLines(directory, tables, firstManagedFrame),
    ...spaces.flatMap((space) => [
      head(space.pmap, space.directoryFrame),
      ...directoryLines(space.directory, space.tables, firstManagedFrame),
    ]),
  ];
}

/** What the processor has cached. `firstManaged`: physical frame of FrameNumber 0. */
export function tlbLines(entries: readonly TlbEntrySnapshot[], firstManaged: number): string[] {
  if (entries.length === 0) return ['TLB: empty'];
  const rows = entries.map((entry) => [
    hex(entry.address),
    frameName(entry.frame, firstManaged),
    `${entry.writable ? 'rw' : 'r-'}${entry.user ? ', user' : ''}${entry.dirty ? ', dirty' : ''}`,
  ]);
  return [
    'TLB',
    ...table(
      ['address', 'goes to', 'grants'].map((heading) => ({ heading })),
      rows,
      '  ',
    ),
  ];
}
