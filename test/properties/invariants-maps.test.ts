import { bytes, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { done, kern } from '../../contract/outcome.ts';
import type { EntrySnapshot, MapSnapshot } from '../../contract/vm-map.ts';
import { at, entryOf, kernelEntry, kernelMapOf, mapOf, viewOf } from './fixture-view.ts';
import { after, judging } from './polarity.ts';

const seen = (entries: readonly EntrySnapshot[], fields: Partial<MapSnapshot> = {}) =>
  viewOf({ maps: [mapOf('kernel', entries, fields)] });

judging('INV-MAP-SORTED', {
  accepts: { 'entries that touch': seen([entryOf(0, 4), entryOf(4, 5), entryOf(9, 10)]) },
  rejects: {
    'an entry listed before a lower one': [
      seen([entryOf(4, 6), entryOf(0, 2)]),
      /kernel: entry \[0xfe004000, 0xfe006000\) is followed by \[0xfe000000/,
    ],
    'an entry that begins inside its predecessor': [
      seen([entryOf(0, 4), entryOf(3, 5)]),
      /is followed by \[0xfe003000/,
    ],
  },
});

judging('INV-MAP-NONOVERLAP', {
  accepts: { 'entries with a hole between them': seen([entryOf(0, 4), entryOf(6, 7)]) },
  rejects: {
    'an entry inside a longer one listed far away': [
      seen([entryOf(0, 9), entryOf(10, 11), entryOf(2, 3)]),
      /share 0xfe002000/,
    ],
  },
});

judging('INV-MAP-NONEMPTY', {
  accepts: { 'an entry of one page': seen([entryOf(4, 5)]) },
  rejects: {
    'an empty entry': [seen([entryOf(4, 4)]), /\[0xfe004000, 0xfe004000\) is empty/],
    'an inverted entry': [seen([entryOf(5, 4)]), /inverted/],
  },
});

judging('INV-MAP-BOUNDS', {
  accepts: {
    'an entry that fills its map': seen([entryOf(0, 64)]),
    'a map that was just created': after(
      { kind: 'vm_map_create', name: 'm', min: at(4), max: at(6), pageable: true },
      done,
      {},
      { maps: [kernelMapOf(), mapOf('m', [], { min: at(4), max: at(6) })] },
    ),
  },
  rejects: {
    'an entry past the end of its map': [
      seen([entryOf(60, 65)]),
      /\[0xfe03c000, 0xfe041000\) reaches outside/,
    ],
    'an entry below its map': [seen([entryOf(2, 4)], { min: at(3) }), /reaches outside/],
    'a map whose end moved': [
      after(
        { kind: 'vm_map_submap', map: 'kernel', start: at(4), end: at(6), submap: 'm' },
        kern(4),
        {},
        { maps: [kernelMapOf([], { max: at(9) })] },
      ),
      /bounds \[0xfe000000, 0xfe040000\) became \[0xfe000000, 0xfe009000\)/,
    ],
  },
});

judging('INV-MAP-ALIGN', {
  accepts: { 'bounds and offsets on page boundaries': seen([kernelEntry(4, 5)]) },
  rejects: {
    'an entry cut inside a page': [seen([entryOf(0, 1.5)]), /0xfe001800\) at offset 0x0 is not page-aligned/],
    'an offset inside a page': [seen([entryOf(4, 5, { offset: objectOffset(12) })]), /offset 0xc/],
    'a map that ends inside a page': [seen([], { max: at(8.5) }), /bounds .* are not page-aligned/],
  },
});

judging('INV-MAP-SIZE', {
  accepts: { 'a size that is the sum of the entries': seen([entryOf(0, 4), entryOf(8, 9)]) },
  rejects: {
    'a size one page short': [
      seen([entryOf(0, 4)], { size: bytes(3 * PAGE_SIZE) }),
      /size is 12288, its entries cover 16384 bytes/,
    ],
  },
});

judging('INV-MAP-NENT', {
  accepts: { 'a count of two over two entries': seen([entryOf(0, 4), entryOf(8, 9)]) },
  rejects: {
    'a count that forgot a clip': [
      seen([entryOf(0, 1), entryOf(1, 4)], { entryCount: 1 }),
      /nentries is 1, 2 are/,
    ],
  },
});
