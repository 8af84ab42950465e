/**
 * The expert's arguments as they are generated: plain numbers and words that say which of the live things is meant, and
 * where in it. They become addresses only when the command is about to run, so that they mean something in every state,
 * and each shrinks towards the simplest choice.
 */
import fc, { type Arbitrary } from 'fast-check';
import { PAGE_SIZE } from '../../contract/address.ts';

/** Which one of a list, counted from its latest item and modulo its length. */
export type Nth = number;

/** Which number of bytes. */
export type SizePick =
  | { readonly base: 'pages'; readonly pages: number; readonly bytes: number }
  | {
      readonly base: 'free-pages' | 'hole' | 'largest-hole' | 'map';
      readonly nth: Nth;
      readonly bytes: number;
    }
  | { readonly base: 'number'; readonly value: number };

/** What a range is taken from. */
export type RangeBase = 'allocation' | 'entry' | 'hole' | 'freed' | 'submap' | 'line' | 'map';

/** Which part of it. */
export type RangeShape =
  | 'whole'
  | 'first'
  | 'last'
  | 'but-first'
  | 'but-last'
  | 'inner'
  | 'and-next'
  | 'wider'
  | 'empty'
  | 'empty-inside'
  | 'to-the-top'
  | 'backwards';

/** Which range of addresses in which map. */
export interface RangePick {
  readonly map: Nth;
  readonly base: RangeBase;
  readonly nth: Nth;
  readonly shape: RangeShape;
  /** Page inside, modulo the length; for shapes that need one. */
  readonly page: number;
  /** Bytes added to start and end. */
  readonly slack: readonly [number, number];
}

/** Which byte. */
export interface BytePick {
  readonly range: RangePick;
  readonly page: number;
  readonly byte: number;
}

/** The latest few more often: what was made last is what interacts. */
export const nths: Arbitrary<Nth> = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 2 }) },
  { weight: 2, arbitrary: fc.nat({ max: 31 }) },
);

/** 0 is kernel_map, the map of most calls. */
export const maps: Arbitrary<Nth> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat({ max: 7 }) },
);

const nearPage = fc.constantFrom(0, -1, 1, -PAGE_SIZE, PAGE_SIZE, 1 - PAGE_SIZE);

/** Sizes at and around page boundaries, around what is free, and around 2^31 and 2^32. */
export const sizes: Arbitrary<SizePick> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record(
      {
        base: fc.constant('pages' as const),
        pages: fc.oneof(
          { weight: 4, arbitrary: fc.integer({ min: 1, max: 3 }) },
          { weight: 2, arbitrary: fc.integer({ min: 1, max: 8 }) },
        ),
        bytes: fc.oneof(
          { weight: 4, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.constantFrom(-1, 1, 1 - PAGE_SIZE) },
        ),
      },
      { noNullPrototype: true },
    ),
  },
  {
    weight: 5,
    arbitrary: fc.record(
      {
        base: fc.constantFrom('hole' as const, 'free-pages' as const, 'largest-hole' as const),
        nth: nths,
        bytes: nearPage,
      },
      { noNullPrototype: true },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record(
        {
          base: fc.constant('number' as const),
          value: fc.constantFrom(
            0,
            0x003f_f000,
            0x0040_0000,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_efff,
            0xffff_f000,
            0xffff_f001,
            0xffff_ffff,
          ),
        },
        { noNullPrototype: true },
      ),
      fc.record({ base: fc.constant('map' as const), nth: maps, bytes: nearPage }, { noNullPrototype: true }),
    ),
  },
);

const slacks: Arbitrary<readonly [number, number]> = fc.oneof(
  { weight: 12, arbitrary: fc.constant([0, 0] as const) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(0, 1, PAGE_SIZE - 1), fc.constantFrom(0, 1, -1, PAGE_SIZE - 1)),
  },
);

const shapes: Arbitrary<RangeShape> = fc.oneof(
  { weight: 16, arbitrary: fc.constant('whole' as const) },
  { weight: 10, arbitrary: fc.constantFrom<RangeShape>('first', 'last', 'but-first', 'but-last', 'inner') },
  { weight: 4, arbitrary: fc.constantFrom<RangeShape>('and-next', 'wider') },
  { weight: 2, arbitrary: fc.constantFrom<RangeShape>('empty', 'empty-inside') },
  { weight: 1, arbitrary: fc.constantFrom<RangeShape>('to-the-top', 'backwards') },
);

/** Ranges, mostly taken from what `bases` names first. */
export const ranges = (...bases: readonly { weight: number; base: RangeBase }[]): Arbitrary<RangePick> =>
  fc.record(
    {
      map: maps,
      base: fc.oneof(...bases.map(({ weight, base }) => ({ weight, arbitrary: fc.constant(base) }))),
      nth: nths,
      shape: shapes,
      page: fc.nat({ max: 15 }),
      slack: slacks,
    },
    { noNullPrototype: true },
  );

/** Ranges to free. */
export const freed = ranges(
  { weight: 12, base: 'allocation' },
  { weight: 3, base: 'entry' },
  { weight: 1, base: 'hole' },
  { weight: 1, base: 'freed' },
  { weight: 1, base: 'submap' },
  { weight: 1, base: 'line' },
  { weight: 1, base: 'map' },
);

/** Ranges whose attributes change. */
export const changed = ranges(
  { weight: 8, base: 'allocation' },
  { weight: 6, base: 'entry' },
  { weight: 1, base: 'hole' },
  { weight: 1, base: 'submap' },
  { weight: 1, base: 'line' },
  { weight: 1, base: 'map' },
);

/** Room for what is inserted. */
export const room = ranges(
  { weight: 10, base: 'hole' },
  { weight: 1, base: 'entry' },
  { weight: 1, base: 'line' },
);

/** Bytes to touch, at the bounds of pages more often. */
export const touched: Arbitrary<BytePick> = fc.record(
  {
    range: ranges(
      { weight: 10, base: 'allocation' },
      { weight: 3, base: 'entry' },
      { weight: 1, base: 'hole' },
    ).map((range): RangePick => ({ ...range, shape: 'whole' })),
    page: fc.nat({ max: 15 }),
    byte: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.constantFrom(PAGE_SIZE - 1, PAGE_SIZE - 4, 1, 16) },
      { weight: 1, arbitrary: fc.nat({ max: PAGE_SIZE - 1 }) },
    ),
  },
  { noNullPrototype: true },
);

/** Rights, the usual ones more often. */
export const rights: Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(7, 3, 1, 0) },
  { weight: 1, arbitrary: fc.nat({ max: 7 }) },
);
