/**
 * 32-bit addresses, sizes and offsets, and the only place where they wrap (CONV-1 to CONV-3).
 *
 * Every quantity is a JavaScript number holding an exact non-negative integer. Intervals are half-open.
 */

declare const unit: unique symbol;
type Branded<Unit extends string> = number & { readonly [unit]: Unit };

/** A virtual address in bytes, 0 … 2^32 − 1. */
export type VirtualAddress = Branded<'VirtualAddress'>;
/** A size or length in bytes, 0 … 2^32 − 1. */
export type ByteCount = Branded<'ByteCount'>;
/** A byte offset inside a VM object, 0 … 2^32 − 1; offset arithmetic is modulo 2^32. */
export type ObjectOffset = Branded<'ObjectOffset'>;
/**
 * A frame of the machine: 0 … managedPages − 1 are managed (the `ppn` of golden traces),
 * managedPages … managedPages + deviceFrames − 1 are unmanaged device frames.
 */
export type FrameNumber = Branded<'FrameNumber'>;

/** Bytes in a page (CONV-2). */
export const PAGE_SIZE = 4096;
/** Bytes that one page-directory entry spans: 4 MiB. */
export const PDE_SPAN = 0x0040_0000;
/** One past the largest 32-bit address; a plain number, since no address can hold it. */
export const ADDRESS_SPACE_END = 0x1_0000_0000;

/**
 * Modulo 2^32 of an exact integer, negative ones included: `>>>` is that by definition, and far cheaper than `%`,
 * which is a floating-point division above 2^31.
 */
const wrap = (value: number): number => value >>> 0;
/** The low 12 bits of an exact integer. */
const offsetInPage = (value: number): number => value & (PAGE_SIZE - 1);

/** Brands a number as an address, modulo 2^32; `value` must be a non-negative integer. */
export const address = (value: number): VirtualAddress => wrap(value) as VirtualAddress;
/** Brands a number as a byte count; `value` must be an integer in 0 … 2^32 − 1. */
export const bytes = (value: number): ByteCount => value as ByteCount;
/** Bytes in `count` pages. */
export const pages = (count: number): ByteCount => (count * PAGE_SIZE) as ByteCount;
/** Brands a number as an object offset, modulo 2^32; negative values wrap as unsigned subtraction does. */
export const objectOffset = (value: number): ObjectOffset => wrap(value) as ObjectOffset;
/** Brands a number as a frame number. */
export const frameNumber = (value: number): FrameNumber => value as FrameNumber;

/** `from + distance` modulo 2^32 (C's unsigned addition). */
export const advance = (from: VirtualAddress, distance: number): VirtualAddress => address(from + distance);
/** `offset + distance` modulo 2^32; `distance` may be negative. */
export const advanceOffset = (offset: ObjectOffset, distance: number): ObjectOffset =>
  objectOffset(offset + distance);
/** `from + distance` in 33 bits: a plain number that may reach 2^32 or beyond (CONV-1). */
export const unwrappedEnd = (from: VirtualAddress, distance: number): number => from + distance;
/** Bytes from `start` to `end`; `end` must not lie below `start`. */
export const byteDistance = (start: VirtualAddress, end: VirtualAddress): ByteCount =>
  (end - start) as ByteCount;
/** Whole pages in a page-aligned byte count. */
export const pageCount = (size: ByteCount): number => size / PAGE_SIZE;

/** True when `value` is a multiple of the page size. */
export const isPageAligned = (value: number): boolean => offsetInPage(value) === 0;
/** Clears the low 12 bits (CONV-2, trunc_page). */
export const truncPage = (value: VirtualAddress): VirtualAddress =>
  (value - offsetInPage(value)) as VirtualAddress;
/** The next multiple of the page size, in 33 bits: may be 2^32 itself (CONV-2). */
export const roundPageUnwrapped = (value: number): number => value + offsetInPage(-value);
/** round_page of a size; undefined where it overflows, that is above 0xFFFFF000 (CONV-2). */
export function roundPage(size: ByteCount): ByteCount | undefined {
  const rounded = roundPageUnwrapped(size);
  return rounded < ADDRESS_SPACE_END ? (rounded as ByteCount) : undefined;
}

/** Page-directory slot of an address: its top ten bits. */
export const pdeSlot = (va: VirtualAddress): number => Math.floor(va / PDE_SPAN);
