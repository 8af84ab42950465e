import { bytes } from '../../contract/address.ts';
import { done, kern } from '../../contract/outcome.ts';
import {
  at,
  kernelEntry,
  kernelMapOf,
  mapOf,
  mappingOf,
  objectOf,
  pageOf,
  placeholderOf,
  type StateSpec,
  size,
} from './fixture-view.ts';
import { after, judging } from './polarity.ts';

const free = (from: number, count: number) =>
  ({ kind: 'kmem_free', map: 'kernel', address: at(from), size: size(count) }) as const;
const hugeFree = { ...free(20, 1), size: bytes(0xffff_ffff) } as const;
const remove = { kind: 'vm_map_remove', map: 'kernel', start: at(20), end: at(22) } as const;
const two = { maps: [kernelMapOf([kernelEntry(20, 22), kernelEntry(30, 31)])] };
const second = { maps: [kernelMapOf([kernelEntry(30, 31)])] };
const neither = { maps: [kernelMapOf()] };
const submapInUse = { maps: [kernelMapOf([kernelEntry(20, 22), placeholderOf('s', 24, 26)])] };

judging('INV-ACC-FREECLAMP', {
  accepts: {
    'a free beyond 2^32 that takes everything above': after(hugeFree, done, two, neither),
    'a free beyond the map over nothing': after({ ...free(40, 99) }, done, two),
    'a free inside the map': after(free(20, 2), done, two, second),
    'a refusal over a submap in use': after(hugeFree, done, submapInUse),
  },
  rejects: {
    'a wrapped end that frees nothing': [
      after(hugeFree, done, two),
      /map kernel: freeing up to 0x1fe014000 took 0 bytes; \[0xfe014000, 0xfe040000\) held 12288/,
    ],
    'a free that takes more than its range': [
      after({ ...free(30, 99) }, done, two, neither),
      /took 12288 bytes; \[0xfe01e000, 0xfe040000\) held 4096/,
    ],
  },
});

judging('INV-ACC-HOLES', {
  accepts: {
    'a range that is empty afterwards': after(free(20, 2), done, two, second),
    'bytes of a page, which free the page': after({ ...free(20.5, 1) }, done, two, second),
    'a removal that failed': after(remove, kern(4), two),
    'a size of nothing inside an allocation': after({ ...free(20, 0) }, done, two),
    'a refusal over a submap in use': after(free(20, 5), done, submapInUse),
  },
  rejects: {
    'a free that left its last page': [
      after(free(20, 2), done, two, { maps: [kernelMapOf([kernelEntry(21, 22)])] }),
      /map kernel: \[0xfe015000, 0xfe016000\) is still allocated after \[0xfe014000, 0xfe016000\) was freed/,
    ],
    'a removal that did nothing': [after(remove, kern(0), two), /is still allocated/],
    'a refusal without a submap': [after(free(20, 11), done, two), /is still allocated/],
    'a refusal that freed a part': [
      after(free(20, 5), done, submapInUse, { maps: [kernelMapOf([placeholderOf('s', 24, 26)])] }),
      /\[0xfe018000, 0xfe01a000\) is still allocated/,
    ],
  },
});

const freed = (...mappings: StateSpec['mappings'] & object) => ({ ...second, mappings });

judging('INV-ACC-UNMAPPED', {
  accepts: {
    'mappings elsewhere': after(
      free(20, 2),
      done,
      two,
      freed(mappingOf(19, 1), mappingOf(22, 2), mappingOf(30, 3)),
    ),
    'a device frame that the caller mapped': after(free(20, 2), done, two, freed(mappingOf(20, 16))),
    'a scratch page that the caller mapped': after(free(20, 2), done, two, freed(mappingOf(20, 0)), {
      machine: { scratchPages: 1 },
    }),
    'a mapping of another map that spans the range': after(free(40, 2), done, two, {
      maps: [...two.maps, mapOf('m', [kernelEntry(40, 41)])],
      mappings: [mappingOf(40, 1)],
    }),
    'a refused free': after(free(20, 5), done, submapInUse, { ...submapInUse, mappings: [mappingOf(20, 1)] }),
  },
  rejects: {
    'a mapping that outlived its range': [
      after(free(20, 2), done, two, freed(mappingOf(21, 5))),
      /0xfe015000 still maps frame 5 after \[0xfe014000, 0xfe016000\) was freed/,
    ],
    'a mapping in a range of many pages': [
      after(hugeFree, done, two, { ...neither, mappings: [mappingOf(30, 5)] }),
      /0xfe01e000 still maps frame 5/,
    ],
  },
});

const resident = (...pages: readonly number[]) => ({
  objects: [
    objectOf(
      'kernel',
      pages.map((page) => pageOf(page, page)),
    ),
    objectOf('kmem'),
  ],
});

judging('INV-ACC-FRAMES', {
  accepts: {
    'a page taken from FREE': after(free(4, 1), done, resident(), resident(4)),
    'pages released to FREE': after(free(4, 2), done, resident(4, 5), resident()),
    'an object that died with its pages': after(
      free(4, 1),
      done,
      { objects: [...resident().objects, objectOf('anon1', [pageOf(0, 7)])] },
      resident(),
    ),
  },
  rejects: {
    'a frame lost on the way': [
      after(free(4, 1), done, resident(4), { ...resident(), counters: { free: 15 } }),
      /v_free fell by 0, objects gained -1 pages/,
    ],
    'a frame both free and in use': [
      after(free(4, 1), done, resident(), { ...resident(4), counters: { free: 16 } }),
      /v_free fell by 0, objects gained 1 pages/,
    ],
  },
});
